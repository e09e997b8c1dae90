import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { CredentialDigest } from '../../../../src/base/core/cache-key.ts'
import { AuthgearCircuitOpen, AuthgearUnreachable, Overloaded } from '../../../../src/base/errors.ts'
import { createCircuitBreaker, type CircuitBreaker } from '../../../../src/base/authgear/resolver/circuit-breaker.ts'
import { OURSELVES } from '../../../../src/base/authgear/resolver/failures.ts'
import { Deadline } from '../../../../src/base/authgear/resolver/deadline.ts'

const PAUSE = 1000
const digest = (name: string): CredentialDigest => name as CredentialDigest
const NEVER = new Deadline(0)
NEVER.met()
const run = <T>(guard: CircuitBreaker, who: string, task: () => Promise<T>): Promise<T> =>
  guard.run({ whole: [digest(who)], all: [digest(who)] }, NEVER, task)

/** Fails as a connection does: in a later turn of the event loop. */
const unreachable = async (): Promise<never> => {
  await turn()
  throw new AuthgearUnreachable(new Error('reset'))
}

/** A task that ends when the test says so. */
function held () {
  let end = (): void => {}
  const ended = new Promise<void>((resolve) => { end = resolve })
  return { task: () => ended, end: () => end() }
}

t.test('what waits in the queue when the breaker opens is refused at once and never sent', async (t) => {
  const guard = createCircuitBreaker(2, 10)
  const first = held()
  const slow = run(guard, 'slow', first.task)
  let sent = 0
  const waiting: Promise<void>[] = []
  for (let i = 0; i < 5; i++) {
    const failing = run(guard, `f${i}`, unreachable)
    if (i === 4) waiting.push(run(guard, 'waiting', async () => { sent++ }))
    await failing.catch(() => {})
  }
  await t.rejects(Promise.all(waiting), AuthgearCircuitOpen, 'though the slot of the slow one is still taken')
  t.equal(sent, 0)
  first.end()
  await slow
})

t.test('a question of this service waits for no stranger, however many wait', async (t) => {
  const guard = createCircuitBreaker(2, 16)
  const stranger = held()
  const strangers = Array.from({ length: 18 }, () => guard.run({ whole: [], all: [] }, NEVER, stranger.task))
  t.equal(await guard.run(OURSELVES, NEVER, async () => 'asked'), 'asked')
  stranger.end()
  await Promise.all(strangers)
})

t.test('a refused request proves nothing: the breaker stays open for a real probe', async (t) => {
  let now = 0
  const guard = createCircuitBreaker(1, 0, {}, () => now)
  for (let i = 0; i < 5; i++) await run(guard, `f${i}`, unreachable).catch(() => {})
  t.equal(guard.isClosed(), false)
  now = PAUSE
  const probe = held()
  const probing = run(guard, 'a', probe.task)
  await t.rejects(run(guard, 'b', async () => {}), AuthgearCircuitOpen, 'half-open: refused at once')
  t.equal(guard.isClosed(), false)
  probe.end()
  await probing
  t.equal(guard.isClosed(), true)
  const busy = held()
  const running = run(guard, 'c', busy.task)
  await t.rejects(run(guard, 'd', async () => {}), Overloaded)
  t.equal(guard.isClosed(), true)
  busy.end()
  await running
})

t.test('of several whose turn comes at one moment one probes, the others are refused', async (t) => {
  let now = 0
  const guard = createCircuitBreaker(4, 10, {}, () => now)
  for (let i = 0; i < 5; i++) await run(guard, `f${i}`, unreachable).catch(() => {})
  now = PAUSE
  let probes = 0
  const outcomes = await Promise.allSettled(
    Array.from({ length: 4 }, (_, i) =>
      run(guard, `p${i}`, async () => {
        probes++
        await turn()
      })
    )
  )
  t.equal(probes, 1)
  t.equal(outcomes.filter(({ status }) => status === 'rejected').length, 3)
})

t.test('a wall clock that is set back an hour while it is open does not keep it open', async (t) => {
  const wall = Date.now
  t.teardown(() => { Date.now = wall })
  let now = 0
  const guard = createCircuitBreaker(4, 10, {}, () => now)
  for (let i = 0; i < 5; i++) await run(guard, `f${i}`, unreachable).catch(() => {})
  Date.now = () => wall() - 3_600_000
  now = PAUSE - 1
  await t.rejects(run(guard, 'a', async () => {}), AuthgearCircuitOpen, 'its second is not over')
  now = PAUSE
  await run(guard, 'a', async () => {})
  t.equal(guard.isClosed(), true)
})

t.test('the beginning of an outage and its end are told once, with how long and how many', async (t) => {
  let now = 0
  const told: unknown[] = []
  const guard = createCircuitBreaker(4, 10, {
    outageBegan: () => { told.push('began') },
    outageEnded: (outageMs, notAsked) => { told.push({ outageMs, notAsked }) }
  }, () => now)
  for (let i = 0; i < 5; i++) await run(guard, `f${i}`, unreachable).catch(() => {})
  for (let i = 0; i < 7; i++) await run(guard, `f${i}`, unreachable).catch(() => {})
  now = PAUSE
  await run(guard, 'a', unreachable).catch(() => {})
  t.strictSame(told, ['began'], 'a probe that fails is no new one')
  now = 3 * PAUSE
  await run(guard, 'a', async () => {})
  t.strictSame(told, ['began', { outageMs: 3 * PAUSE, notAsked: 7 }])
  await run(guard, 'a', async () => {})
  t.equal(told.length, 2)
})
