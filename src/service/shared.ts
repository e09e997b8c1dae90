import { createCanary, startBeating, type Beating } from '../cache/canary.ts'
import { createFleet, fleetOfOne, type Fleet } from '../cache/fleet.ts'
import { createSealer } from '../cache/sealing.ts'
import type { Clock } from '../clock.ts'
import { describe, type Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { connectRedis } from '../redis/connect.ts'
import type { RedisConnection } from '../redis/connection.ts'
import { canaryKey, logKey } from '../redis/names.ts'
import { describeServers } from '../redis/settings.ts'
import { createTeller, type Teller } from './complaints.ts'
import type { ServiceSettings } from './settings.ts'

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
