import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { AuthgearCircuitOpen, AuthgearUnreachable, Overloaded } from '../../src/errors.ts'
import { createGuard } from '../../src/resolver/guard.ts'

const PAUSE = 1000
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

async function trip (guard: ReturnType<typeof createGuard>): Promise<void> {
  for (let i = 0; i < 5; i++) await guard.run(unreachable).catch(() => {})
}

t.test('what waits in the queue when the breaker opens is not sent', async (t) => {
  const guard = createGuard(2, 10)
  const first = held()
  const slow = guard.run(first.task)
  let sent = 0
  const failing = Array.from({ length: 5 }, () => guard.run(unreachable))
  const next = guard.run(unreachable) // gets the slot of the fifth before anybody has counted that
  const waiting = guard.run(async () => { sent++ })
  await Promise.allSettled([...failing, next])
  await t.rejects(waiting, AuthgearCircuitOpen)
  t.equal(sent, 0)
  first.end()
  await slow
})

t.test('a probe that never left the queue does not close the breaker', async (t) => {
  const real = Date.now
  let skew = 0
  Date.now = () => real() + skew
  t.teardown(() => { Date.now = real })
  const guard = createGuard(1, 1)
  const first = held()
  await trip(guard)
  t.equal(guard.isClosed(), false)
  skew = PAUSE
  await t.rejects(guard.run(async () => { throw new Overloaded() }), Overloaded, 'as one whose deadline passed in the queue')
  t.equal(guard.isClosed(), false, 'nothing is proved')
  skew = 2 * PAUSE
  const probe = guard.run(first.task)
  first.end()
  await probe
  t.equal(guard.isClosed(), true)
})
