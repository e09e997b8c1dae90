import t from 'tap'
import { createSealer } from '../../../../src/base/crypto/sealing.ts'
import { type Exchange, spend } from '../../../../src/parts/tokens/basic/budget.ts'
import { createBudget } from '../../../../src/parts/tokens/basic/shared-budget.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const SECOND = 1000
type Timed = readonly [second: number, client: string, kind: 'known' | 'unknown']

/** Tries one after the other at their times. @returns those that may be made */
function run (tries: readonly Timed[]): readonly Timed[] {
  let made: readonly Exchange[] = []
  return tries.filter(([second, client, kind]) => {
    const next = spend(made, { at: second * SECOND, client, isKnown: kind === 'known', from: undefined })
    if (next !== undefined) made = next
    return next !== undefined
  })
}

const unknown = (client: string) => ({ client, isKnown: false, from: undefined })
const known = (client: string) => ({ client, isKnown: true, from: undefined })

const times = <T>(count: number, make: (n: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, n) => make(n))

t.test('an unknown pair has two calls a minute of a client, and eight in all', async (t) => {
  t.equal(run(times(10, () => [0, 'a', 'unknown'])).length, 2)
  t.equal(run(times(20, (n) => [0, `client ${n}`, 'unknown'])).length, 8)
  const nine = times(9, (n) => [n, `client ${n}`, 'unknown'] as const)
  const later = run([...nine, [59, 'b', 'unknown'], [60, 'b', 'unknown']])
  t.equal(later.at(-1)?.[0], 60, 'the first one of a minute ago is forgotten')
  t.equal(later.length, 9)
})

t.test('guesses leave a known client three calls of its own, and twelve to all', async (t) => {
  const guesses = times(10, () => [0, 'a', 'unknown'] as const)
  t.equal(run([...guesses, ...times(10, () => [1, 'a', 'known'] as const)]).length, 5)
  const flood = times(40, (n) => [0, `junk ${n}`, 'unknown'] as const)
  t.equal(run([...flood, ...times(40, (n) => [1, `machine ${n}`, 'known'] as const)]).length, 20)
})

t.test('no single address takes both calls of a client, nor all of a minute', async (t) => {
  let made: readonly Exchange[] = []
  const may = (client: string, from: string | undefined, hasPassed = false): boolean => {
    const next = spend(made, { at: 0, client, isKnown: false, from }, hasPassed)
    made = next ?? made
    return next !== undefined
  }
  const guesses = times(600, () => may('a', '198.51.100.1'))
  t.equal(guesses.filter((one) => one).length, 1, 'ten guesses a second')
  t.ok(may('a', '203.0.113.7'), 'the machine whose secret was rotated')
  t.equal(times(20, (n) => may(`client ${n}`, '198.51.100.1')).filter((one) => one).length, 3, 'one address')
  t.equal(times(20, (n) => may(`client ${n}`, `198.51.${n}.2`)).filter((one) => one).length, 3, 'many addresses')
  t.notOk(may('b', '203.0.113.8'), 'a client that never passed')
  t.strictSame(['b', 'c', 'd'].map((client) => may(client, '203.0.113.8', true)), [true, true, false], 'that did')
})

t.test('a pair that turns out good was no guess, on any replica', async (t) => {
  const [clock, { place }] = [manualClock(), openRedis()]
  const [one, other] = [createBudget(clock, place), createBudget(clock, place)]
  const good = { client: 'a', isKnown: false, from: '198.51.100.1' }
  t.ok(await one.spend(good))
  await one.passed(good)
  t.ok(await other.spend(good), 'a wrong secret, a second later')
  t.notOk(await other.spend(good))
})

t.test('good pairs of one moment all count as no guess, though replicas write at once', async (t) => {
  const [clock, { place }] = [manualClock(), openRedis()]
  const budgets = times(4, () => createBudget(clock, place))
  const of = (n: number) => unknown(`client ${n}`)
  t.ok((await Promise.all(budgets.flatMap((one, n) => [one.spend(of(n)), one.spend(of(n + 4))]))).every((one) => one))
  await Promise.all(budgets.flatMap((one, n) => [one.passed(of(n)), one.passed(of(n + 4))]))
  t.equal(await guesses(createBudget(clock, place), 10), 8)
})

t.test('replicas tell each other the address, and read entries without one', async (t) => {
  const [clock, { place }] = [manualClock(), openRedis()]
  const [one, other] = [createBudget(clock, place), createBudget(clock, place)]
  const guess = { client: 'a', isKnown: false, from: '198.51.100.1' }
  t.ok(await one.spend(guess))
  t.notOk(await other.spend(guess))
  t.ok(await other.spend({ ...guess, from: undefined }))
  t.ok(one.isFull(guess))
})

t.test('known clients may use all that Authgear has', async (t) => {
  t.equal(run(times(9, () => [0, 'a', 'known'])).length, 5)
  t.equal(run(times(30, (n) => [0, `machine ${n}`, 'known'])).length, 20)
  const full = times(20, (n) => [0, `machine ${n}`, 'known'] as const)
  t.equal(run([...full, [1, 'new', 'unknown']]).length, 20)
})

t.test('no order of calls exceeds Authgear’s buckets', async (t) => {
  let seed = 7
  const random = (): number => { seed = (seed * 48_271) % 2_147_483_647; return seed / 2_147_483_647 }
  const left = { project: 20, clients: new Map<string, number>() }
  const fill = (ms: number): void => {
    left.project = Math.min(20, left.project + ms / 3000)
    for (const [id, one] of left.clients) left.clients.set(id, Math.min(5, one + ms / 12_000))
  }
  let [made, now, allowed]: [readonly Exchange[], number, number] = [[], 0, 0]
  for (let n = 0; n < 20_000; n++) {
    const ms = Math.floor(random() * 1500)
    now += ms
    fill(ms)
    const client = `client ${Math.floor(random() * 12)}`
    const next = spend(made, { at: now, client, isKnown: random() < 0.5, from: undefined })
    if (next === undefined) continue
    made = next
    allowed++
    left.project--
    left.clients.set(client, (left.clients.get(client) ?? 5) - 1)
    if (left.project < 0 || (left.clients.get(client) ?? 0) < 0) t.fail(`call ${n} is one too many`)
  }
  t.ok(allowed > 2000, `${allowed} calls`)
  t.ok(made.length <= 20)
})

t.test('a replica asks nobody again for what it saw used up', async (t) => {
  const clock = manualClock()
  const budget = createBudget(clock, undefined)
  t.equal(budget.isFull(unknown('a')), false)
  for (const n of times(2, (n) => n)) t.equal(await budget.spend(unknown('a')), true, String(n))
  t.strictSame([budget.isFull(unknown('a')), budget.isFull(unknown('b'))], [true, false], 'of one client')
  for (const n of times(6, (n) => n)) await budget.spend(unknown(`client ${n}`))
  t.equal(budget.isFull(unknown('b')), true, 'of all')
  clock.advance(60 * SECOND)
  t.strictSame([budget.isFull(unknown('a')), budget.isFull(unknown('b'))], [false, false])
})

/** A Redis of one key, which may be away, or have another replica that writes in between. */
function openRedis () {
  const state: { value: Buffer, isAway: boolean, others: number } = { value: Buffer.alloc(0), isAway: false, others: 0 }
  const answer = <T>(value: T): Promise<T> => state.isAway ? Promise.reject(new Error('away')) : Promise.resolve(value)
  const commands = {
    getBuffer: () => answer(state.value.length === 0 ? null : state.value),
    compareAndSet: (_key: string, expected: Buffer, value: Buffer) => {
      const isSame = state.others-- <= 0 && expected.equals(state.value)
      if (isSame && !state.isAway) state.value = value
      return answer(isSame)
    }
  }
  return { state, place: { commands, sealer: createSealer(Buffer.alloc(32, 3)), name: 'budget' } }
}

const guesses = async (budget: ReturnType<typeof createBudget>, count: number): Promise<number> => {
  const spent = await Promise.all(times(count, (n) => budget.spend(unknown(`client ${n}`))))
  return spent.filter((one) => one).length
}

t.test('replicas share one window, and a minute later another', async (t) => {
  const [clock, { place }] = [manualClock(), openRedis()]
  const [one, other] = [createBudget(clock, place), createBudget(clock, place)]
  for (let n = 0; n < 5; n++) t.ok(await one.spend(unknown(`client ${n}`)))
  t.notOk(other.isFull(unknown('client 9')))
  for (let n = 5; n < 8; n++) t.ok(await other.spend(unknown(`client ${n}`)))
  t.notOk(await other.spend(unknown('client 8')))
  t.ok(other.isFull(unknown('client 9')))
  clock.setWall(clock.wall() - 3_600_000)
  t.notOk(other.isFull(unknown('client 9')), 'a clock that was set back holds nobody for an hour')
  clock.setWall(clock.wall() + 3_600_000 + 60_000)
  t.ok(await one.spend(unknown('client 9')))
})

t.test('while Redis is away a replica counts on from what it spent', async (t) => {
  const [clock, { place, state }] = [manualClock(), openRedis()]
  const budget = createBudget(clock, place)
  for (let n = 0; n < 5; n++) t.ok(await budget.spend(unknown(`before ${n}`)))
  state.isAway = true
  t.equal(await guesses(budget, 10), 3)
})

t.test('while Redis is away replicas share the calls by how many they last were', async (t) => {
  const [clock, { place, state }] = [manualClock(), openRedis()]
  const budget = createBudget(clock, place, () => 3)
  state.isAway = true
  t.equal(await guesses(budget, 20), 2, 'a third of eight')
  const renewals = await Promise.all(times(20, (n) => budget.spend(known(`machine ${n}`))))
  t.equal(renewals.filter((one) => one).length, 4, 'and six in all, a third of twenty')
  t.ok(budget.isFull(unknown('another')))
  state.isAway = false
  t.ok(await budget.spend(known('machine 20')), 'they count together again')
  t.notOk(budget.isFull(unknown('another')))
})

t.test('a 429 holds all pairs for a moment, and longer each time that it goes on', async (t) => {
  const clock = manualClock()
  const budget = createBudget(clock, undefined)
  for (const heldMs of [3000, 6000, 12_000, 24_000, 30_000, 30_000]) {
    budget.limited()
    budget.limited() // by another call of the same moment
    clock.advance(heldMs - 1)
    t.strictSame([budget.isFull(known('one')), await budget.spend(known('one'))], [true, false], `${heldMs} ms`)
    clock.advance(1)
    t.notOk(budget.isFull(known('one')))
  }
  budget.taken()
  budget.limited()
  clock.advance(3000)
  t.ok(await budget.spend(known('one')), 'as at first, once a call was taken')
})

t.test('a replica that always comes too late makes no call', async (t) => {
  const [clock, { place, state }] = [manualClock(), openRedis()]
  state.others = 2
  t.ok(await createBudget(clock, place).spend(known('one')), 'twice is tried again')
  state.others = 100
  t.notOk(await createBudget(clock, place).spend(known('one')))
})

t.test('what another secret sealed counts as nothing, and is written anew', async (t) => {
  const [clock, { place, state }] = [manualClock(), openRedis()]
  await createBudget(clock, { ...place, sealer: createSealer(Buffer.alloc(32, 4)) }).spend(known('one'))
  const before = state.value
  t.ok(await createBudget(clock, place).spend(known('one')))
  t.notSame(state.value, before)
})
