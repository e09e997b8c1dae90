import type { Test } from 'tap'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { startRelay } from '../helpers/relay.ts'
import { startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { disabledEvent, webhookOf, WEBHOOK_SECRET } from '../helpers/webhook.ts'
import { violationsOf, type Bounds } from './oracle.ts'
import { credentialsOf, disable, signIn, type Person } from './people.ts'
import { startReplica, type ReplicaProcess } from './replica.ts'

/** Milliseconds; the life is long, so that nothing but a revocation ends what was remembered. */
const SETTINGS = { ttl: 20_000, degraded: 500, stale: 2000, timeout: 1000 } as const
/**
 * A replica that stays with a deposed master trusts it for 3 s after it lost its replicas, and its last poll for 3 s.
 */
const UNKNOWN = 6000 + SETTINGS.degraded
/** How long a poll counts. */
const FOLLOWING = 3000
/** Milliseconds after which a request that got no answer hangs. */
const PATIENCE = 20_000

export interface World {
  readonly simulator: RunningSimulator
  readonly replicas: readonly ReplicaProcess[]
  readonly people: Person[]
  readonly count: {
    requests: number
    allowed: number
    fromMemory: number
    fromRedis: number
    stale: number
    refused: number
    unavailable: number
    unanswered: number
    revocations: number
    acknowledged: number
  }
  readonly violations: string[]
  /** The server that all go to. */
  master (): RedisServer
  /** One request as a proxy makes it; whatever is wrong with the answer is a violation. */
  request (replica: number, person: Person | undefined, way: number, policy: 'none' | 'admin'): Promise<void>
  /** Ends a session at Authgear, and tells a replica until it is acknowledged. */
  revoke (replica: number, person: Person): Promise<void>
  newPerson (isAdmin: boolean): Person
  /** The other server gets no more writes: those to come are lost by a failover. */
  partition (): Promise<void>
  /** The other server takes over, without the newest writes; whom `stays` names still talks to the old one. */
  failOver (stays: readonly number[]): Promise<void>
  /** Faults that began end: every replica runs, reaches the master, and knows what is in its log. */
  heal (): Promise<void>
  /** New processes. */
  restart (): Promise<void>
}

/**
 * Three replicas as processes, two servers of Redis, a simulated Authgear; everything that is done to them is in here.
 */
export async function startWorld (t: Test): Promise<World> {
  const simulator = await startSimulator(t)
  const redises = [await startRedis(t), await startRedis(t)] as const
  let [master, other]: [RedisServer, RedisServer] = [redises[0], redises[1]]
  await follow(other, master)
  const replicas = await Promise.all([0, 1, 2].map(async () => {
    const relay = await startRelay(t, master.port)
    return await startReplica(t, environment(simulator, relay.port), relay)
  }))
  const bounds: Bounds = { ttlMs: SETTINGS.ttl, staleMs: SETTINGS.stale, unknownMs: UNKNOWN }
  const world: World = {
    simulator,
    replicas,
    people: [],
    violations: [],
    count: {
      requests: 0,
      allowed: 0,
      fromMemory: 0,
      fromRedis: 0,
      stale: 0,
      refused: 0,
      unavailable: 0,
      unanswered: 0,
      revocations: 0,
      acknowledged: 0
    },
    master: () => master,
    request: (replica, person, way, policy) => request(world, bounds, replica, person, way, policy),
    revoke: (replica, person) => revoke(world, replica, person),
    newPerson (isAdmin) {
      const person = signIn(simulator, isAdmin)
      world.people.push(person)
      return person
    },
    partition: async () => { await promote(other) },
    async failOver (stays) {
      ;[master, other] = [other, master]
      await promote(master)
      replicas.forEach(({ relay }, index) => { if (!stays.includes(index)) relay.to(master.port) })
    },
    async restart () {
      for (const replica of replicas) await replica.kill()
      await Promise.all(replicas.map((replica) => replica.start()))
      await until(
        'all follow the log',
        async () => (await Promise.all(replicas.map((replica) => replica.isFollowing()))).every(Boolean)
      )
    },
    async heal () {
      simulator.controls.recover()
      simulator.controls.latency = 0
      await Promise.all(
        replicas.map(async (replica) => {
          if (replica.isUp) replica.thaw()
          else await replica.start()
        })
      )
      for (const redis of redises) redis.resume()
      for (const redis of redises) if (await redis.cli('PING').then(() => false, () => true)) await redis.restart()
      await promote(master)
      for (const { relay } of replicas) relay.to(master.port)
      await follow(other, master)
      const joinedAt = performance.now()
      // until each has polled the master, or uses nothing that is older than it may be without having polled it
      await until('all know what is in the log', () => performance.now() - joinedAt > FOLLOWING + SETTINGS.degraded)
    }
  }
  await until(
    'all follow the log',
    async () => (await Promise.all(replicas.map((replica) => replica.isFollowing()))).every(Boolean)
  )
  return world
}

async function follow (replica: RedisServer, { port }: RedisServer): Promise<void> {
  await replica.cli('REPLICAOF', '127.0.0.1', String(port))
}

/** Where it is frozen, it hears of it when it thaws. */
async function promote (redis: RedisServer): Promise<void> {
  redis.resume()
  await redis.cli('REPLICAOF', 'NO', 'ONE')
}

function environment (simulator: RunningSimulator, redisPort: number): Record<string, string> {
  const seconds = (ms: number): string => `${ms}ms`
  return {
    AUTHGEAR_ENDPOINT: simulator.url,
    AUTHGEAR_TIMEOUT: seconds(SETTINGS.timeout),
    REDIS_TIMEOUT: '50ms',
    AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET,
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    CACHE_SECRET: 'a secret of this test, longer than 32 bytes',
    CACHE_TTL: seconds(SETTINGS.ttl),
    CACHE_NEGATIVE_TTL: '500ms',
    CACHE_DEGRADED_TTL: seconds(SETTINGS.degraded),
    CACHE_STALE_IF_ERROR: seconds(SETTINGS.stale),
    LOG_LEVEL: 'silent'
  }
}

async function request (
  world: World,
  bounds: Bounds,
  index: number,
  person: Person | undefined,
  way: number,
  policy: 'none' | 'admin'
): Promise<void> {
  const { count, violations, replicas } = world
  const replica = replicas[index]
  if (replica === undefined || !replica.isUp) return
  const sentAt = performance.now()
  const headers =
    person === undefined
      ? [['Authorization', `Bearer nobody${way}`.padEnd(39, 'x')] as const]
      : credentialsOf(person, way)
  count.requests++
  const signal = AbortSignal.timeout(PATIENCE)
  const answer = await replica.ask({ path: policy === 'admin' ? '/verify?role=admin' : '/verify', headers, signal })
    .catch(() => undefined)
  const endedAt = performance.now()
  if (answer === undefined) {
    count.unanswered++
    if (!replica.wasDisturbed(sentAt, endedAt)) {
      violations.push(`replica ${index}: ${signal.aborted ? 'a request hangs' : 'a request got no answer'}`)
    }
    return
  }
  tally(count, answer.status, answer.headers)
  for (const what of violationsOf({ person, policy, sentAt, endedAt }, answer, bounds)) {
    violations.push(
      `replica ${index}: ${what} (${answer.status} ${answer.headers['x-forward-auth-reason']}, ` +
        `${answer.headers['x-forward-auth-source']})`
    )
  }
}

function tally (count: World['count'], status: number, headers: Readonly<Record<string, unknown>>): void {
  if (status === 503) count.unavailable++
  else if (status !== 200) count.refused++
  else count.allowed++
  if (headers['x-forward-auth-source'] === 'memory') count.fromMemory++
  if (headers['x-forward-auth-source'] === 'redis') count.fromRedis++
  if (headers['x-forward-auth-reason'] === 'allowed_stale') count.stale++
}

/** As an operator's own code would: again until somebody takes it. */
async function revoke ({ simulator, replicas, count }: World, index: number, person: Person): Promise<void> {
  if (person.endedAt !== undefined) return
  disable(simulator, person)
  count.revocations++
  for (let attempt = 0; attempt < 200; attempt++) {
    const replica = replicas[(index + attempt) % replicas.length]
    const event = {
      ...webhookOf(disabledEvent(person.id, `${person.id} ${attempt}`)), signal: AbortSignal.timeout(3000)
    }
    const answer = replica?.isUp === true ? await replica.ask(event).catch(() => undefined) : undefined
    if (answer?.status === 204) {
      person.revokedAt = performance.now()
      count.acknowledged++
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
