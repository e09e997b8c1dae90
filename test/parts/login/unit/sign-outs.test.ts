import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { nameOf, type Revocation, type RevokeOutcome } from '../../../../src/base/revocation/types.ts'
import { createSignOuts } from '../../../../src/parts/login/sessions/sign-out-budget.ts'
import { digest } from '../../../helpers/log-entry.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { until } from '../../../helpers/until.ts'

const QUIET_MS = 90_000

function start (outcome: RevokeOutcome = 'logged') {
  const clock = manualClock()
  const written: Revocation[] = []
  const state = { admits: true, outcome }
  const revocations = {
    admits: () => state.admits,
    revoke: async (revocation: Revocation) => { written.push(revocation); return state.outcome }
  }
  const pauses: Array<Readonly<{ ms: number, end: () => void }>> = []
  const pause = (ms: number): Promise<void> => new Promise((resolve) => { pauses.push({ ms, end: resolve }) })
  const signOuts = createSignOuts({ revocations, clock, quietMs: QUIET_MS, pause })
  const names = (): string[] => written.map(({ target, quietMs }) => `${nameOf(target).slice(2)} ${quietMs / 1000}`)
  return { clock, written, state, signOuts, names, pauses }
}

const alice = (n: number) => ({ userId: 'alice', digest: digest(`session ${n}`) })

t.test('writes a sign-out with its quiet time and the minute that it covers', async (t) => {
  const { signOuts, names } = start()
  t.equal(await signOuts.begin(alice(1)), 'logged')
  t.strictSame(names(), ['session 1 150'])
})

t.test('the same session is written again when the first no longer covers it', async (t) => {
  const { signOuts, names, clock } = start()
  await signOuts.begin(alice(1))
  clock.advance(60_000)
  await signOuts.begin(alice(1))
  t.equal(names().length, 1, 'quiet for all of it still')
  clock.advance(1)
  await signOuts.begin(alice(1))
  t.strictSame(names(), ['session 1 150', 'session 1 150'])
})

t.test('the end is written only where something may have been stored since the beginning', async (t) => {
  const { signOuts, names, clock } = start()
  await signOuts.begin(alice(1))
  clock.advance(149_999)
  await signOuts.end(alice(1))
  t.equal(names().length, 1)
  clock.advance(1)
  await signOuts.end(alice(1))
  await signOuts.end(alice(1))
  t.strictSame(names(), ['session 1 150', 'session 1 60'])
})

t.test('a machine that slept writes again: the others were not quiet for as long', async (t) => {
  const { signOuts, names, clock } = start()
  await signOuts.begin(alice(1))
  clock.setWall(clock.wall() + 150_000)
  await signOuts.end(alice(1))
  t.strictSame(names(), ['session 1 150', 'session 1 60'])
})

t.test('several sessions of a user are each written, and forbid nothing of others', async (t) => {
  const { signOuts, names } = start()
  for (let n = 1; n <= 10; n++) await signOuts.begin(alice(n))
  await signOuts.begin({ userId: 'bob', digest: digest('of bob') })
  t.strictSame(names(), [...Array.from({ length: 10 }, (_, n) => `session ${n + 1} 150`), 'of bob 150'])
})

t.test('beyond ten in a minute the user is void once, and nothing is forbidden', async (t) => {
  const { signOuts, names, clock, pauses } = start()
  for (let n = 1; n <= 10; n++) await signOuts.begin(alice(n))
  t.equal(await signOuts.begin(alice(11)), 'logged')
  t.strictSame(names().slice(10), ['alice 0'])
  const later = Promise.all(Array.from({ length: 50 }, (_, n) => signOuts.begin(alice(12 + n))))
  clock.advance(2000)
  await until('they wait for the next one', () => pauses.length === 1)
  t.equal(pauses[0]?.ms, 5000)
  pauses.shift()?.end()
  t.strictSame(new Set(await later), new Set(['logged']))
  t.strictSame(names().slice(11), ['alice 0'], 'one for all of them')
  clock.advance(60_000)
  await signOuts.begin(alice(100))
  t.strictSame(names().slice(12), ['session 100 150'], 'a minute later it is the session again')
})

t.test('the end of a sign-out that made the user void waits for nobody', async (t) => {
  const { signOuts, names, pauses, clock } = start()
  for (let n = 1; n <= 10; n++) await signOuts.begin(alice(n))
  await signOuts.begin(alice(11))
  clock.advance(100)
  await Promise.race([signOuts.end(alice(11)), turn()])
  t.strictSame(names().slice(10), ['alice 0', 'alice 0'])
  t.equal(pauses.length, 0)
  const twelfth = signOuts.begin(alice(12))
  clock.advance(5000)
  pauses.shift()?.end()
  await twelfth
  await Promise.race([signOuts.end(alice(12)), turn()])
  t.strictSame(names().slice(12), ['alice 0', 'alice 0'], 'the next one, too')
})

t.test('one user at full speed for ten minutes writes 34 entries a minute', async (t) => {
  const { signOuts, written, clock, pauses } = start()
  for (let n = 0; n < 60_000; n++) {
    signOuts[n % 3 === 0 ? 'end' : 'begin'](alice(n)).catch(() => {})
    clock.advance(10)
    if (n % 500 === 0) pauses.shift()?.end()
    await null
  }
  t.ok(written.length <= 350, `${written.length} entries`)
})

t.test('what is asked in the same instant is written once, and each hears how it went', async (t) => {
  const { signOuts, written } = start('pending')
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => signOuts.begin(alice(1))))
  t.strictSame(new Set(outcomes), new Set(['pending']))
  t.equal(written.length, 1)
})

t.test('retries a write that Redis missed, ten times a minute at most', async (t) => {
  const { signOuts, names, clock, state } = start('pending')
  for (let n = 1; n <= 20; n++) t.equal(await signOuts.begin(alice(1)), 'pending')
  t.strictSame(names(), Array(10).fill('session 1 150'))
  clock.advance(60_000)
  state.outcome = 'logged'
  t.equal(await signOuts.begin(alice(1)), 'logged', 'Redis is back')
  t.equal(await signOuts.begin(alice(1)), 'logged')
  t.equal(names().length, 11)
})

t.test('writes nothing where the log is full, and answers what is covered', async (t) => {
  const { signOuts, written, state } = start()
  await signOuts.begin(alice(1))
  state.admits = false
  t.strictSame([await signOuts.begin(alice(2)), await signOuts.begin(alice(1))], ['refused', 'logged'])
  t.equal(written.length, 1)
  state.admits = true
  t.equal(await signOuts.begin(alice(2)), 'logged', 'a refused one is none')
})

t.test('20,000 users are not all kept', async (t) => {
  const { signOuts, written } = start()
  for (let n = 0; n < 20_000; n++) await signOuts.begin({ userId: `u${n}`, digest: digest(`d${n}`) })
  await signOuts.begin({ userId: 'u19999', digest: digest('d19999') })
  t.equal(written.length, 20_000, 'the newest is known')
  await signOuts.begin({ userId: 'u0', digest: digest('d0') })
  t.equal(written.length, 20_001, 'the oldest is not, and is written again')
})
