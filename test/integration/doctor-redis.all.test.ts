import t, { type Test } from 'tap'
import { logKey } from '../../src/base/redis/keys.ts'
import { adminApi, auditEnvironment } from '../helpers/audit.ts'
import { startBadNetwork } from '../helpers/bad-network.ts'
import { OF_REDIS, visit } from '../helpers/doctor.ts'
import {
  beside, certificate, checkHealthy, checkMistakes, type DoctorWorld, type Env, type Make, type Mistake, openAuthgear
} from '../helpers/doctor-world.ts'
import { freePort } from '../helpers/free-port.ts'
import { redisAt, SECRET, startInProcess } from '../helpers/in-process.ts'
import { addPrintedUser, PASSWORD, USERNAME } from '../helpers/redis-acl.ts'
import { startCluster } from '../helpers/redis-cluster.ts'
import { startSentinelGroup } from '../helpers/redis-sentinel.ts'
import { type RedisOptions, type RedisServer, startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { makeTls } from '../helpers/tls.ts'
import { until } from '../helpers/until.ts'
import { disabledEvent, webhookOf, WEBHOOK_SECRET } from '../helpers/webhook.ts'

/** Long enough that a slow machine finds nothing by itself. */
const SHARED = { CACHE_SECRET: SECRET, REDIS_TIMEOUT: '5s' }
const AS_PRINTED = { REDIS_USERNAME: USERNAME, REDIS_PASSWORD: PASSWORD }
const WITH_WEBHOOK = { AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET }
const RESOURCES = 'https://api.example.com'

const plain = (port: number, more: Env = {}): Env => ({ ...SHARED, REDIS_URL: `redis://127.0.0.1:${port}`, ...more })
const given = (env: Env): Make => beside(() => ({ env: { ...SHARED, ...env } }))
const env = (make: (t: Test) => Promise<Env>): Make =>
  beside(async (_, t) => ({ env: { ...SHARED, ...await make(t) } }))
/** One server of these options. */
const server = (options: RedisOptions, more: Env = {}): Make =>
  env(async (t) => plain((await startRedis(t, options)).port, more))
/** As the user of docs/redis.md. */
const printed = (without: readonly string[], more: Env = {}): Make => env(async (t) => {
  const redis = await startRedis(t)
  await addPrintedUser(redis, { without })
  return plain(redis.port, { ...AS_PRINTED, ...more })
})
const oneNode = async (t: Test, options: RedisOptions = {}): Promise<Env> => {
  const args = ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())]
  return { REDIS_CLUSTER: `127.0.0.1:${(await startRedis(t, { ...options, args })).port}` }
}
const sentinels = (name: string, sentinelPassword?: string): Make => env(async (t) => {
  const { servers } = await startSentinelGroup(t, sentinelPassword === undefined ? {} : { sentinelPassword })
  const { REDIS_SENTINELS } = redisAt(servers)
  return { REDIS_SENTINELS: String(REDIS_SENTINELS), REDIS_SENTINEL_NAME: name }
})

/** A replica that shares the Redis, when its canary is there. */
async function startReplica (t: Test, endpoint: string, redis: RedisServer, secret = SECRET) {
  const replica = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: endpoint,
    REDIS_URL: redis.url,
    REDIS_KEY_PREFIX: 'forward-auth:',
    CACHE_SECRET: secret,
    ...WITH_WEBHOOK
  })
  await until('its canary is there', async () => JSON.stringify(await redis.cli('KEYS', '*:canary')).includes('canary'))
  return replica
}

/** A replica took a webhook. @returns the key that says so */
async function takeWebhook (t: Test, endpoint: string, redis: RedisServer): Promise<string> {
  const { port } = await startReplica(t, endpoint, redis)
  await ask(port, webhookOf('{}'))
  const find = async (): Promise<readonly string[]> => await redis.cli('KEYS', '*:webhook-seen') as string[]
  await until('it is noted', async () => (await find()).length === 1)
  return (await find())[0] ?? ''
}

type Beside = (world: DoctorWorld, redis: RedisServer, t: Test) => Promise<Env>

/** On one server: what others left there. */
const left = (make: Beside): Make => beside(async (world, t) => {
  const redis = await startRedis(t)
  return { env: { ...plain(redis.port), ...await make(world, redis, t) } }
})

/** With resources. */
const forgetful: Make = beside(async (_, t) => {
  const redis = await startRedis(t, { args: ['--appendonly', 'no'] })
  return { env: { RESOURCES, ...plain(redis.port) } }
}, { resources: [{ uri: RESOURCES, scopes: [] }] })

/** A Cluster under REDIS_URL: by the node that holds the log, or by another. */
const clusterNode = (isOwner: boolean): Make => beside(async ({ endpoint }, t) => {
  const cluster = await startCluster(t)
  const owner = await cluster.ownerOf(logKey('forward-auth:', endpoint))
  return { env: plain((isOwner ? owner : cluster.masters.find((node) => node !== owner))?.port ?? 0) }
})

const MISTAKES: readonly Mistake[] = [
  ['a name of Redis that does not resolve', ['redis-dns'], given({ REDIS_URL: 'redis://nowhere.invalid' })],
  ['Sentinels whose names do not resolve', ['redis-dns'],
    given({ REDIS_SENTINELS: 'nowhere.invalid:26379', REDIS_SENTINEL_NAME: 'mymaster' })],
  ['nodes of a Cluster whose names do not resolve', ['redis-dns'], given({ REDIS_CLUSTER: 'nowhere.invalid:6379' })],
  ['a port where no Redis listens', ['redis-unreachable'], env(async () => plain(await freePort()))],
  ['a Redis that is frozen', ['redis-unreachable'], env(async (t) => {
    const redis = await startRedis(t)
    redis.pause()
    t.teardown(() => redis.resume())
    return plain(redis.port)
  })],
  ['no password where one is wanted', ['redis-password'], server({ password: 'pw' })],
  ['a wrong password', ['redis-password'], server({ password: 'pw' }, { REDIS_PASSWORD: 'wrong' })],
  ['a Cluster that wants a password', ['redis-password'], env((t) => oneNode(t, { password: 'pw' }))],
  ['a certificate of Redis that nobody knows', ['redis-tls'],
    env(async (t) => ({ REDIS_URL: (await startRedis(t, { tls: makeTls(t) })).url }))],
  ['rediss:// to a Redis without TLS', ['redis-unreachable'],
    env(async (t) => ({ REDIS_URL: `rediss://127.0.0.1:${(await startRedis(t)).port}` }))],
  ['redis:// to a Redis with TLS', ['redis-unreachable'],
    env(async (t) => plain((await startRedis(t, { tls: makeTls(t) })).port))],
  ['a user without the rights for the log', ['redis-rights'], printed(['xadd', 'hset'])],
  ['a user who may not ROLE', ['redis-rights'], printed(['role'])],
  ['a user with the rights for other keys', ['redis-rights'], printed([], { REDIS_KEY_PREFIX: 'others:' })],
  ['a Redis that would lift blocks at its restart', ['redis-forgets'], forgetful],
  ['a replica', ['redis-read-only'], env(async (t) => {
    const master = await startRedis(t)
    return plain((await startRedis(t, { args: ['--replicaof', '127.0.0.1', String(master.port)] })).port)
  })],
  ['two replicas of a single address', ['redis-replicas'], env(async (t) => {
    const master = await startRedis(t, { args: ['--repl-diskless-sync-delay', '0'] })
    const of = ['--replicaof', '127.0.0.1', String(master.port)]
    for (let n = 0; n < 2; n++) await startRedis(t, { args: of })
    await until('it has two', async () => (await master.cli('ROLE') as [string, number, unknown[]])[2].length === 2)
    return plain(master.port)
  })],
  ['Sentinels of which half are gone', ['redis-sentinel'], env(async (t) => {
    const { servers } = await startSentinelGroup(t)
    if (servers.kind !== 'sentinel') throw new Error('no Sentinels')
    const [first] = servers.sentinels
    const gone = { host: '127.0.0.1', port: await freePort() }
    return redisAt({ ...servers, sentinels: first === undefined ? [] : [first, gone] }) as Env
  })],
  ['a full memory', ['redis-full'], server({ args: ['--maxmemory', '1kb'] })],
  ['a revocation log that nobody trims', ['redis-log-long'], left(async ({ endpoint }, redis) => {
    const key = `${logKey('forward-auth:', endpoint)}:stream`
    await redis.cli('EVAL', "for n = 1, 2001 do redis.call('XADD', KEYS[1], '1-' .. n, 'a', 'b') end", '1', key)
    return {}
  })],
  ['a policy that evicts', ['redis-evicts'],
    server({ args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] })],
  ['a Redis at the other end of the world', ['redis-too-slow'], env(async (t) => {
    const { port } = await startBadNetwork(t, (await startRedis(t)).port, { kind: 'slow', latencyMs: 50 })
    return plain(port, { REDIS_TIMEOUT: '50ms' })
  })],
  ['a Cluster under REDIS_URL', ['redis-form'], clusterNode(false)],
  ['the one node of a Cluster that holds the log under REDIS_URL', ['redis-form'], clusterNode(true)],
  ['one server under REDIS_CLUSTER', ['redis-form'],
    env(async (t) => ({ REDIS_CLUSTER: `127.0.0.1:${(await startRedis(t)).port}` }))],
  ['a Cluster without its slots', ['redis-cluster'], env((t) => oneNode(t))],
  ['a Redis where a Sentinel should be', ['redis-sentinel'], env(async (t) => ({
    REDIS_SENTINELS: `127.0.0.1:${(await startRedis(t)).port}`, REDIS_SENTINEL_NAME: 'mymaster'
  }))],
  ['a master that no Sentinel knows', ['redis-sentinel'], sentinels('another')],
  ['Sentinels that want a password', ['redis-password'], sentinels('mymaster', 'pw')],
  ['a replica that runs with another CACHE_SECRET', ['cache-secret'], left(async ({ endpoint }, redis, t) => {
    await startReplica(t, endpoint, redis, 'another secret, of 32 bytes or so')
    return {}
  })],
  ['a rotation of CACHE_SECRET while a replica has the old one alone', ['rotation'],
    left(async ({ endpoint }, redis, t) => {
      const old = 'the old secret, of 32 bytes or so'
      await startReplica(t, endpoint, redis, old)
      return { CACHE_SECRET_PREVIOUS: old }
    })],
  ['a webhook secret from before a rotation that is over', ['rotation-over'],
    left(async ({ endpoint }, redis, t) => {
      await takeWebhook(t, endpoint, redis)
      return { ...WITH_WEBHOOK, AUTHGEAR_WEBHOOK_SECRET_PREVIOUS: 'the old webhook secret' }
    })],
  ['another webhook secret than the one that signed the newest', ['webhook-secret'],
    left(async ({ endpoint }, redis, t) => {
      await takeWebhook(t, endpoint, redis)
      return { AUTHGEAR_WEBHOOK_SECRET: `not ${WEBHOOK_SECRET}` }
    })],
  ['a webhook that never came', ['webhook-unseen'], server({}, WITH_WEBHOOK)]
]

const HEALTHY: ReadonlyArray<readonly [what: string, make: Make]> = [
  ['an Authgear with TLS by a known authority, a listener with TLS, and an audit log', async (t) => {
    const { tls, ca, listener } = await certificate(t, 0)
    const { env, endpoint } = await openAuthgear(t, { tls, adminApi })
    const redis = plain((await startRedis(t)).port)
    return { env: { ...env, AUTHGEAR_CA_FILE: ca, ...listener, ...auditEnvironment(endpoint, '1s'), ...redis } }
  }],
  ['a running replica with the same secret that took a webhook', left(async ({ endpoint }, redis, t) => {
    const { port, service } = await startReplica(t, endpoint, redis)
    await until('the log is followed', () => service.redisState() === 'up')
    t.equal((await ask(port, webhookOf(disabledEvent('user')))).status, 204)
    await until('it is noted', async () => (await redis.cli('KEYS', '*:webhook-seen') as string[]).length === 1)
    return WITH_WEBHOOK
  })],
  ['Sentinel, with TLS, passwords and the user of docs/redis.md', env(async (t) => {
    const tls = makeTls(t)
    const group = await startSentinelGroup(t, { tls, sentinelPassword: 'pw' })
    for (const node of group.nodes) await addPrintedUser(node)
    return { ...redisAt(group.servers) as Env, ...AS_PRINTED, REDIS_TLS: 'true', REDIS_CA_FILE: tls.caFile }
  })],
  ['a Cluster, with the user of docs/redis.md', env(async (t) => {
    const cluster = await startCluster(t)
    for (const node of cluster.masters) await addPrintedUser(node, { isCluster: true })
    return { ...redisAt(cluster.servers) as Env, ...AS_PRINTED }
  })]
]

t.test('each mistake of Redis is found, and only it', async (t) => {
  t.strictSame([...new Set(MISTAKES.flatMap(([, ids]) => ids))].sort(), [...OF_REDIS].sort())
  await checkMistakes(t, MISTAKES)
})

t.test('what is in order has no finding, and leaves nothing in Redis', async (t) => {
  await checkHealthy(t, HEALTHY)
  const redis = await startRedis(t)
  await visit({ env: { ...(await openAuthgear(t)).env, ...plain(redis.port) } })
  t.strictSame(await redis.cli('KEYS', '*'), [])
})

t.test('Valkey is as good', { skip: skipOrFail('valkey-server') }, async (t) => {
  const { port } = await startRedis(t, { server: 'valkey-server' })
  const { code, findings } = await visit({ env: { ...(await openAuthgear(t)).env, ...plain(port) } })
  t.strictSame([code, findings], [0, []])
  const full = await startRedis(t, {
    server: 'valkey-server', args: ['--maxmemory', '1kb', '--maxmemory-policy', 'allkeys-lru']
  })
  t.strictSame([...(await visit({ env: { ...(await openAuthgear(t)).env, ...plain(full.port) } })).findings].sort(), [
    'error redis-evicts', 'error redis-full'
  ])
})
