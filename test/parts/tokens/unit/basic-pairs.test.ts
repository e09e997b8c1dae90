import t from 'tap'
import { createPairStore } from '../../../../src/parts/tokens/basic/store.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { RESOURCE } from '../../../helpers/token-issuer.ts'
import { ISSUER, KEYS, openPairs, UNLIMITED } from '../open-pairs.ts'

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
  const { find, exchanges } = openPairs()
  t.match(await find('good:secret'), { kind: 'good' })
  for (let n = 0; n < 5000; n++) await find(`guess-${n}:secret`)
  const before = exchanges()
  t.match(find('good:secret'), { kind: 'good' }, 'at once')
  t.equal(exchanges(), before)
})

t.test('requests that come together wait for one exchange', async (t) => {
  const { find, exchanges, letGo } = openPairs({}, true)
  const asked = Array.from({ length: 20 }, () => find('good:secret'))
  const other = find('guess:secret')
  await new Promise(setImmediate)
  t.equal(exchanges(), 2)
  letGo()
  for (const answer of await Promise.all(asked)) t.match(answer, { kind: 'good' })
  t.match(await other, { kind: 'refused' })
})

t.test('a request that finds no room to wait is an overload, and asks nobody', async (t) => {
  const { find, exchanges } = openPairs({ waitingBytes: 100 })
  t.match(await find('good:secret'), { kind: 'unavailable', error: { reason: 'overloaded' } })
  t.equal(exchanges(), 0)
})

t.test('a renewal is made once, while requests get the old token', async (t) => {
  const { find, clock, exchanges } = openPairs()
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
  for (const ended of ['monotonic', 'wall']) {
    const { find, clock, exchanges } = openPairs()
    await find('good:secret')
    const wall = clock.wall()
    if (ended === 'monotonic') clock.advance(1_800_000)
    clock.setWall(ended === 'wall' ? wall + 1_800_000 : wall)
    t.match(await find('good:secret'), { kind: 'good' })
    t.equal(exchanges(), 2)
  }
})

t.test('a renewal that fails is tried again while the token is good', async (t) => {
  const { find, clock, exchanges } = openPairs({}, false, (exchange) => exchange === 2 ? 'fails' : {})
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
  const { find, exchanges } = openPairs({
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
    const { find } = openPairs({}, false, () => claims)
    t.match(await find('good:secret'), { kind: 'unavailable', error: { code: 'UNUSABLE_TOKEN' } }, what)
  }
})
