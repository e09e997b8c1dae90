import t from 'tap'
import { createKeyer } from '../../../../src/base/core/cache-key.ts'
import { AuthgearTimeout } from '../../../../src/base/errors.ts'
import type { Exchanged } from '../../../../src/parts/tokens/basic/exchange.ts'
import { createPairs, type PairsDeps } from '../../../../src/parts/tokens/basic/pairs.ts'
import { createPairStore } from '../../../../src/parts/tokens/basic/store.ts'
import type { Answer } from '../../../../src/parts/tokens/basic/types.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { machineClaims, RESOURCE, signed } from '../../../helpers/token-issuer.ts'

const ISSUER = 'https://auth.example.com'
const UNLIMITED: PairsDeps['budget'] = {
  isFull: () => false, spend: async () => true, passed: async () => {}, limited: () => {}, taken: () => {}
}
const KEYS = { current: Buffer.alloc(32, 1), previous: undefined }
const base64 = (pair: string): string => Buffer.from(pair).toString('base64')

type Issue = (exchange: number) => object | 'fails'

/**
 * Pairs of a replica without Redis; `good` is the only client.
 * @param issue other claims of its token, or a failure, by the number of the exchange
 */
function open (more: Partial<PairsDeps> = {}, isHeld = false, issue: Issue = () => ({})) {
  const clock = manualClock()
  const waiting: Array<() => void> = []
  let exchanges = 0
  const authgear = { issuer: ISSUER, waitingBytes: 2 ** 20, timeoutMs: 1000, ca: undefined }
  const pairs = createPairs({
    store: createPairStore({ redis: undefined, clock, authgear }, KEYS),
    issuer: {
      async exchange ({ clientId }): Promise<Exchanged> {
        exchanges++
        if (isHeld) await new Promise<void>((resolve) => { waiting.push(resolve) })
        if (clientId !== 'good') return { kind: 'refused', of: 'pair', why: 'invalid_client' }
        const other = issue(exchanges)
        if (other === 'fails') throw new AuthgearTimeout(1000)
        const own = { client_id: clientId, sub: `client_id_${clientId}`, ...other }
        return { kind: 'token', token: signed(machineClaims(ISSUER, clock.wall(), own)) }
      }
    },
    budget: UNLIMITED,
    rules: { issuer: ISSUER, maxAgeMs: 3_600_000 },
    keyer: createKeyer(Buffer.alloc(32, 2), { endpoint: ISSUER, cookiePrefix: '' }),
    clock,
    random: () => 0.5,
    exchanged: () => {},
    maxBytes: 20_000,
    waitingBytes: 2 ** 20,
    ...more
  })
  const find = (pair: string): Answer | Promise<Answer> =>
    pairs.find({ token: base64(pair), resource: RESOURCE, from: () => undefined }, () => 100, () => undefined)
  return { find, clock, exchanges: () => exchanges, letGo: () => { for (const one of waiting.splice(0)) one() } }
}

t.test('a pair has a name for each project, resource, client and secret', async (t) => {
  const nameOf = (issuer: string, resource: string, clientId: string, secret: string): string => {
    const authgear = { issuer, waitingBytes: 1, timeoutMs: 1, ca: undefined }
    const store = createPairStore({ redis: undefined, clock: manualClock(), authgear }, KEYS)
    return store.keyOf({ clientId, secret }, resource).current
  }
  const names = [
    nameOf(ISSUER, RESOURCE, 'good', 'secret'),
    nameOf('https://other.example.com', RESOURCE, 'good', 'secret'),
    nameOf(ISSUER, `${RESOURCE}/`, 'good', 'secret'),
    nameOf(ISSUER, RESOURCE, 'bad', 'secret'),
    nameOf(ISSUER, RESOURCE, 'good', 'secrets'),
    nameOf(ISSUER, RESOURCE, 'goods', 'ecret')
  ]
  t.equal(new Set(names).size, names.length)
  t.equal(nameOf(ISSUER, RESOURCE, 'good', 'secret'), names[0], 'the same on every replica')
})

t.test('refused pairs, however many, push no good pair out of memory', async (t) => {
  const { find, exchanges } = open()
  t.match(await find('good:secret'), { kind: 'good' })
  for (let n = 0; n < 5000; n++) await find(`guess-${n}:secret`)
  const before = exchanges()
  t.match(find('good:secret'), { kind: 'good' }, 'at once')
  t.equal(exchanges(), before)
})

t.test('requests that come together wait for one exchange', async (t) => {
  const { find, exchanges, letGo } = open({}, true)
  const asked = Array.from({ length: 20 }, () => find('good:secret'))
  const other = find('guess:secret')
  await new Promise(setImmediate)
  t.equal(exchanges(), 2)
  letGo()
  for (const answer of await Promise.all(asked)) t.match(answer, { kind: 'good' })
  t.match(await other, { kind: 'refused' })
})

t.test('a request that finds no room to wait is an overload, and asks nobody', async (t) => {
  const { find, exchanges } = open({ waitingBytes: 100 })
  t.match(await find('good:secret'), { kind: 'unavailable', error: { reason: 'overloaded' } })
  t.equal(exchanges(), 0)
})

t.test('a renewal is made once, while requests get the old token', async (t) => {
  const { find, clock, exchanges } = open()
  const first = await find('good:secret')
  clock.advance(1800 * 0.73 * 1000)
  for (let n = 0; n < 10; n++) t.equal(find('good:secret'), first, 'at once')
  t.equal(exchanges(), 1, 'the exchange begins later in this turn')
  await new Promise(setImmediate)
  t.equal(exchanges(), 2)
  const second = await find('good:secret')
  t.not(second, first)
  clock.advance(1800 * 0.5 * 1000)
  t.equal(find('good:secret'), second, 'which is good for its own time')
})

t.test('a token ends by either clock', async (t) => {
  for (const pass of [1, 0]) {
    const { find, clock, exchanges } = open()
    await find('good:secret')
    if (pass === 1) clock.advance(1_800_000)
    else clock.setWall(clock.wall() + 1_800_000)
    t.match(await find('good:secret'), { kind: 'good' })
    t.equal(exchanges(), 2)
  }
})

t.test('a renewal that fails is tried again while the token is good', async (t) => {
  const { find, clock, exchanges } = open({}, false, (exchange) => exchange === 2 ? 'fails' : {})
  const first = await find('good:secret')
  clock.advance(1800 * 0.73 * 1000)
  for (const expected of [2, 2]) {
    t.equal(find('good:secret'), first)
    await new Promise(setImmediate)
    t.equal(exchanges(), expected)
  }
  clock.advance(60_000)
  t.equal(find('good:secret'), first)
  await new Promise(setImmediate)
  t.equal(exchanges(), 3)
  t.not(find('good:secret'), first)
})

t.test('a pair whose call was held back is asked about as soon as there is one', async (t) => {
  let isFull = true
  let spent = 0
  const { find, exchanges } = open({
    budget: { ...UNLIMITED, isFull: () => isFull, spend: async () => { spent++; return true } }
  })
  t.match(await find('good:secret'), { kind: 'unavailable', error: { reason: 'exchange_limited' } })
  t.strictSame([exchanges(), spent], [0, 0], 'Redis is not asked for a call')
  isFull = false
  t.match(await find('good:secret'), { kind: 'good' })
})

/** A token that is not what was asked for: whose it is, or what for. */
const FOREIGN: ReadonlyArray<readonly [what: string, claims: object]> = [
  ['another client', { client_id: 'other', sub: 'client_id_other' }],
  ['a person', { sub: 'a11ce000-0000-4000-8000-000000000001' }],
  ['another resource', { aud: ['https://other.example.com'] }],
  ['another issuer', { iss: 'https://other.example.com' }]
]

t.test('a token for another client, a person or another resource is an error', async (t) => {
  for (const [what, claims] of FOREIGN) {
    const { find } = open({}, false, () => claims)
    t.match(await find('good:secret'), { kind: 'unavailable', error: { code: 'UNUSABLE_TOKEN' } }, what)
  }
})
