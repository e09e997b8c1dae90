import t from 'tap'
import { momentOf } from '../../../../src/base/clock.ts'
import { createChanges } from '../../../../src/parts/profile/changes.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const HOUR_MS = 3_600_000
const user = (userId: string) => ({ kind: 'user', userId } as const)

/** @param maxUsers whose changes are known one by one */
function start (maxUsers?: number) {
  const clock = manualClock()
  const changes = createChanges(clock, maxUsers)
  const lifeOf = (userId = 'alice') => changes.lifeOf(userId, momentOf(clock), HOUR_MS)
  return { clock, changes, lifeOf }
}

const WHOLE = { lifeMs: HOUR_MS, renewMs: HOUR_MS * 0.8, mayOutlive: true }
const until = (renewMs: number, lifeMs: number) => ({ renewMs, lifeMs, mayOutlive: false })
/** After a change of everybody, which may be none of this user's. */
const perhapsUntil = (renewMs: number, lifeMs: number) => ({ renewMs, lifeMs, mayOutlive: true })

t.test('a profile that is read after a change lives until the change can be seen', async (t) => {
  const { clock, changes, lifeOf } = start()
  clock.advance(400_000)
  t.strictSame(lifeOf(), WHOLE, 'nothing was told')
  changes.told(user('alice'))
  t.strictSame(lifeOf(), until(2000, 4000))
  t.strictSame(lifeOf('bob'), WHOLE)
  clock.advance(1999)
  t.strictSame(lifeOf(), until(1, 2001))
  clock.advance(1)
  t.strictSame(lifeOf(), until(303_000, 308_000))
  clock.advance(302_999)
  t.strictSame(lifeOf(), until(1, 5001))
  clock.advance(1)
  t.strictSame(lifeOf(), WHOLE)
})

t.test('the newest change of a user or of everybody counts', async (t) => {
  const { clock, changes, lifeOf } = start()
  t.strictSame(lifeOf(), perhapsUntil(305_000, 310_000), 'nothing was heard before the start')
  clock.advance(400_000)
  changes.told(user('alice'))
  clock.advance(10_000)
  changes.told({ kind: 'everything' })
  t.strictSame(lifeOf(), until(2000, 300_000), 'her own change, which was told')
  t.strictSame(lifeOf('bob'), until(2000, 310_000))
  clock.advance(10_000)
  changes.told(user('bob'))
  t.strictSame(lifeOf('bob'), until(2000, 4000))
  changes.told({ kind: 'client', clientId: 'agent' })
  t.strictSame(lifeOf(), until(285_000, 290_000), 'what is about no user changes nothing')
})

t.test("another replica's profile from before a change is read again in its time", async (t) => {
  const { clock, changes } = start()
  clock.advance(400_000)
  const since = momentOf(clock)
  clock.advance(100_000)
  changes.told({ kind: 'everything' })
  t.strictSame(changes.lifeOf('alice', since, HOUR_MS), until(102_000, 410_000))
})

t.test('a change that does not fit counts as one of everybody', async (t) => {
  const { clock, changes, lifeOf } = start(2)
  clock.advance(400_000)
  for (const one of ['alice', 'bob', 'carol']) changes.told(user(one))
  for (const one of ['alice', 'dora']) t.strictSame(lifeOf(one), until(2000, 310_000))
  t.strictSame(lifeOf('carol'), until(2000, 4000))
})

t.test('a replica that starts reads again in the background what the log says of many', async (t) => {
  const { clock, changes, lifeOf } = start()
  clock.advance(400_000)
  const read = (ageMs: number, of: string) => changes.told(user('alice'), { of, at: clock.wall() - ageMs })
  read(200_000, 'one')
  t.strictSame(lifeOf(), until(2000, 310_000))
  clock.advance(100_000)
  read(0, 'one')
  t.strictSame(lifeOf(), until(205_000, 210_000), 'a copy in a new log changes nothing')
  read(0, 'another')
  t.strictSame(lifeOf(), until(2000, 4000))
})

t.test('a wall clock that is set forward ends no window', async (t) => {
  const { clock, changes, lifeOf } = start()
  clock.setWall(clock.wall() + 3_600_000)
  t.strictSame(lifeOf(), perhapsUntil(305_000, 310_000))
  clock.advance(400_000)
  changes.told(user('alice'))
  clock.setWall(clock.wall() + 3_600_000)
  clock.advance(1000)
  t.strictSame(lifeOf(), until(1000, 3000))
})
