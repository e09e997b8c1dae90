import t from 'tap'
import { createLeadership } from '../../../../src/parts/audit-log/store.ts'
import { manualClock, type ManualClock } from '../../../helpers/manual-clock.ts'

const LEASE = 4000
const POLL = 2000

/** A lease by a clock of its own, as Redis keeps it. */
function createLease (clock: ManualClock) {
  let held: Readonly<{ by: string, until: number }> | undefined
  return {
    of: (name: string) => ({
      async hold () {
        if (held !== undefined && held.by !== name && held.until > clock.monotonic()) return false
        held = { by: name, until: clock.monotonic() + LEASE }
        return true
      },
      async release () { if (held?.by === name) held = undefined }
    })
  }
}

t.test('one leads; when it dies another does within three polls', async (t) => {
  const clock = manualClock()
  const lease = createLease(clock)
  const [first, second] = ['first', 'second'].map((name) => createLeadership(lease.of(name), LEASE, clock))
  if (first === undefined || second === undefined) throw new Error('two')
  await first.tick()
  await second.tick()
  t.same([first.leaderTerm(), second.leaderTerm()], [1, undefined])
  for (let n = 0; n < 10; n++) {
    clock.advance(POLL / 2)
    await first.tick()
    await second.tick()
    t.same([first.leaderTerm(), second.leaderTerm()], [1, undefined], 'as long as it renews')
  }
  const diedAt = clock.monotonic()
  while (second.leaderTerm() === undefined) {
    clock.advance(POLL / 2)
    await second.tick()
    t.notOk(first.leaderTerm() !== undefined && second.leaderTerm() !== undefined, 'never two')
  }
  t.comment(`taken over after ${(clock.monotonic() - diedAt) / POLL} polls`)
  t.ok(clock.monotonic() - diedAt <= 3 * POLL)
})

t.test('one that was frozen wakes up and leads no more, by either clock', async (t) => {
  for (const wake of [
    (clock: ManualClock) => clock.advance(LEASE),
    (clock: ManualClock) => clock.setWall(clock.wall() + LEASE)
  ]) {
    const clock = manualClock()
    const one = createLeadership(createLease(clock).of('one'), LEASE, clock)
    await one.tick()
    t.equal(one.leaderTerm(), 1)
    wake(clock)
    t.equal(one.leaderTerm(), undefined)
    await one.tick()
    t.equal(one.leaderTerm(), 2, 'and begins a new leaderTerm where nobody took its place')
  }
})

t.test('a store that does not answer leaves it the rest of its lease', async (t) => {
  const clock = manualClock()
  const lease = createLease(clock).of('one')
  let isDown = false
  const one = createLeadership(
    { ...lease, hold: () => (isDown ? Promise.reject(new Error('down')) : lease.hold()) }, LEASE, clock
  )
  await one.tick()
  isDown = true
  clock.advance(POLL)
  await t.rejects(one.tick())
  t.equal(one.leaderTerm(), 1)
  clock.advance(POLL)
  t.equal(one.leaderTerm(), undefined)
})

t.test('one that resigns makes room at once', async (t) => {
  const clock = manualClock()
  const lease = createLease(clock)
  const [first, second] = [
    createLeadership(lease.of('first'), LEASE, clock),
    createLeadership(lease.of('second'), LEASE, clock)
  ]
  await first.tick()
  await first.resign()
  await second.tick()
  t.same([first.leaderTerm(), second.leaderTerm()], [undefined, 1])
})
