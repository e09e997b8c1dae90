import t, { type Test } from 'tap'
import { createKeyRing } from '../../../../src/parts/assertion/key-ring.ts'
import { extended, type KeySet, publishedAt, type Schedule } from '../../../../src/parts/assertion/key-set.ts'
import { createKeyStore, type KeyStore } from '../../../../src/parts/assertion/shared-keys.ts'
import { TRIED } from '../../../helpers/redis-forms.ts'
import { redisTier, sealerOf, type TestTier } from '../../../helpers/redis-tier.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { skipOrFail } from '../../../helpers/servers.ts'

const [OLD, NEW, THIRD] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)]
const NAME = 'forward-auth:{log:test}:assertion-keys'
const HOUR = 3_600_000
const SCHEDULE: Schedule = { algorithm: 'EdDSA', rotationMs: HOUR }

type Secrets = Readonly<{ secret?: Uint8Array, previous?: Uint8Array, writesPrevious?: () => boolean }>

function storeOf ({ commands, clock }: TestTier, { secret = OLD, previous, writesPrevious }: Secrets = {}): KeyStore {
  return createKeyStore({
    commands,
    sealer: sealerOf(secret),
    previous: previous && sealerOf(previous),
    writesPrevious: writesPrevious ?? (() => true),
    canSign: createKeyRing(clock, SCHEDULE).canSign,
    name: NAME,
    clock,
    schedule: SCHEDULE
  })
}

const setOf = async (store: KeyStore, held?: KeySet): Promise<KeySet> => {
  const set = await store(held)
  if (set === 'foreign') throw new Error('foreign')
  return set
}
/** Made by a replica that no other one has met. */
const ownSet = ({ clock }: TestTier, agoMs = 0): KeySet => extended(undefined, SCHEDULE, clock.wall() - agoMs)
const publishedBy = (set: KeySet, { clock }: TestTier): ReadonlySet<string> =>
  new Set(publishedAt(set, SCHEDULE, clock.wall()).map(({ pkcs8 }) => pkcs8))

async function start (t: Test) {
  const redis = await startRedis(t)
  const tier = await redisTier(t, redis.port, { timeoutMs: 5000 })
  return { redis, tier, value: async () => (await tier.commands.getBuffer(NAME))?.toString('hex') }
}

for (const { name, server, start } of TRIED) {
  t.test(`one set of keys for all through ${name}`, { skip: skipOrFail(server) }, async (t) => {
    const { servers, settings } = await start(t)
    const tier = await redisTier(t, servers, { timeoutMs: 5000, ...settings })
    const results = await Promise.all([1, 2, 3].map(() => storeOf(tier)(undefined)))
    for (const result of results) t.strictSame(result, results[0])
    t.equal((await setOf(storeOf(tier))).keys.length, 26)
  })
}

t.test('the keys stand in Redis sealed, and do not end', async (t) => {
  const { redis, tier, value } = await start(t)
  const { keys: [key] } = await setOf(storeOf(tier))
  t.notMatch(await value(), Buffer.from(key?.pkcs8.slice(0, 20) ?? '').toString('hex'))
  t.equal(await redis.cli('TTL', NAME), -1)
})

t.test('who holds the keys writes them back where Redis lost them', async (t) => {
  const { redis, tier } = await start(t)
  const store = storeOf(tier)
  const first = await setOf(store)
  await redis.cli('FLUSHALL')
  t.strictSame(await setOf(store, first), first)
  t.strictSame(await setOf(storeOf(tier)), first, 'a new replica reads them')
})

t.test('of replicas that write the keys of a new period at once, all have the same', async (t) => {
  const { tier } = await start(t)
  const stores = [1, 2, 3].map(() => storeOf(tier))
  const first = await setOf(storeOf(tier))
  for (let hour = 1; hour <= 10; hour++) {
    tier.clock.advance(HOUR)
    const results = await Promise.all(stores.map((store) => store(first)))
    for (const result of results) t.strictSame(result, results[0], `hour ${hour}`)
  }
})

t.test('of two sets all choose the older one and publish both, in either order', async (t) => {
  const { redis, tier, value } = await start(t)
  const [older, younger] = [ownSet(tier, 1000), ownSet(tier)]
  const all = new Set([older, younger].flatMap((set) => [...publishedBy(set, tier)]))
  for (const [inRedis, held] of [[older, younger], [younger, older]] as const) {
    await redis.cli('FLUSHALL')
    await storeOf(tier)(inRedis)
    const both = await setOf(storeOf(tier), held)
    t.equal(both.sid, older.sid)
    t.strictSame(publishedBy(both, tier), all)
    const written = await value()
    for (const one of [undefined, inRedis, held, both]) t.strictSame(await setOf(storeOf(tier), one), both)
    t.equal(await value(), written, 'nothing is written meanwhile')
  }
  tier.clock.advance(HOUR)
  t.strictSame(publishedBy(await setOf(storeOf(tier)), tier), publishedBy(older, tier))
})

t.test('what another CACHE_SECRET sealed is never overwritten', async (t) => {
  const { tier, value } = await start(t)
  await storeOf(tier)(undefined)
  const before = await value()
  for (const held of [undefined, ownSet(tier)]) {
    t.strictSame(await storeOf(tier, { secret: THIRD })(held), 'foreign')
    t.strictSame(await storeOf(tier, { secret: THIRD, previous: NEW })(held), 'foreign')
  }
  t.equal(await value(), before)
})

t.test('what is there and is no set of keys is never overwritten', async (t) => {
  const { redis, tier } = await start(t)
  const sealed = (set: object): Buffer => sealerOf(OLD).seal('assertion keys 1', Buffer.from(JSON.stringify(set)))
  const { since, sid, keys: [key] } = ownSet(tier)
  for (const bytes of [
    Buffer.from('x'),
    sealerOf(OLD).seal('another form', Buffer.from('{}')),
    sealed({}),
    sealed({ since, sid, keys: [null] }),
    sealed({ since, sid, keys: [{ ...key, pkcs8: 'AAAA' }] }),
    sealed({ since, sid, keys: [{ ...key, algorithm: 'ES256' }] })
  ]) {
    await tier.commands.setPx(NAME, bytes, 60_000)
    t.strictSame(await storeOf(tier)(ownSet(tier)), 'foreign')
  }
  await redis.cli('DEL', NAME)
  await redis.cli('SADD', NAME, 'a set')
  await t.rejects(storeOf(tier)(ownSet(tier)), { name: 'ReplyError' })
})

t.test('over a rotation of CACHE_SECRET nobody is left without the keys', async (t) => {
  const { tier, value } = await start(t)
  let writesPrevious = true
  const [old, both, next] = [
    storeOf(tier),
    storeOf(tier, { secret: NEW, previous: OLD, writesPrevious: () => writesPrevious }),
    storeOf(tier, { secret: NEW })
  ]
  const first = (await setOf(old)).sid
  const before = await value()
  t.equal((await setOf(both)).sid, first, 'it reads what the old secret sealed')
  t.equal(await value(), before, 'and leaves it, as long as a replica may know the old secret alone')
  t.equal((await setOf(old)).sid, first)
  writesPrevious = false
  t.equal((await setOf(both)).sid, first)
  t.equal((await setOf(next)).sid, first, 'sealed again, for those who know the new secret alone')
  writesPrevious = true
  t.equal((await setOf(both)).sid, first)
  t.equal((await setOf(old)).sid, first, 'and back, where a rollout is taken back')
})

t.test('a replica that holds keys seals them as the others can read it', async (t) => {
  const { redis, tier } = await start(t)
  const held = ownSet(tier)
  await storeOf(tier, { secret: NEW, previous: OLD, writesPrevious: () => true })(held)
  t.equal((await setOf(storeOf(tier))).sid, held.sid)
  await redis.cli('FLUSHALL')
  await storeOf(tier, { secret: NEW, previous: OLD, writesPrevious: () => false })(held)
  t.equal((await setOf(storeOf(tier, { secret: NEW }))).sid, held.sid)
})

t.test('rejects while Redis does not answer', async (t) => {
  const redis = await startRedis(t)
  const tier = await redisTier(t, redis.port, { timeoutMs: 50 })
  redis.pause()
  await t.rejects(storeOf(tier)(undefined), { name: 'RedisTooSlow' })
  redis.resume()
})
