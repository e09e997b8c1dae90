import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { createCodeLimits, type Visitor } from '../../../../src/parts/login/oidc/codes.ts'
import { Overloaded } from '../../../../src/base/errors.ts'
import { GrantRefused } from '../../../../src/parts/login/errors.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { until } from '../../../helpers/until.ts'

const trace = (address: string, isNamed = true) =>
  ({ address, isNamed, userAgent: undefined, traceparent: undefined, tracestate: undefined })

/** @param id a browser that has never signed in */
const newcomer = (id: string) => ({ id, hasSignedIn: false })

const refuse = async (): Promise<never> => { throw new GrantRefused() }

/** Withheld until the test says. */
function held<T> () {
  let resolve: (value: T) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<T>((...ends) => { [resolve, reject] = ends })
  return { promise, resolve: (value: T) => resolve(value), reject: (error: Error) => reject(error) }
}

function limited (maxWaitMs?: number) {
  const clock = manualClock()
  const pauses: Array<() => void> = []
  const pause = (): Promise<void> => new Promise((resolve) => { pauses.push(resolve) })
  const limits = createCodeLimits(clock.monotonic, maxWaitMs === undefined ? { pause } : { maxWaitMs, pause })
  let browsers = 0
  /** Each of another browser. @returns how many of these codes reached Authgear, which refuses each */
  const junk = async (address: string, count: number, isNamed = true): Promise<number> => {
    let asked = 0
    for (let n = 0; n < count; n++) {
      const refuse = async (): Promise<never> => { asked++; throw new GrantRefused() }
      const refused = limits.run(trace(address, isNamed), newcomer(`browser ${browsers++}`), refuse).catch(() => {})
      pauses.shift()?.()
      await refused
    }
    return asked
  }
  return { clock, limits, junk, pauses }
}

t.test('refused codes of one browser stop, and those of its network go on', async (t) => {
  const { clock, limits } = limited()
  let asked = 0
  const refuse = async (): Promise<never> => { asked++; throw new GrantRefused() }
  for (let n = 0; n < 50; n++) await limits.run(trace('192.0.2.1'), newcomer('a'), refuse).catch(() => {})
  t.equal(asked, 10)
  t.equal(await limits.run(trace('192.0.2.1'), newcomer('a'), async () => 'in'), 'too_many')
  for (let n = 0; n < 50; n++) t.equal(await limits.run(trace('192.0.2.1'), newcomer(`b${n}`), async () => 'in'), 'in')
  clock.advance(60_000)
  t.equal(await limits.run(trace('192.0.2.1'), newcomer('a'), async () => 'in'), 'in')
})

t.test('after ten refused codes a network goes one at a time, and junk at a pace', async (t) => {
  const { clock, limits, junk, pauses } = limited()
  t.equal(await junk('192.0.2.1', 10), 10)
  t.equal(pauses.length, 0)
  let asked = 0
  const outcomes = Array.from({ length: 3 }, (_, n) => limits.run(trace('192.0.2.1'), newcomer(`junk ${n}`), async () => {
    asked++
    throw new GrantRefused()
  }).catch(() => 'refused'))
  const good = limits.run(trace('192.0.2.1'), newcomer('a person'), async () => 'in')
  t.equal(await limits.run(trace('192.0.2.2'), newcomer('another network'), async () => 'in'), 'in')
  const state = { isOver: false }
  const all = Promise.all([...outcomes, good]).finally(() => { state.isOver = true })
  while (!state.isOver) {
    await turn()
    t.ok(pauses.length <= 1, 'one at a time')
    pauses.shift()?.()
  }
  t.strictSame(await all, [...Array(3).fill('refused'), 'in'])
  t.equal(asked, 3)
  t.equal(await junk('2001:db8::1', 5) + await junk('2001:db8::ffff', 5), 10)
  const slow = limits.run(trace('2001:db8::2'), newcomer('one network'), refuse).catch(() => {})
  await until('it is at a pace', () => pauses.length === 1)
  pauses.shift()?.()
  await slow
  clock.advance(60_000)
  t.equal(await junk('192.0.2.1', 10), 10)
  t.equal(pauses.length, 0, 'a minute later they begin with nothing')
})

t.test('where no proxy names the client thirty codes may be refused before that', async (t) => {
  const { limits, junk, pauses } = limited()
  t.equal(await junk('198.51.100.1', 30, false), 30)
  t.equal(pauses.length, 0)
  const slow = limits.run(trace('198.51.100.1', false), newcomer('b'), refuse).catch(() => {})
  await until('it is at a pace', () => pauses.length === 1)
  pauses.shift()?.()
  await slow
})

t.test('an outage refuses no code', async (t) => {
  const { limits } = limited()
  for (let n = 0; n < 50; n++) {
    await t.rejects(limits.run(trace('192.0.2.1'), newcomer('a'), () => Promise.reject(new Overloaded())), Overloaded)
  }
  t.equal(await limits.run(trace('192.0.2.1'), newcomer('a'), async () => 'in'), 'in')
})

t.test('six codes of one browser are under way, junk that waits stops with the tenth', async (t) => {
  const { limits } = limited()
  const gate = held<never>()
  let asked = 0
  const all = Promise.allSettled(Array.from({ length: 38 }, () =>
    limits.run(trace('192.0.2.1'), newcomer('a'), () => { asked++; return gate.promise })))
  t.equal(asked, 6)
  t.equal(await limits.run(trace('192.0.2.2'), newcomer('b'), async () => 'in'), 'in', 'another client does not wait')
  gate.reject(new GrantRefused())
  const seen = await all
  t.ok(asked >= 10 && asked < 16, `${asked} reached Authgear`)
  t.equal(seen.filter((one) => one.status === 'fulfilled' && one.value === 'too_many').length, 38 - asked)
})

t.test('a wait has an end, and so have those who wait', async (t) => {
  const { limits } = limited(1)
  const gate = held<'in'>()
  const running = Array.from({ length: 6 }, (_, n) => limits.run(trace('192.0.2.1'), newcomer(`b${n}`), () => gate.promise))
  let isAsked = false
  const late = async (): Promise<string> => { isAsked = true; return 'in' }
  await t.rejects(limits.run(trace('192.0.2.1'), newcomer('late'), late), Overloaded)
  const many = limited()
  const waiting = Array.from({ length: 6 + 128 }, (_, n) =>
    many.limits.run(trace('192.0.2.1'), newcomer(`b${n}`), () => gate.promise))
  await t.rejects(many.limits.run(trace('192.0.2.1'), newcomer('late'), late), Overloaded, 'at once')
  gate.resolve('in')
  t.strictSame(new Set(await Promise.all([...running, ...waiting])), new Set(['in']))
  t.notOk(isAsked)
})

/** A stranger who sends five junk codes a second, each of another browser of one network. */
async function flooded () {
  const clock = manualClock()
  const pauses: Array<Readonly<{ until: number, end: () => void }>> = []
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => { pauses.push({ until: clock.monotonic() + ms, end: resolve }) })
  const limits = createCodeLimits(clock.monotonic, { pause })
  let browsers = 0
  const tick = async (): Promise<void> => {
    limits.run(trace('192.0.2.1'), newcomer(`junk ${browsers++}`), refuse).catch(() => {})
    clock.advance(200)
    while (pauses[0] !== undefined && pauses[0].until <= clock.monotonic()) pauses.shift()?.end()
    await turn()
  }
  /** @returns what became of it, and after how many seconds of the flood */
  const arrive = async (browser: Visitor): Promise<readonly [outcome: unknown, seconds: number]> => {
    const began = clock.monotonic()
    const state: { outcome?: unknown } = {}
    limits.run(trace('192.0.2.1'), browser, async () => 'in')
      .catch((error: unknown) => error).then((outcome) => { state.outcome = outcome })
    await turn()
    while (state.outcome === undefined && clock.monotonic() - began < 60_000) await tick()
    return [state.outcome, (clock.monotonic() - began) / 1000]
  }
  for (let n = 0; n < 250; n++) await tick()
  return { arrive, tick }
}

t.test('a browser that signed in before waits for no junk of its network', async (t) => {
  const { arrive } = await flooded()
  const [outcome, seconds] = await arrive({ id: 'known', hasSignedIn: true })
  t.equal(outcome, 'in')
  t.ok(seconds <= 2, `${seconds} s`)
})

t.test('refuses at once a code whose turn would come too late', async (t) => {
  const { arrive, tick } = await flooded()
  for (let n = 0; n < 20; n++) {
    const [outcome, seconds] = await arrive(newcomer(`new ${n}`))
    if (outcome === 'in') t.ok(seconds <= 10, `${seconds} s`)
    else t.strictSame([outcome instanceof Overloaded, seconds], [true, 0])
    for (let more = 0; more < 3; more++) await tick()
  }
})

t.test('browsers that signed in before, and bring junk, lose that way for their network', async (t) => {
  const { limits, junk, pauses } = limited()
  await junk('192.0.2.1', 10)
  const known = (n: number): Visitor => ({ id: `known ${n}`, hasSignedIn: true })
  for (let n = 0; n < 10; n++) {
    const refused = limits.run(trace('192.0.2.1'), known(n), refuse).catch(() => {})
    await until('it pauses', () => pauses.length > 0)
    pauses.shift()?.()
    await refused
  }
  const busy = held<'in'>()
  const running = limits.run(trace('192.0.2.1'), newcomer('new'), () => busy.promise)
  let isAsked = false
  const waiting = limits.run(trace('192.0.2.1'), known(10), async () => { isAsked = true })
  await turn()
  t.notOk(isAsked, 'it waits behind the newcomer')
  busy.resolve('in')
  await Promise.all([running, waiting])
  t.ok(isAsked)
})
