import t, { type Test } from 'tap'
import { createRootStore, type RootStore, type SyncResult } from '../../src/assertion/root-store.ts'
import type { Root } from '../../src/assertion/roots.ts'
import type { EpochMs } from '../../src/core/token-expiry.ts'
import { TRIED } from '../helpers/redis-forms.ts'
import { redisTier, sealerOf, type TestTier } from '../helpers/redis-tier.ts'
import { startRedis } from '../helpers/redis.ts'
import { skipOrFail } from '../helpers/servers.ts'

const [OLD, NEW, THIRD] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)]
const NAME = 'forward-auth:{log:test}:assertion-root'

const KEEP_MS = 3_600_000

type Secrets = Readonly<{ secret?: Uint8Array, previous?: Uint8Array, writesPrevious?: () => boolean }>

function storeOf ({ commands, clock }: TestTier, { secret = OLD, previous, writesPrevious }: Secrets = {}): RootStore {
  return createRootStore({
    commands,
    sealer: sealerOf(secret),
    previous: previous && sealerOf(previous),
    writesPrevious: writesPrevious ?? (() => true),
    name: NAME,
    clock,
    keepMs: KEEP_MS
  })
}

const rootOf = (byte: number, createdAt: number): Root =>
  ({ secret: new Uint8Array(32).fill(byte), createdAt: createdAt as EpochMs })
const secretsOf = (result: SyncResult): readonly string[] => result.kind === 'roots' ? result.roots.map(hex) : []
const secretOf = (result: SyncResult): string | undefined => secretsOf(result)[0]
const hex = ({ secret }: Root): string => Buffer.from(secret).toString('hex')

async function start (t: Test) {
  const redis = await startRedis(t)
  const tier = await redisTier(t, redis.port, { timeoutMs: 5000 })
  return { redis, tier, value: async () => (await tier.commands.getBuffer(NAME))?.toString('hex') }
}

for (const { name, server, start } of TRIED) {
  t.test(`one root for all through ${name}`, { skip: skipOrFail(server) }, async (t) => {
    const { servers, settings } = await start(t)
    const tier = await redisTier(t, servers, { timeoutMs: 5000, ...settings })
    const results = await Promise.all([1, 2, 3].map(() => storeOf(tier).sync([])))
    t.equal(new Set([...results, await storeOf(tier).sync([])].map(secretOf)).size, 1)
    t.match(secretOf(await storeOf(tier).sync([])), /^[0-9a-f]{64}$/)
  })
}

t.test('the root stands in Redis sealed, and does not end', async (t) => {
  const { redis, tier, value } = await start(t)
  const root = rootOf(0xab, 1000)
  await storeOf(tier).sync([root])
  t.notMatch(await value(), 'abababab')
  t.equal(await redis.cli('TTL', NAME), -1)
})

t.test('who holds a root writes it back where Redis lost it', async (t) => {
  const { redis, tier } = await start(t)
  const store = storeOf(tier)
  const first = await store.sync([])
  if (first.kind !== 'roots') throw new Error('no root')
  await redis.cli('FLUSHALL')
  t.strictSame(secretsOf(await store.sync(first.roots)), secretsOf(first))
  t.equal(secretOf(await storeOf(tier).sync([])), secretOf(first), 'a new replica reads it')
})

t.test('of two roots all choose the older one, whoever comes first', async (t) => {
  const [older, younger] = [rootOf(9, 1000), rootOf(1, 2000)]
  for (const inRedis of [older, younger]) {
    const { tier } = await start(t)
    const held = inRedis === older ? younger : older
    await storeOf(tier).sync([inRedis])
    const both = [hex(older), hex(younger)]
    t.strictSame(secretsOf(await storeOf(tier).sync([held])), both, 'the other one is published too')
    t.strictSame(secretsOf(await storeOf(tier).sync([])), both, 'by all')
    t.strictSame(secretsOf(await storeOf(tier).sync([inRedis])), both)
  }
})

t.test('a root that does not count is forgotten after its time, by all', async (t) => {
  const { tier } = await start(t)
  const [older, younger] = [rootOf(9, 1000), rootOf(1, 2000)]
  const store = storeOf(tier)
  const both = await store.sync([older, younger])
  t.equal(secretsOf(both).length, 2)
  tier.clock.advance(KEEP_MS)
  t.strictSame(await store.sync(both.kind === 'roots' ? both.roots : []), both, 'nothing is written meanwhile')
  tier.clock.advance(1)
  t.strictSame(secretsOf(await store.sync(both.kind === 'roots' ? both.roots : [])), [hex(older)])
  t.strictSame(secretsOf(await store.sync([])), [hex(older)])
})

t.test('of many roots the oldest four are kept', async (t) => {
  const { tier } = await start(t)
  const many = Array.from({ length: 10 }, (_, index) => rootOf(index, 10_000 - index))
  for (const root of many) await storeOf(tier).sync([root])
  t.strictSame(secretsOf(await storeOf(tier).sync([])), many.toReversed().slice(0, 4).map(hex))
})

t.test('replicas that write at once lose no root', async (t) => {
  const { tier } = await start(t)
  const many = Array.from({ length: 3 }, (_, index) => rootOf(index, index + 1))
  await Promise.all(many.map((root) => storeOf(tier).sync([root])))
  t.strictSame(secretsOf(await storeOf(tier).sync([])), many.map(hex))
})

t.test('two roots of one moment: all choose the same', async (t) => {
  const [one, two] = [rootOf(1, 1000), rootOf(2, 1000)]
  for (const [inRedis, held] of [[one, two], [two, one]] as const) {
    const { tier } = await start(t)
    await storeOf(tier).sync([inRedis])
    t.equal(secretOf(await storeOf(tier).sync([held])), hex(one))
  }
})

t.test('what another CACHE_SECRET sealed is never overwritten', async (t) => {
  const { tier, value } = await start(t)
  await storeOf(tier).sync([rootOf(2, 2000)])
  const before = await value()
  for (const held of [[], [rootOf(1, 1000)]]) {
    t.strictSame(await storeOf(tier, { secret: THIRD }).sync(held), { kind: 'foreign' })
    t.strictSame(await storeOf(tier, { secret: THIRD, previous: NEW }).sync(held), { kind: 'foreign' })
  }
  t.equal(await value(), before)
})

t.test('what is there and is no root is never overwritten', async (t) => {
  const { redis, tier } = await start(t)
  const junk = [
    Buffer.from('x'),
    ...['[{"secret":"AAAA","createdAt":1}]', '[]', '[null]', '{}', 'no JSON'].map((text) =>
      sealerOf(OLD).seal('assertion root', Buffer.from(text))),
    sealerOf(OLD).seal('another name', Buffer.from('{}'))
  ]
  for (const bytes of junk) {
    await tier.commands.setPx(NAME, bytes, 60_000)
    t.strictSame(await storeOf(tier).sync([rootOf(1, 1)]), { kind: 'foreign' })
  }
  await redis.cli('DEL', NAME)
  await redis.cli('SADD', NAME, 'a set')
  await t.rejects(storeOf(tier).sync([rootOf(1, 1)]), { name: 'ReplyError' })
})

t.test('over a rotation of CACHE_SECRET nobody is left without the root', async (t) => {
  const { tier, value } = await start(t)
  let writesPrevious = true
  const [old, both, next] = [
    storeOf(tier),
    storeOf(tier, { secret: NEW, previous: OLD, writesPrevious: () => writesPrevious }),
    storeOf(tier, { secret: NEW })
  ]
  const first = secretOf(await old.sync([]))
  const before = await value()
  t.equal(secretOf(await both.sync([])), first, 'it reads what the old secret sealed')
  t.equal(await value(), before, 'and leaves it, as long as a replica may know the old secret alone')
  t.equal(secretOf(await old.sync([])), first)
  writesPrevious = false
  t.equal(secretOf(await both.sync([])), first)
  t.equal(secretOf(await next.sync([])), first, 'sealed again, for those who know the new secret alone')
  writesPrevious = true
  t.equal(secretOf(await both.sync([])), first)
  t.equal(secretOf(await old.sync([])), first, 'and back, where a rollout is taken back')
})

t.test('a replica that holds a root seals it as the others can read it', async (t) => {
  const { redis, tier } = await start(t)
  const held = rootOf(1, 1)
  await storeOf(tier, { secret: NEW, previous: OLD, writesPrevious: () => true }).sync([held])
  t.equal(secretOf(await storeOf(tier).sync([])), hex(held))
  await redis.cli('FLUSHALL')
  await storeOf(tier, { secret: NEW, previous: OLD, writesPrevious: () => false }).sync([held])
  t.equal(secretOf(await storeOf(tier, { secret: NEW }).sync([])), hex(held))
})

t.test('rejects while Redis does not answer', async (t) => {
  const redis = await startRedis(t)
  const tier = await redisTier(t, redis.port, { timeoutMs: 50 })
  redis.pause()
  await t.rejects(storeOf(tier).sync([]), { name: 'RedisTooSlow' })
  redis.resume()
})
