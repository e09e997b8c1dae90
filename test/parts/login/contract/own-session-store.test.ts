import t, { type Test } from 'tap'
import type { CacheKeys, CredentialDigest } from '../../../../src/base/core/cache-key.ts'
import type { EpochMs } from '../../../../src/base/core/token-expiry.ts'
import { ownKey, type SessionRecord } from '../../../../src/parts/login/sessions/record.ts'
import { createRecordStore, type RecordStore, type RedisRecords } from '../../../../src/parts/login/sessions/store.ts'
import { TRIED } from '../../../helpers/redis-forms.ts'
import { keyOf, redisTier, sealerOf, type TestTier } from '../../../helpers/redis-tier.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { skipOrFail } from '../../../helpers/servers.ts'

const sealer = (byte: number) => sealerOf(Buffer.alloc(32, byte))
const [OLD, NEW, THIRD] = [sealer(1), sealer(2), sealer(3)] as const
const DIGEST = 'd1' as CredentialDigest
const cookieOf = (keys: CacheKeys) => ({ keys, digests: { whole: [DIGEST], all: [DIGEST] } })
const COOKIE = cookieOf({ current: keyOf('n'), previous: undefined })
/** While CACHE_SECRET is rotated: its names under both. */
const ROTATED = cookieOf({ current: keyOf('n'), previous: keyOf('o') })
const AS_BEFORE = cookieOf({ current: keyOf('o'), previous: undefined })
const MEGABYTE = 2 ** 20

const recordOf = (version: number, accessToken = `token-${version}`): SessionRecord => ({
  version,
  host: 'app.example.com',
  userId: 'alice',
  sid: 'c2lk',
  refreshToken: `refresh-${version}`,
  accessToken,
  accessEndsAt: 2e12 as EpochMs,
  accessLifeMs: 300_000,
  idToken: 'a.b.c',
  authTime: 1e9,
  amr: ['pwd'],
  createdAt: 1e12 as EpochMs,
  usedAt: 1e12 as EpochMs
})

/** A replica of its own: nothing in memory is shared. */
function replicaOf (tier: TestTier, some: Partial<RedisRecords> = {}): RecordStore {
  const log: RedisRecords['log'] = {
    snapshot: () => ({ stamp: { generation: 'g', position: { id: '0-0', nonce: '' } }, local: 0, at: 0 }),
    isVoid: () => false,
    names: () => false
  }
  const { commands, keyPrefix } = tier
  const sealing = { sealer: NEW, previous: undefined, writesPrevious: () => false }
  return createRecordStore(MEGABYTE, { ...sealing, commands, keyPrefix, log, ...some })
}

const versionOf = async (store: RecordStore, cookie = COOKIE): Promise<string | number> => {
  const read = await store.read(cookie)
  return read.kind === 'found' ? read.record.version : read.kind
}

const start = async (t: Test): Promise<TestTier> => await redisTier(t, (await startRedis(t)).port)

for (const { name, server, start } of TRIED) {
  const skip = skipOrFail(server)
  t.test(`only a newer record replaces what another replica reads: ${name}`.slice(0, 80), { skip }, async (t) => {
    const { servers, settings } = await start(t)
    const tier = await redisTier(t, servers, { timeoutMs: 5000, ...settings })
    const [one, other] = [replicaOf(tier), replicaOf(tier)]
    t.equal(await versionOf(one), 'none')
    t.equal(await one.write(COOKIE, recordOf(2)), 'stored')
    t.same(await other.read(COOKIE), { kind: 'found', record: recordOf(2), isToReseal: false, isRedisAway: false })
    t.equal(await other.write(COOKIE, recordOf(3)), 'stored')
    for (const late of [1, 2, 3]) {
      t.equal(await one.write(COOKIE, recordOf(late, 'late')), 'overtaken', `version ${late} comes late`)
    }
    t.match(await one.read(COOKIE), { record: { version: 3, accessToken: 'token-3' } })
    t.equal(await one.remove(COOKIE), 'removed')
    for (const store of [one, other]) t.equal(await versionOf(store), 'none')
    t.equal(await other.write(COOKIE, recordOf(4)), 'overtaken', 'nothing brings an ended one back')
    t.equal(await versionOf(replicaOf(tier)), 'none')
  })
}

t.test('memory alone keeps the same order', async (t) => {
  const store = createRecordStore(MEGABYTE, undefined)
  t.equal(await store.write(COOKIE, recordOf(2)), 'stored')
  t.equal(await store.write(COOKIE, recordOf(2)), 'overtaken')
  t.equal(await versionOf(store), 2)
  await store.remove(COOKIE)
  t.equal(await store.write(COOKIE, recordOf(3)), 'overtaken')
  t.equal(await versionOf(store), 'none')
  t.equal(store.size(), 0)
})

t.test('memory holds what its bytes allow, the newest', async (t) => {
  const store = createRecordStore(20_000, undefined)
  for (let n = 0; n < 1000; n++) {
    await store.write(cookieOf({ current: `${n}` as never, previous: undefined }), recordOf(1, 'x'.repeat(1000)))
  }
  t.ok(store.bytes() <= 20_000 && store.size() > 0, `${store.size()} in ${store.bytes()} bytes`)
  t.equal(await versionOf(store, cookieOf({ current: '999' as never, previous: undefined })), 1)
})

t.test('a record that was changed, swapped, or made under another secret is none', async (t) => {
  const tier = await start(t)
  const name = (key: string) => ownKey(tier.keyPrefix, key, 'session')
  const [here, there] = [COOKIE, cookieOf({ current: keyOf('x'), previous: undefined })]
  const writer = replicaOf(tier)
  await writer.write(here, recordOf(2))
  await writer.write(there, { ...recordOf(2), userId: 'mallory' })
  const [own, foreign] = await Promise.all(['n', 'x'].map((letter) => tier.commands.getBuffer(name(letter.repeat(43)))))
  if (!own || !foreign) throw new Error('nothing was written')
  const flipped = (at: number) => { const copy = Buffer.from(own); copy[at] = (copy[at] ?? 0) ^ 1; return copy }
  const underThird = THIRD.seal(`session ${'n'.repeat(43)}`, Buffer.alloc(10))
  for (const [what, value] of [
    ['swapped', foreign],
    ['another version on it', Buffer.concat([Buffer.from('0000000009'), own.subarray(10)])],
    ['one bit of its seal', flipped(11)],
    ['one bit of its end', flipped(own.length - 1)],
    ['cut', own.subarray(0, 40)],
    ['empty', Buffer.alloc(0)],
    ['text', Buffer.from('hello')],
    ['another secret', Buffer.concat([own.subarray(0, 10), underThird])]
  ] as const) {
    await tier.commands.setPx(name('n'.repeat(43)), value, 60_000)
    t.equal(await versionOf(replicaOf(tier)), 'none', what)
  }
  t.equal(await versionOf(replicaOf(tier, { sealer: THIRD })), 'none', 'a replica with another secret')
})

t.test('an older version put back is no loss to a replica that knows the newer', async (t) => {
  const tier = await start(t)
  const store = replicaOf(tier)
  await store.write(COOKIE, recordOf(2))
  const name = ownKey(tier.keyPrefix, COOKIE.keys.current, 'session')
  const old = await tier.commands.getBuffer(name)
  await store.write(COOKIE, recordOf(3))
  await tier.commands.setPx(name, old ?? Buffer.alloc(0), 60_000)
  t.equal(await versionOf(store), 3)
  t.equal(await versionOf(replicaOf(tier)), 3, 'and it is written once more')
})

t.test('while Redis is away what was seen goes on, unless a revocation is about it', async (t) => {
  const redis = await startRedis(t)
  const tier = await redisTier(t, redis.port, { timeoutMs: 100 })
  let isVoid = false
  const log: RedisRecords['log'] = {
    snapshot: () => ({ stamp: { generation: 'g', position: { id: '0-0', nonce: '' } }, local: 0, at: 0 }),
    isVoid: ({ digests }) => isVoid && digests.includes(DIGEST),
    names: () => false
  }
  const [store, other] = [replicaOf(tier, { log }), replicaOf(tier)]
  await store.write(COOKIE, recordOf(2))
  await redis.stop()
  t.match(await store.read(COOKIE), { record: { version: 2 }, isRedisAway: true })
  t.equal(await versionOf(other), 'unreachable', 'no answer is no "none"')
  t.equal(await store.write(COOKIE, recordOf(3)), 'unreachable')
  store.hold(COOKIE, recordOf(3))
  t.equal(await versionOf(store), 3)
  isVoid = true
  t.equal(await versionOf(store), 'unreachable')
})

t.test('a rotation of CACHE_SECRET loses nobody', async (t) => {
  const tier = await start(t)
  const before = replicaOf(tier, { sealer: OLD })
  await before.write(AS_BEFORE, recordOf(2))
  let writesPrevious = true
  const both = replicaOf(tier, { sealer: NEW, previous: OLD, writesPrevious: () => writesPrevious })
  t.match(await both.read(ROTATED), { kind: 'found', isToReseal: false })
  t.equal(await both.write(ROTATED, recordOf(3)), 'stored')
  t.equal(await versionOf(replicaOf(tier, { sealer: OLD }), AS_BEFORE), 3, 'a replica with the old one alone reads it')
  writesPrevious = false
  t.match(await both.read(ROTATED), { kind: 'found', isToReseal: true })
  t.equal(await both.write(ROTATED, recordOf(4)), 'stored')
  t.equal(await versionOf(replicaOf(tier), COOKIE), 4, 'the new secret alone is enough')
  t.match(await both.read(ROTATED), { kind: 'found', isToReseal: false, record: { version: 4 } })
  t.equal(await before.write(AS_BEFORE, recordOf(5)), 'overtaken', 'nothing comes late under the old one')
  t.equal(await both.remove(ROTATED), 'removed')
  for (const [store, cookie] of [[both, ROTATED], [replicaOf(tier), COOKIE]] as const) {
    t.equal(await versionOf(store, cookie), 'none')
  }
})

/** What a failover to an older copy, or a restored snapshot, does to one record. */
async function putBack (tier: TestTier, value: Buffer | null): Promise<void> {
  await tier.commands.setPx(ownKey(tier.keyPrefix, COOKIE.keys.current, 'session'), value ?? Buffer.alloc(0), 60_000)
}

t.test('refuses a record that it saw end, whatever Redis gives back, and ends it again', async (t) => {
  const tier = await start(t)
  const [store, other] = [replicaOf(tier), replicaOf(tier)]
  await store.write(COOKIE, recordOf(2))
  const old = await tier.commands.getBuffer(ownKey(tier.keyPrefix, COOKIE.keys.current, 'session'))
  await store.remove(COOKIE)
  await putBack(tier, old)
  t.equal(await versionOf(other), 2, 'a replica that saw nothing')
  t.equal(await versionOf(store), 'none')
  t.equal(await versionOf(other), 'none', 'and nobody else takes it any more')
  await putBack(tier, old)
  t.equal(await versionOf(other), 'none', 'who saw the tombstone')
})

t.test('refuses a record whose cookie a revocation names', async (t) => {
  const tier = await start(t)
  const isFinal = { now: false }
  const log: RedisRecords['log'] = {
    snapshot: () => ({ stamp: { generation: 'g', position: { id: '0-0', nonce: '' } }, local: 0, at: 0 }),
    isVoid: () => false,
    names: ({ digests }) => isFinal.now && digests.includes(DIGEST)
  }
  const [store, fresh] = [replicaOf(tier, { log }), replicaOf(tier, { log })]
  await store.write(COOKIE, recordOf(2))
  t.equal(await versionOf(fresh), 2)
  isFinal.now = true
  for (const replica of [store, fresh]) t.equal(await versionOf(replica), 'none')
  isFinal.now = false
  t.equal(await versionOf(store), 'none', 'for good: the log forgets after some minutes')
})
