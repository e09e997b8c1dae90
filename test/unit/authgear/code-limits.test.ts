import t from 'tap'
import { createCodeLimits } from '../../../src/authgear/code-limits.ts'
import { GrantRefused, Overloaded } from '../../../src/errors.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const trace = (address: string, isNamed = true) =>
  ({ address, isNamed, userAgent: undefined, traceparent: undefined, tracestate: undefined })

/** Withheld until the test says. */
function held<T> () {
  let resolve: (value: T) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<T>((...ends) => { [resolve, reject] = ends })
  return { promise, resolve: (value: T) => resolve(value), reject: (error: Error) => reject(error) }
}

function limited (maxWaitMs?: number) {
  const clock = manualClock()
  const limits = createCodeLimits(clock.monotonic, maxWaitMs)
  /** @returns how many of these codes reached Authgear, which refuses each */
  const junk = async (address: string, count: number, isNamed = true): Promise<number> => {
    let asked = 0
    for (let n = 0; n < count; n++) {
      await limits.run(trace(address, isNamed), async () => { asked++; throw new GrantRefused() }).catch(() => {})
    }
    return asked
  }
  return { clock, limits, junk }
}

t.test('refused codes of one client stop, and those of others go on', async (t) => {
  const { clock, limits, junk } = limited()
  t.equal(await junk('192.0.2.1', 50), 10)
  t.equal(await limits.run(trace('192.0.2.1'), async () => 'in'), 'too_many')
  t.equal(await junk('192.0.2.2', 5), 5)
  for (let n = 0; n < 50; n++) t.equal(await limits.run(trace('192.0.2.2'), async () => 'in'), 'in')
  t.equal(await junk('192.0.2.2', 50), 5, 'a good one does not count')
  t.equal(await junk('2001:db8::1', 5) + await junk('2001:db8::ffff', 50), 10, 'one network')
  t.equal(await junk('198.51.100.1', 100, false), 60, 'a proxy that is not trusted is many people')
  clock.advance(60_000)
  t.equal(await junk('192.0.2.1', 50), 10)
  for (let n = 0; n < 20_000; n++) await junk(`10.${n >> 16 & 255}.${n >> 8 & 255}.${n & 255}`, 1)
  t.equal(await junk('192.0.2.1', 50), 10, 'the least recent clients are forgotten')
})

t.test('an outage refuses no code', async (t) => {
  const { limits } = limited()
  for (let n = 0; n < 50; n++) {
    await t.rejects(limits.run(trace('192.0.2.1'), () => Promise.reject(new Overloaded())), Overloaded)
  }
  t.equal(await limits.run(trace('192.0.2.1'), async () => 'in'), 'in')
})

t.test('six codes of one client are under way, junk that waits stops with the tenth', async (t) => {
  const { limits } = limited()
  const gate = held<never>()
  let asked = 0
  const all = Promise.allSettled(Array.from({ length: 100 }, () =>
    limits.run(trace('192.0.2.1'), () => { asked++; return gate.promise })))
  t.equal(asked, 6)
  t.equal(await limits.run(trace('192.0.2.2'), async () => 'in'), 'in', 'another client does not wait')
  gate.reject(new GrantRefused())
  const seen = await all
  t.ok(asked >= 10 && asked < 16, `${asked} reached Authgear`)
  t.equal(seen.filter((one) => one.status === 'fulfilled' && one.value === 'too_many').length, 100 - asked)
})

t.test('a wait has an end, and so have those who wait', async (t) => {
  const { limits } = limited(1)
  const gate = held<'in'>()
  const running = Array.from({ length: 6 }, () => limits.run(trace('192.0.2.1'), () => gate.promise))
  let isAsked = false
  const late = async (): Promise<string> => { isAsked = true; return 'in' }
  await t.rejects(limits.run(trace('192.0.2.1'), late), Overloaded)
  const many = limited()
  const waiting = Array.from({ length: 6 + 128 }, () => many.limits.run(trace('192.0.2.1'), () => gate.promise))
  await t.rejects(many.limits.run(trace('192.0.2.1'), late), Overloaded, 'at once')
  gate.resolve('in')
  t.strictSame(new Set(await Promise.all([...running, ...waiting])), new Set(['in']))
  t.notOk(isAsked)
})
