import t from 'tap'
import { createKeyer } from '../../../../src/base/core/cache-key.ts'
import { AuthgearStatus, Overloaded } from '../../../../src/base/errors.ts'
import { createAsk } from '../../../../src/parts/tokens/basic/ask.ts'
import { TooManyExchanges } from '../../../../src/parts/tokens/basic/errors.ts'
import type { Exchanged } from '../../../../src/parts/tokens/basic/exchange.ts'
import type { Known } from '../../../../src/parts/tokens/basic/record.ts'
import type { PairKey, Told, Turn } from '../../../../src/parts/tokens/basic/store.ts'
import type { Good } from '../../../../src/parts/tokens/basic/types.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { machineClaims, RESOURCE, signed } from '../../../helpers/token-issuer.ts'

const ISSUER = 'https://auth.example.com'
const HOUR_MS = 3_600_000
const PAIR = { clientId: 'machine', secret: 'secret' }

type Shared = Readonly<{ known: Known, remainingMs: number }>
/** What is in Redis, who asks, what Authgear says, and whether there is a call. */
type Given = Readonly<{
  read?: Shared
  turn?: Turn & { kind: 'known' }
  answer?: Exchanged | Error
  isFull?: boolean
  isSpent?: boolean
}>

function start (given: Given = {}) {
  const clock = manualClock()
  const tokenOf = (other: object = {}): string => signed(machineClaims(ISSUER, clock.wall(), { ...other }))
  const said = {
    told: [] as unknown[],
    outcomes: [] as string[],
    wanted: [] as unknown[],
    passed: 0,
    taken: 0,
    limited: 0,
    turns: 0,
    exchanges: 0,
    isEnough: [] as boolean[]
  }
  let now = given
  const ask = createAsk({
    store: {
      keyOf: () => { throw new Error('it has its key') },
      read: async () => now.read,
      async contend (_key, isEnough) {
        said.turns++
        if (now.turn === undefined) return { kind: 'ask', done: async (told?: Told) => { said.told.push(told) } }
        said.isEnough.push(isEnough(now.turn.known))
        return now.turn
      }
    },
    issuer: {
      async exchange () {
        said.exchanges++
        const { answer = { kind: 'token', token: tokenOf() } } = now
        if (answer instanceof Error) throw answer
        return answer
      }
    },
    budget: {
      isFull: () => now.isFull === true,
      async spend ({ isKnown, hasPassed, from, client }) {
        said.wanted.push({ isKnown, hasPassed, from, client })
        return now.isSpent !== true
      },
      passed: async () => { said.passed++ },
      limited: () => { said.limited++ },
      taken: () => { said.taken++ }
    },
    rules: { issuer: ISSUER, maxAgeMs: HOUR_MS },
    keyer: createKeyer(Buffer.alloc(32, 2), { endpoint: ISSUER, cookiePrefix: '' }),
    clock,
    random: () => 0.5,
    exchanged: (outcome) => { said.outcomes.push(outcome) }
  })
  const key = { current: 'k', previous: undefined, client: 'named machine' } as PairKey
  return {
    clock,
    said,
    tokenOf,
    change: (next: Given) => { now = next },
    ask: (old?: Good) => ask({ pair: PAIR, resource: RESOURCE, key, old, from: '198.51.100.1' })
  }
}

/** @returns a token that was good, and its world a second later */
async function withOld () {
  const world = start()
  const old = await world.ask()
  if (old.kind !== 'good') throw new Error('Authgear had a token')
  world.clock.advance(1000)
  for (const list of [world.said.outcomes, world.said.wanted, world.said.told]) list.length = 0
  Object.assign(world.said, { exchanges: 0, turns: 0, passed: 0 })
  return { ...world, old }
}

t.test('what Redis knows of a pair is used, and Authgear is not asked', async (t) => {
  const good = start()
  good.change({ read: { known: { kind: 'good', token: good.tokenOf() }, remainingMs: 1 } })
  t.match(await good.ask(), { kind: 'good', issuedAt: good.clock.wall() })
  const refused = start({ read: { known: { kind: 'refused', why: 'invalid_client' }, remainingMs: 5000 } })
  t.strictSame(await refused.ask(), {
    kind: 'refused', why: 'invalid_client', until: refused.clock.monotonic() + 5000
  })
  for (const { said } of [good, refused]) t.match(said, { turns: 0, exchanges: 0, outcomes: { length: 0 } })
})

t.test('a new pair that Authgear accepts is remembered for a week, and was no guess', async (t) => {
  const { ask, said } = start()
  const found = await ask()
  t.match(found, { kind: 'good' })
  t.match(said, { exchanges: 1, taken: 1, passed: 1, limited: 0, outcomes: ['ok'] })
  t.strictSame(said.wanted, [{ isKnown: false, hasPassed: false, from: '198.51.100.1', client: 'named machine' }])
  t.match(said.told, [{ known: { kind: 'good', token: String }, lifeMs: 7 * 24 * HOUR_MS }])
})

t.test('a wrong pair is remembered for an hour, a resource that it has not for a minute', async (t) => {
  for (const [of, lifeMs] of [['pair', HOUR_MS], ['resource', 60_000]] as const) {
    const { ask, said, clock } = start({ answer: { kind: 'refused', of, why: 'an_error' } })
    t.strictSame(await ask(), { kind: 'refused', why: 'an_error', until: clock.monotonic() + lifeMs }, of)
    t.match(said, { taken: 1, passed: 0, outcomes: ['refused'] })
    t.strictSame(said.told, [{ known: { kind: 'refused', why: 'an_error' }, lifeMs }], of)
  }
})

t.test('a pair whose token ended is known, so that its call is no guess', async (t) => {
  const { ask, said, tokenOf, change } = start()
  const ended = tokenOf({ iat: 1_700_000_000, exp: 1_700_001_800 })
  change({ read: { known: { kind: 'good', token: ended }, remainingMs: 1 } })
  t.match(await ask(), { kind: 'good' })
  t.match(said, { exchanges: 1, passed: 0, wanted: [{ isKnown: true }] })
})

t.test('of a renewal only a newer token will do, from Redis or another replica', async (t) => {
  const { ask, said, old, change, tokenOf } = await withOld()
  const same = { known: { kind: 'good', token: old.credentials.bearer ?? '' }, remainingMs: 1 } as const
  change({ read: same })
  t.match(await ask(old), { kind: 'good' })
  t.match(said, { exchanges: 1, passed: 0, wanted: [{ isKnown: true }] }, 'Redis has the old one')
  change({ turn: { kind: 'known', ...same } })
  t.match(await ask(old), { kind: 'unavailable', error: new Overloaded() }, 'another replica has it, too')
  const newer = { known: { kind: 'good', token: tokenOf() }, remainingMs: 1 } as const
  change({ turn: { kind: 'known', ...newer } })
  t.match(await ask(old), { kind: 'good' })
  t.strictSame(said.isEnough, [false, true])
  change({ read: newer })
  t.match(await ask(old), { kind: 'good', issuedAt: old.issuedAt + 1000 })
  t.equal(said.exchanges, 1)
})

t.test('another replica’s refusal stands for as long as there', async (t) => {
  const { ask, clock, said } = start({
    turn: { kind: 'known', known: { kind: 'refused', why: 'invalid_client' }, remainingMs: 700 }
  })
  t.strictSame(await ask(), { kind: 'refused', why: 'invalid_client', until: clock.monotonic() + 700 })
  t.strictSame([said.isEnough, said.exchanges], [[true], 0])
})

/** What keeps Authgear from answering, what is counted, and whether the failure is remembered. */
const FAILURES: ReadonlyArray<readonly [given: Given, code: string, outcome: string, isKept: boolean]> = [
  [{ answer: new AuthgearStatus(500) }, 'AUTHGEAR_STATUS', 'error', true],
  [{ answer: new TypeError('a defect') }, 'UNFORESEEN', 'error', true],
  [{ answer: new TooManyExchanges('429') }, 'TOO_MANY_EXCHANGES', 'limited', true],
  [{ isFull: true }, 'TOO_MANY_EXCHANGES', 'held', false],
  [{ isSpent: true }, 'TOO_MANY_EXCHANGES', 'held', false]
]

t.test('a failure holds for twelve seconds; what a stranger can cause is not remembered', async (t) => {
  for (const [given, code, outcome, isKept] of FAILURES) {
    const { ask, said, clock } = start(given)
    t.match(await ask(), { kind: 'unavailable', error: { code }, until: clock.monotonic() + 12_000, isKept }, code)
    t.match(said, { taken: 0, passed: 0, limited: Number(outcome === 'limited') }, code)
    t.strictSame(said.outcomes, [outcome])
    t.strictSame(said.told, given.isFull === true ? [] : [undefined], 'the lease is given back')
    t.equal(said.turns, given.isFull === true ? 0 : 1, code)
  }
})

t.test('a known pair whose call is held back is not asked about at each request', async (t) => {
  const { ask, old, change, said } = await withOld()
  change({ isSpent: true, isFull: true })
  t.match(await ask(old), { kind: 'unavailable', error: { code: 'TOO_MANY_EXCHANGES' }, isKept: true })
  t.strictSame(said.outcomes, ['held'])
})

t.test('a client that passed once is told from a stranger by another secret', async (t) => {
  const { ask, said } = await withOld()
  await ask()
  t.match(said.wanted, [{ isKnown: false, hasPassed: true }])
  const refused = start({ answer: { kind: 'refused', of: 'pair', why: 'invalid_client' } })
  await refused.ask()
  await refused.ask()
  t.match(refused.said.wanted, [{ hasPassed: false }, { hasPassed: false }])
})

t.test('a token that this service would refuse is an error, and remembered nowhere', async (t) => {
  const { ask, said, tokenOf, change } = start()
  change({ answer: { kind: 'token', token: tokenOf({ aud: ['https://other.example.com'] }) } })
  t.match(await ask(), { kind: 'unavailable', error: { code: 'UNUSABLE_TOKEN' }, isKept: true })
  t.strictSame(said.told, [undefined])
  change({ read: { known: { kind: 'good', token: 'no token' }, remainingMs: 1 } })
  t.match(await ask(), { kind: 'good' }, 'nor one of Redis')
})
