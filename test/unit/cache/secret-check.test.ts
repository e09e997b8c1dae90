import t, { type Test } from 'tap'
import { createSecretCheck, startSecretCheck } from '../../../src/base/cache/secret-check.ts'
import { deriveKeys, secretBytes } from '../../../src/base/core/cache-key.ts'
import { createSealer } from '../../../src/base/crypto/sealing.ts'
import { manualClock, type ManualClock } from '../../helpers/manual-clock.ts'

const [OLD, NEW] = ['the old secret, of 32 bytes or so', 'the new secret, of 32 bytes or so']
const MINUTE_MS = 60_000
const sealerOf = (secret: string) => createSealer(deriveKeys(secretBytes(secret)).sealing)

/** One key of a Redis, on the clock of the test. */
function createFakeKey (clock: ManualClock) {
  let held: Readonly<{ text: string, ends: number }> | undefined
  let isDown = false
  const get = (): string | undefined => held === undefined || held.ends <= clock.monotonic() ? undefined : held.text
  const set = (text: string, lifeMs: number): void => { held = { text, ends: clock.monotonic() + lifeMs } }
  const orDown = <T>(value: () => T): Promise<T> =>
    isDown ? Promise.reject(new Error('down')) : Promise.resolve(value())
  return {
    fail: (fails: boolean) => { isDown = fails },
    flush: () => { held = undefined },
    commands: {
      getBuffer: () => orDown(() => { const text = get(); return text === undefined ? null : Buffer.from(text) }),
      setPx: (_name: string, value: Buffer, lifeMs: number) => orDown(() => set(value.toString(), lifeMs)),
      setIfAbsent: (_name: string, value: string, lifeMs: number) => orDown(() => {
        if (get() !== undefined) return false
        set(value, lifeMs)
        return true
      })
    }
  }
}

function startWorld (t: Test) {
  const clock = manualClock()
  const key = createFakeKey(clock)
  const ticks = new Set<() => void>()
  function startReplica (secret: string, previous?: string) {
    const check = createSecretCheck({
      commands: key.commands,
      sealer: sealerOf(secret),
      previous: previous === undefined ? undefined : sealerOf(previous),
      name: 'canary',
      clock
    })
    const told: string[] = []
    const timer = startSecretCheck({
      check,
      isRotating: previous !== undefined,
      clock,
      foreign: () => told.push('foreign'),
      rotated: () => told.push('rotated'),
      repeat: (_ms, act) => { ticks.add(act); return () => { ticks.delete(act) } }
    })
    t.teardown(timer.close)
    return { told, check, stop: timer.close, writesPrevious: timer.writesPrevious }
  }
  /** A minute, in which each replica looks once; all is settled afterwards. */
  async function minute (): Promise<void> {
    clock.advance(MINUTE_MS)
    for (const tick of ticks) {
      tick()
      await new Promise(setImmediate)
    }
  }
  async function minutes (count: number): Promise<void> { for (let n = 0; n < count; n++) await minute() }
  return { clock, key, startReplica, minute, minutes }
}

t.test('while CACHE_SECRET is rotated', async (t) => {
  t.test('writes under the previous one while a replica is left that has it alone', async (t) => {
    const { startReplica, minute, minutes } = startWorld(t)
    const old = startReplica(OLD)
    await minute()
    const both = startReplica(NEW, OLD)
    t.ok(both.writesPrevious(), 'before it has looked')
    await minutes(30)
    t.ok(both.writesPrevious())
    t.strictSame([old.told, both.told], [[], []], 'and neither takes the other for a stranger')
  })

  t.test('writes under the new one five to six minutes after the last of them ended', async (t) => {
    const { clock, startReplica, minute, minutes } = startWorld(t)
    const old = startReplica(OLD)
    const replicas = [startReplica(NEW, OLD), startReplica(NEW, OLD)]
    await minute()
    old.stop()
    await minutes(4)
    t.strictSame(replicas.map(({ writesPrevious }) => writesPrevious()), [true, true])
    await minute()
    const since = clock.wall()
    t.strictSame(replicas.map(({ writesPrevious }) => writesPrevious()), [false, false])
    t.strictSame(replicas.map(({ told }) => told), [['rotated'], ['rotated']])
    await minutes(10)
    t.match(await replicas[0]?.check.read(), { kind: 'current', since }, 'it says since when, for doctor')
    const late = startReplica(NEW, OLD)
    const after = startReplica(NEW)
    await minute()
    t.notOk(late.writesPrevious())
    t.strictSame(after.told, [])
  })

  t.test('after a loss of Redis, no replica writes what another cannot read', async (t) => {
    const { key, startReplica, minute, minutes } = startWorld(t)
    const both = startReplica(NEW, OLD)
    const old = startReplica(OLD)
    await minute()
    key.flush()
    await minutes(10)
    t.ok(both.writesPrevious())
    old.stop()
    await minutes(6)
    t.notOk(both.writesPrevious())
    key.flush()
    await minute()
    t.match(await both.check.read(), { kind: 'current' }, 'the fleet was known to have the new one')
  })

  t.test('a Redis that cannot be read says nothing about who is left', async (t) => {
    const { key, startReplica, minute, minutes } = startWorld(t)
    const both = startReplica(NEW, OLD)
    await minute()
    key.fail(true)
    await minutes(10)
    key.fail(false)
    await minutes(2)
    t.ok(both.writesPrevious(), 'the absence counts from when it can be seen')
    await minute()
    t.notOk(both.writesPrevious())
  })

  t.test('goes back where a replica with the previous one alone was first', async (t) => {
    const { key, startReplica, minutes } = startWorld(t)
    const both = startReplica(NEW, OLD)
    await minutes(3)
    t.notOk(both.writesPrevious())
    key.flush()
    startReplica(OLD)
    both.stop()
    await minutes(1)
    const next = startReplica(NEW, OLD)
    await minutes(1)
    t.ok(next.writesPrevious())
  })

  t.test('a third secret is foreign, and is logged once', async (t) => {
    const { startReplica, minutes } = startWorld(t)
    startReplica('a third secret, of 32 bytes or so')
    const both = startReplica(NEW, OLD)
    await minutes(5)
    t.strictSame(both.told, ['foreign'])
    t.ok(both.writesPrevious())
  })
})

t.test('without a rotation the first replica writes at once', async (t) => {
  const { startReplica, minute } = startWorld(t)
  const [first, second] = [startReplica(NEW), startReplica(NEW)]
  await minute()
  t.match(await second.check.read(), { kind: 'current' })
  t.strictSame([first.writesPrevious(), first.told], [false, []])
})
