import t, { type Test } from 'tap'
import {
  createGrantQueue, createEndedGrants, type GrantQueue, type GrantQueueDeps
} from '../../../../src/parts/login/oidc/ended-grants.ts'
import type { CacheKey } from '../../../../src/base/core/cache-key.ts'
import { createQueue } from '../../../../src/parts/login/oidc/queue.ts'
import { ownKey } from '../../../../src/parts/login/sessions/record.ts'
import { TRIED } from '../../../helpers/redis-forms.ts'
import { redisTier, sealerOf, type TestTier } from '../../../helpers/redis-tier.ts'
import { startRedis, type RedisServer } from '../../../helpers/redis.ts'
import { skipOrFail } from '../../../helpers/servers.ts'
import { until } from '../../../helpers/until.ts'

const [OLD, NEW] = [sealerOf(Buffer.alloc(32, 1)), sealerOf(Buffer.alloc(32, 2))]
/** Under each secret. */
const NAMES = new Map([[OLD, 'o' as CacheKey], [NEW, 'n' as CacheKey]])
const keyOf = ({ keyPrefix }: TestTier): string => ownKey(keyPrefix, 'n', 'ended-grants')

function grantsOf (tier: TestTier, some: Partial<GrantQueueDeps> = {}): GrantQueue {
  const { commands, keyPrefix } = tier
  const { sealer = NEW, previous } = some
  const names = { current: NAMES.get(sealer) ?? 'x' as CacheKey, previous: previous && NAMES.get(previous) }
  const sealing = { sealer, previous, writesPrevious: () => false }
  return createGrantQueue({ ...sealing, queue: createQueue(commands), keyPrefix, names, dueMs: 0, ...some })
}

const taken = async (grants: GrantQueue): Promise<readonly string[]> =>
  (await grants.take()).map(({ refreshToken }) => refreshToken)

const start = async (t: Test): Promise<readonly [TestTier, RedisServer]> => {
  const redis = await startRedis(t)
  return [await redisTier(t, redis.port), redis]
}

for (const { name, server, start } of TRIED) {
  const skip = skipOrFail(server)
  t.test(`what one replica has left undone another one gets, once: ${name}`.slice(0, 80), { skip }, async (t) => {
    const { servers, settings } = await start(t)
    const tier = await redisTier(t, servers, { timeoutMs: 5000, ...settings })
    const [one, other] = [grantsOf(tier), grantsOf(tier)]
    t.strictSame(await taken(other), [], 'nothing yet')
    await one.add({ name: 'a', refreshToken: 'token-a' })
    await one.add({ name: 'b', refreshToken: 'token-b' })
    await one.remove('a')
    await one.remove('unknown')
    t.strictSame(await taken(other), ['token-b'])
    t.strictSame(await taken(one), [], 'the other one is at it')
    await grantsOf(tier, { dueMs: 1e6 }).add({ name: 'c', refreshToken: 'token-c' })
    t.strictSame(await taken(one), [], 'its own replica is left to do it')
  })
}

t.test('a thousand wait at most, and the newest of them', async (t) => {
  const [tier] = await start(t)
  const grants = grantsOf(tier)
  for (let n = 0; n < 1010; n++) await grants.add({ name: `n${n}`, refreshToken: `token-${n}` })
  const all: string[] = []
  for (let some = await taken(grants); some.length > 0; some = await taken(grants)) all.push(...some)
  t.equal(all.length, 1000)
  t.equal(all[0], 'token-10')
})

t.test('a refresh token is sealed, and goes through a rotation of CACHE_SECRET', async (t) => {
  const [tier] = await start(t)
  const before = grantsOf(tier, { sealer: OLD })
  const both = grantsOf(tier, { previous: OLD, writesPrevious: () => true })
  await both.add({ name: 'a', refreshToken: 'token-a' })
  t.notMatch(String(await tier.commands.getBuffer(ownKey(tier.keyPrefix, 'o', 'ended-grants'))), /token-a/)
  t.strictSame(await taken(before), ['token-a'], 'a replica that knows the previous secret alone')
  await before.remove('a')
  await before.add({ name: 'b', refreshToken: 'token-b' })
  t.strictSame(await taken(both), ['token-b'])
})

t.test('a replica with another CACHE_SECRET reads and deletes none of it', async (t) => {
  const [tier] = await start(t)
  const [own, other] = [grantsOf(tier), grantsOf(tier, { sealer: OLD })]
  await own.add({ name: 'a', refreshToken: 'token-a' })
  t.strictSame(await taken(other), [])
  t.strictSame(await taken(own), ['token-a'])
})

t.test('values that cannot be opened, and garbage of any type, block no session', async (t) => {
  const [tier, redis] = await start(t)
  const grants = grantsOf(tier)
  const names = { current: 'n' as CacheKey, previous: undefined }
  await grantsOf(tier, { sealer: OLD, names }).add({ name: 'foreign', refreshToken: 'x' })
  await grants.add({ name: 'a', refreshToken: 'token-a' })
  t.strictSame(await taken(grants), ['token-a'])
  t.notMatch(String(await tier.commands.getBuffer(keyOf(tier))), /foreign/)
  for (const [command, value] of [['SET', 'a 1 x y\nhello'], ['LPUSH', 'x']] as const) {
    await redis.cli('DEL', keyOf(tier))
    await redis.cli(command, keyOf(tier), value)
    t.strictSame(await taken(grants), [])
    await grants.add({ name: 'a', refreshToken: 'token-a' })
    t.strictSame(await taken(grants), ['token-a'], command)
  }
})

t.test('a sign-out is taken while Redis is out of memory', async (t) => {
  const [tier, redis] = await start(t)
  await redis.cli('CONFIG', 'SET', 'maxmemory', '1')
  t.match(await redis.cli('SET', 'x', 'y').catch(String), /OOM/)
  const grants = grantsOf(tier)
  await grants.add({ name: 'a', refreshToken: 'token-a' })
  t.strictSame(await taken(grants), ['token-a'])
})

t.test('a grant is ended although the replica that took the sign-out is dead', async (t) => {
  const [tier] = await start(t)
  const revoked: string[] = []
  const failed = (): void => {}
  // it never gets there
  const dead = createEndedGrants({ revoke: async () => {}, failed, grants: grantsOf(tier), afterMs: 1e8, pollMs: 1e8 })
  await dead.add('token')
  const revoke = async (token: string): Promise<void> => { revoked.push(token) }
  const living = createEndedGrants({ revoke, failed, grants: grantsOf(tier), pollMs: 5 })
  await until('another one has done it', () => revoked.length > 0)
  t.strictSame(revoked, ['token'])
  await until('and nobody else does', async () => await tier.commands.getBuffer(keyOf(tier)) === null)
  await living.close()
  await dead.close()
})

t.test('a grant that Redis has lost is ended by the replica that took the sign-out', async (t) => {
  const [tier, redis] = await start(t)
  const revoked: string[] = []
  const revoke = async (token: string): Promise<void> => { revoked.push(token) }
  const later = createEndedGrants({ revoke, failed: () => {}, grants: grantsOf(tier), afterMs: 100, pollMs: 1e8 })
  await later.add('token')
  await redis.cli('FLUSHALL')
  await until('it has', () => revoked.length === 1)
  await later.close()
  t.strictSame(revoked, ['token'])
})
