import { createFleet, type Fleet, fleetOfOne } from '../cache/coalescing.ts'
import { type Beating, createCanary, startBeating } from '../cache/secret-check.ts'
import type { Clock } from '../clock.ts'
import { createSealer } from '../crypto/sealing.ts'
import { describe, type Log } from '../logging/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { connectRedis } from '../redis/connect.ts'
import type { RedisConnection } from '../redis/connection.ts'
import { canaryKey, logKey } from '../redis/keys.ts'
import { describeServers } from '../redis/options.ts'
import type { ServiceSettings } from './settings.ts'

export function complaints (log: Log): { noVerdict: () => void, unforeseen: (error: unknown) => void } {
  return {
    noVerdict: () => log.warn('Authgear named no verdict at all for a session cookie, twice: check AUTHGEAR_COOKIE_PREFIX, AUTHGEAR_ENDPOINT and its database connections'),
    unforeseen: (error) => log.error({ error: describe(error) }, 'an error nobody foresaw: please report it')
  }
}

export type Teller = Readonly<{ tell: (operation: string, error: unknown) => void, forget: () => void }>

/** What Redis refuses is told once a connection: a right that an ACL user lacks, a full memory. Lost connections tell themselves. */
export function createTeller (log: Log): Teller {
  const told = new Set<string>()
  return {
    forget: () => told.clear(),
    tell (operation: string, error: unknown): void {
      const refusal = error instanceof Error && error.name === 'ReplyError' ? error.message.split(' ')[0] ?? '' : undefined
      if (refusal === undefined || told.has(`${operation} ${refusal}`)) return
      told.add(`${operation} ${refusal}`)
      log.warn({ operation, refusal }, 'Redis refuses a command: check the rights of its user and its memory')
    }
  }
}

/** Once in so many milliseconds, however often it is called. */
export function seldom (clock: Clock, everyMs: number, act: () => void): () => void {
  let last = -Infinity
  return () => {
    if (clock.monotonic() - last < everyMs) return
    last = clock.monotonic()
    act()
  }
}

/** Milliseconds a lease outlives the longest resolution. */
const LEASE_MARGIN = 500

const ALL_FROM_AUTHGEAR = 'Redis is not reachable: every answer comes from memory or from Authgear until it is back'
const UNREACHABLE = {
  one: ALL_FROM_AUTHGEAR,
  sentinel: ALL_FROM_AUTHGEAR,
  cluster: 'a master of the Redis Cluster is not reachable: the answers that it would hold come from memory or from Authgear until it is back'
} as const

export type Shared = Readonly<{ fleet: Fleet, connection: RedisConnection | undefined, beating: Beating | undefined, tell: Teller['tell'] }>
type SharedDeps = Readonly<{ metrics: Metrics, log: Log, clock: Clock, patienceMs: number }>

/** What replicas share over Redis, apart from the log of revocations; a fleet of one without it. */
export function openShared ({ redis, authgear }: ServiceSettings, sealingKey: Uint8Array, { metrics, log, clock, patienceMs }: SharedDeps): Shared {
  if (redis === undefined) return { fleet: fleetOfOne, connection: undefined, beating: undefined, tell: () => {} }
  const { tell, forget } = createTeller(log)
  const connection = connectRedis(redis, {
    up: () => { forget(); beating.beat(); log.info({ redis: describeServers(redis.servers) }, 'Redis is connected') },
    down: (error) => log.warn({ redis: describeServers(redis.servers), error: describe(error) }, UNREACHABLE[redis.servers.kind])
  })
  const sealer = createSealer(sealingKey)
  const beating = startBeating(createCanary({ commands: connection.commands, sealer, name: canaryKey(logKey(redis.keyPrefix, authgear.endpoint.origin)) }), () =>
    log.warn('a replica with another CACHE_SECRET uses this Redis: neither finds the other\'s entries; set the same on every replica (while it is being changed this passes within three minutes)'))
  const fleet = createFleet({
    tier: { commands: connection.commands, sealer, keyPrefix: redis.keyPrefix, clock },
    timeoutMs: redis.timeoutMs,
    leaseMs: authgear.timeoutMs + LEASE_MARGIN,
    patienceMs,
    observer: { ...metrics.fleet, sharedError: (operation, error) => { metrics.fleet.sharedError(operation); tell(operation, error) } }
  })
  return { fleet, connection, beating, tell }
}
