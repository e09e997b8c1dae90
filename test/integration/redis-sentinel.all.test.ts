import { once } from 'node:events'
import type { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { openLogConnections } from '../../src/base/redis/log-connections.ts'
import { compareIds, type StreamId } from '../../src/base/revocation/types.ts'
import { redisAt, startInProcess, type InProcess } from '../helpers/in-process.ts'
import { user } from '../helpers/log-entry.ts'
import { addPrintedUser, PASSWORD, USERNAME } from '../helpers/redis-acl.ts'
import type { RedisServer } from '../helpers/redis.ts'
import { startSentinelGroup } from '../helpers/redis-sentinel.ts'
import { settingsFor } from '../helpers/redis-settings.ts'
import { redisTier } from '../helpers/redis-tier.ts'
import { ask } from '../helpers/request.ts'
import { startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { openLogReplica, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

type User = Readonly<{ id: string, token: string }>
type Seen = Readonly<{ user: User, status: number, isSelf: boolean, began: number }>

const users: readonly User[] = Array.from({ length: 40 }, (_, index) => ({
  id: `user-${index}`, token: `T${String(index).padStart(31, '0')}`
}))
const [BEFORE, DURING, AFTER] = [users.slice(0, 5), users.slice(5, 10), users.slice(10, 15)]
const LEFT_ALONE = users.slice(15)

function logOf ({ service }: InProcess) {
  if (service.revocations === undefined) throw new Error('a replica of these tests has a management token')
  return service.revocations.revocations
}

/** The id of the last entry of that server's log; of an empty one, the first of all. */
async function newestOf (node: RedisServer | undefined): Promise<StreamId> {
  const [key] = (await node?.cli('KEYS', '*:stream')) as string[]
  const [entry] = key === undefined ? [] : (await node?.cli('XREVRANGE', key, '+', '-', 'COUNT', '1')) as [[StreamId]?]
  return entry?.[0] ?? '0-0'
}

/**
 * Every replica has polled the master that there is, and read the same log to `newest` at least: all of them may stand
 * at one place for a moment, each as far behind.
 */
async function allPolled (adapters: readonly InProcess[], when: string, newest: StreamId = '0-0'): Promise<void> {
  const states = () =>
    adapters.map((one) => ({
      redis: one.service.redisState(),
      follows: logOf(one).isFollowing(),
      trusts: logOf(one).trustsShared(),
      position: logOf(one).snapshot().stamp.position.id,
      stamp: JSON.stringify(logOf(one).snapshot().stamp)
    }))
  await until(`all follow one log ${when}`, () => {
    const now = states()
    return (
      now.every(({ redis, trusts, position }) => redis === 'up' && trusts && compareIds(position, newest) >= 0) &&
      new Set(now.map(({ stamp }) => stamp)).size === 1
    )
  }).catch((error: unknown) => { throw new Error(`${String(error)}: ${JSON.stringify(states())}`) })
}

/** Disabled at Authgear, and revoked by one replica: what is accepted from then on was remembered. */
async function revokeAll (
  simulator: RunningSimulator,
  adapters: readonly InProcess[],
  some: readonly User[]
): Promise<string[]> {
  return await Promise.all(
    some.map(async ({ id }, index) => {
      simulator.controls.disable(id)
      return await logOf(adapters[index % adapters.length] as InProcess).revoke(user(id))
    })
  )
}

/** On a busy machine the second for a confirmation may be over first: told again, as an app does it. */
async function logAll (
  simulator: RunningSimulator,
  adapters: readonly InProcess[],
  some: readonly User[]
): Promise<void> {
  await until('all are logged', async () =>
    (await revokeAll(simulator, adapters, some)).every((outcome) => outcome === 'logged'))
}

/** Asks for everybody, everywhere, until it is stopped. @returns all answers */
function startLoad (adapters: readonly InProcess[]): () => Promise<readonly Seen[]> {
  const seen: Seen[] = []
  const ending = new AbortController()
  const worker = async (start: number): Promise<void> => {
    for (let n = start; !ending.signal.aborted; n += 7) {
      const [one, adapter] = [users[n % users.length] as User, adapters[n % adapters.length] as InProcess]
      const began = performance.now()
      const { status, headers } = await ask(adapter.port, {
        path: '/verify', headers: [['Authorization', `Bearer ${one.token}`]]
      })
      seen.push({ user: one, status, isSelf: headers['x-authgear-user-id'] === one.id, began })
    }
  }
  const workers = [0, 1, 2].map(worker)
  return async () => {
    ending.abort()
    await Promise.all(workers)
    return seen
  }
}

/** Private to ioredis. */
function connectorOf (redis: Redis): Readonly<{ disconnect: () => void }> {
  return (redis as unknown as { connector: { disconnect: () => void } }).connector
}

async function statusesOf (adapters: readonly InProcess[], some: readonly User[]): Promise<number[]> {
  const answers = await Promise.all(
    adapters.flatMap(({ port }) =>
      some.map(({ token }) => ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`]] }))
    )
  )
  return [...new Set(answers.map(({ status }) => status))]
}

async function checkFailover (t: Test, fault: 'killed' | 'frozen'): Promise<void> {
  const group = await startSentinelGroup(t)
  const [master] = group.nodes
  if (master === undefined) throw new Error('no master')
  const simulator = await startSimulator(t)
  for (const { id, token } of users) simulator.controls.addUser({ id, name: id, sessions: [{ accessTokens: [token] }] })
  // the last one remembers next to nothing itself: it asks Redis all the time
  const adapters = await Promise.all(
    [30_000, 30_000, 30_000, 50].map((ttlMs) =>
      startInProcess(t, {
        AUTHGEAR_ENDPOINT: simulator.url, ...redisAt(group.servers), REDIS_TIMEOUT: '50ms', CACHE_TTL: `${ttlMs}ms`
      })
    )
  )
  await allPolled(adapters, 'at the start')
  const stop = startLoad(adapters)
  const mustBeRefused = new Map<User, number>()
  const polled = async (some: readonly User[], when: string): Promise<void> => {
    const port = await group.masterPort()
    await allPolled(adapters, when, await newestOf(group.nodes.find((node) => node.port === port)))
    for (const one of some) mustBeRefused.set(one, performance.now())
  }

  await logAll(simulator, adapters, BEFORE)
  await polled(BEFORE, 'before')
  if (fault === 'killed') await master.stop()
  else master.pause()
  const during = revokeAll(simulator, adapters, DURING)
  await until('the Sentinels have another master', async () => await group.masterPort() !== master.port)
  const outcomes = await during
  t.ok(outcomes.every((outcome) => outcome === 'logged' || outcome === 'pending'),
    `taken meanwhile: ${outcomes.join(', ')}`)
  await polled([], 'after the failover')
  const next = group.nodes.find(({ port }) => port !== master.port)
  await until('what was taken meanwhile is in the new master’s log', async () => {
    const log = JSON.stringify(
      await next?.cli('XRANGE', ((await next.cli('KEYS', '*:stream')) as string[])[0] ?? '', '-', '+')
    )
    return DURING.every(({ id }) => log.includes(`"${id}"`))
  })
  await polled(DURING, 'with what was taken meanwhile')
  await logAll(simulator, adapters, AFTER)
  await polled(AFTER, 'after')
  master.resume()

  t.same(await statusesOf(adapters, [...BEFORE, ...DURING, ...AFTER]), [401], 'who was revoked is refused everywhere')
  t.same(await statusesOf(adapters, LEFT_ALONE), [200], 'the others are not')
  const seen = await stop()
  t.comment(`${seen.length} requests while the master was ${fault}`)
  t.same(seen.filter(({ status }) => status !== 200 && status !== 401), [], 'no request failed')
  t.same(seen.filter(({ user, status }) => LEFT_ALONE.includes(user) && status !== 200), [], 'nobody was logged out')
  t.same(seen.filter(({ status, isSelf }) => status === 200 && !isSelf), [], 'nobody was taken for another')
  t.same(seen.filter(({ user, status, began }) => status === 200 && began > (mustBeRefused.get(user) ?? Infinity)),
    [], 'nobody was let in once all had polled')
}

t.test('a Sentinel failover under load', async (t) => {
  t.test('the master is killed', (t) => checkFailover(t, 'killed'))
  t.test('the master freezes, and thaws when another took its place', (t) => checkFailover(t, 'frozen'))
})

t.test('a master that the Sentinels gave up, and that does not know it, is left', async (t) => {
  const group = await startSentinelGroup(t)
  const [master, next] = group.nodes
  if (master === undefined || next === undefined) throw new Error('no servers')
  for (const node of group.nodes) await addPrintedUser(node)
  const replica = openLogReplica(t, group.servers, {
    keyPrefix: 'forward-auth:{log}', settings: { username: USERNAME, password: PASSWORD }
  })
  const tier = await redisTier(t, group.servers, { username: USERNAME, password: PASSWORD })
  await settled(replica)
  await master.cli('ACL', 'SETUSER', 'default', '-ping') // by which the Sentinels know it
  await until('the Sentinels have another master', async () => (await group.masterPort()) === next.port)
  await until('the log is there', async () => {
    await replica.log.revoke(user('alice'))
    return JSON.stringify(await next.cli('XRANGE', 'forward-auth:{log}:stream', '-', '+')).includes('"alice"')
  })
  await until('and the cache', async () => {
    await tier.commands.setPx(`${tier.keyPrefix}a`, Buffer.from('b'), 60_000).catch(() => {})
    return (await next.cli('EXISTS', `${tier.keyPrefix}a`)) === 1
  })
  t.match(await master.cli('ROLE'), ['master'], 'though it is master still by its own word')
  await settled(replica)
  t.equal(await replica.log.revoke(user('bob')), 'logged')
})

t.test('a failover told during a connection attempt ends it until the next one', async (t) => {
  const group = await startSentinelGroup(t)
  const { follower, publisher } = openLogConnections(settingsFor(group.servers))
  t.teardown(() => {
    follower.close()
    publisher.close()
  })
  for (const { redis, close } of [follower, publisher]) {
    await until('it is connected', () => redis.status === 'ready')
    // `once` of node:events minds the error before it
    const ended = new Promise((resolve) => {
      redis.once('end', resolve)
    })
    redis.once('connecting', () => {
      connectorOf(redis).disconnect()
    }) // as ioredis' failover detector does
    redis.disconnect(true)
    await ended
    await once(redis, 'ready')
    t.equal(await redis.ping(), 'PONG')
    const closed = once(redis, 'end')
    close()
    await closed
    await t.rejects(redis.ping(), 'what is closed is not opened again')
  }
})

t.test('without a Sentinel\'s answer no request waits, and it is logged', async (t) => {
  const simulator = await startSimulator(t)
  for (const { id, token } of users.slice(0, 3)) {
    simulator.controls.addUser({ id, name: id, sessions: [{ accessTokens: [token] }] })
  }
  const servers = {
    kind: 'sentinel',
    sentinels: [{ host: '127.0.0.1', port: 1 }, { host: '127.0.0.1', port: 2 }],
    name: 'mymaster',
    password: undefined
  } as const
  const adapter = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...redisAt(servers) })
  await until('it is told', () => adapter.lines.some(({ msg }) => String(msg).startsWith('Redis is unreachable')))
  t.same(await statusesOf([adapter], users.slice(0, 3)), [200])
  t.equal(adapter.service.redisState(), 'down')
})
