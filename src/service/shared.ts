import { createSharedCache, type PreviousTier, type SharedCache, NO_SHARED_CACHE } from '../shared/cache/coalescing.ts'
import { entryForm, type RedisTier } from '../shared/cache/redis.ts'
import {
  createSecretCheck, type SecretCheckDeps, type SecretCheckTimer, startSecretCheck
} from '../shared/cache/secret-check.ts'
import type { Clock } from '../clock.ts'
import { createSealer } from '../crypto/sealing.ts'
import { describe, type Log } from '../operate/logging/log.ts'
import type { Metrics } from '../operate/metrics/metrics.ts'
import { connectRedis } from '../shared/redis/connect.ts'
import type { RedisConnection } from '../shared/redis/connection.ts'
import type { RedisKeys } from '../shared/redis/keys.ts'
import { describeServers } from '../shared/redis/options.ts'
import type { ServiceSettings } from './settings.ts'

export function reporting (log: Log): { noVerdict: () => void, unexpectedError: (error: unknown) => void } {
  return {
    noVerdict: () =>
      log.warn(
        'Authgear gave no result for a session cookie, twice: check AUTHGEAR_COOKIE_PREFIX, ' +
          'AUTHGEAR_ENDPOINT and its database connections'
      ),
    unexpectedError: (error) => log.error({ error: describe(error) }, 'unexpected error: please report it')
  }
}

type OnceReporter = Readonly<{ reportOnce: (operation: string, error: unknown) => void, forget: () => void }>

/**
 * Reports each kind of refusal once a connection: a right that the ACL user lacks, a full memory. A lost connection has
 * its own line.
 */
function createOnceReporter (log: Log): OnceReporter {
  const told = new Set<string>()
  return {
    forget: () => told.clear(),
    reportOnce (operation: string, error: unknown): void {
      const refusal =
        error instanceof Error && error.name === 'ReplyError' ? (error.message.split(' ')[0] ?? '') : undefined
      if (refusal === undefined || told.has(`${operation} ${refusal}`)) return
      told.add(`${operation} ${refusal}`)
      log.warn({ operation, refusal }, 'Redis refuses a command: check the rights of its user and its memory')
    }
  }
}

/** Once in so many milliseconds, however often it is called. */
export function throttle (clock: Clock, everyMs: number, act: () => void): () => void {
  let last = -Infinity
  return () => {
    if (clock.monotonic() - last < everyMs) return
    last = clock.monotonic()
    act()
  }
}

const ALL_FROM_AUTHGEAR = 'Redis is not reachable: every answer comes from memory or from Authgear until it is back'
const UNREACHABLE = {
  one: ALL_FROM_AUTHGEAR,
  sentinel: ALL_FROM_AUTHGEAR,
  cluster:
    'a master of the Redis Cluster is not reachable: the answers that it would hold come from memory or from ' +
      'Authgear until it is back'
} as const

/** https://redis.io/docs/latest/commands/auth/; without one that it wants it refuses HELLO, or the first command. */
const REFUSES_PASSWORD = /^(?:NOAUTH|WRONGPASS|ERR invalid password|ERR AUTH)/
const REFUSED =
  'Redis refuses the password: check REDIS_USERNAME and REDIS_PASSWORD; until then every answer comes from memory or ' +
    'from Authgear'

export type Shared = Readonly<{
  cache: SharedCache
  connection: RedisConnection | undefined
  /** Whether the connection was lost, or the first one failed. */
  isDown: () => boolean
  secretCheck: SecretCheckTimer | undefined
  reportOnce: OnceReporter['reportOnce']
}>
type SharedDeps = Readonly<{
  metrics: Metrics
  log: Log
  clock: Clock
  keys: RedisKeys
  leaseWaitMs: number | undefined
  leaseMs: number | undefined
  /** Between two looks at the secret check. */
  secretCheckMs: number | undefined
}>

/** The keys that seal entries: under CACHE_SECRET, and under CACHE_SECRET_PREVIOUS while there is one. */
export type SealingKeys = Readonly<{
  current: Uint8Array
  previous: Uint8Array | undefined
  /** Of sessions of our own, which hold tokens. */
  sessions: Uint8Array
  previousSessions: Uint8Array | undefined
}>

/** What replicas share over Redis besides the revocation log; without Redis nothing is shared. */
export function openShared (settings: ServiceSettings, sealingKeys: SealingKeys, deps: SharedDeps): Shared {
  const { redis } = settings
  if (redis === undefined) {
    return {
      cache: NO_SHARED_CACHE,
      connection: undefined,
      isDown: () => false,
      secretCheck: undefined,
      reportOnce: () => {}
    }
  }
  const { log, keys } = deps
  const { reportOnce, forget } = createOnceReporter(log)
  let isDown = false
  const connection = connectRedis(redis, {
    up: () => {
      isDown = false
      forget()
      secretCheck.refresh()
      log.info({ redis: describeServers(redis.servers) }, 'Redis is connected')
    },
    down: (error) => {
      isDown = true
      const why = describe(error ?? new Error('the connection was closed by the other side'))
      const says = REFUSES_PASSWORD.test(why.message) ? REFUSED : UNREACHABLE[redis.servers.kind]
      log.warn({ redis: describeServers(redis.servers), error: why }, says)
    }
  })
  const { commands } = connection
  const sealer = createSealer(sealingKeys.current)
  const olderSealer = sealingKeys.previous && createSealer(sealingKeys.previous)
  const secretCheck = openSecretCheck({ commands, sealer, previous: olderSealer, name: keys.secretCheck }, deps)
  const tier = { commands, sealer, keyPrefix: redis.keyPrefix, clock: deps.clock, form: entryForm() }
  const previous = olderSealer && { tier: { ...tier, sealer: olderSealer }, isWritten: secretCheck.writesPrevious }
  const { leaseWaitMs = settings.authgear.timeoutMs, leaseMs } = deps
  const times = { leaseWaitMs, ...leaseMs === undefined ? {} : { leaseMs } }
  const cache = sharedCacheOf({ tier, previous, ...times }, deps, reportOnce)
  return { cache, connection, isDown: () => isDown, secretCheck, reportOnce }
}

const FOREIGN_SECRET =
  "a replica with another CACHE_SECRET uses this Redis: neither finds the other's entries; set the same on every " +
    'replica, and rotate it with CACHE_SECRET_PREVIOUS (docs/runbook.md)'

const ROTATED =
  'the fleet writes under the new CACHE_SECRET from now on; doctor says when CACHE_SECRET_PREVIOUS can be left out'

function openSecretCheck (
  check: Pick<SecretCheckDeps, 'commands' | 'sealer' | 'previous' | 'name'>,
  { log, clock, secretCheckMs }: SharedDeps
): SecretCheckTimer {
  const every = secretCheckMs === undefined ? {} : { refreshMs: secretCheckMs }
  return startSecretCheck({
    check: createSecretCheck({ ...check, ...every, clock }),
    isRotating: check.previous !== undefined,
    clock,
    foreign: () => log.warn(FOREIGN_SECRET),
    rotated: () => log.info(ROTATED),
    ...every
  })
}

function sharedCacheOf (
  options: Readonly<{
    tier: RedisTier
    previous: PreviousTier | undefined
    leaseWaitMs: number
    leaseMs?: number
  }>,
  { metrics }: SharedDeps,
  reportOnce: OnceReporter['reportOnce']
): SharedCache {
  const sharedError = (operation: Parameters<typeof metrics.sharedCache.sharedError>[0], error: unknown): void => {
    metrics.sharedCache.sharedError(operation)
    reportOnce(operation, error)
  }
  return createSharedCache({ ...options, observer: { ...metrics.sharedCache, sharedError } })
}
