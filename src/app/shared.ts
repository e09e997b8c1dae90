import { createSharedCache, NO_SHARED_CACHE, type SharedCache } from '../base/cache/coalescing.ts'
import type { SharedError } from '../base/cache/contention.ts'
import { entryForm } from '../base/cache/redis.ts'
import {
  createSecretCheck, type SecretCheckDeps, type SecretCheckTimer, startSecretCheck
} from '../base/cache/secret-check.ts'
import type { Clock } from '../base/clock.ts'
import type { Sealing } from '../base/crypto/sealing.ts'
import { describe, type Log } from '../base/logging/log.ts'
import type { Metrics } from '../base/metrics/metrics.ts'
import type { SharedRedis } from '../base/parts/given.ts'
import { connectRedis } from '../base/redis/connect.ts'
import type { RedisConnection } from '../base/redis/connection.ts'
import { partKey, type RedisKeys } from '../base/redis/keys.ts'
import { describeServers, type RedisSettings } from '../base/redis/options.ts'
import type { ServiceSettings } from './settings.ts'
import type { Waits } from '../base/timing.ts'

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

const ALL_FROM_AUTHGEAR = 'Redis is unreachable: answers come from memory or from Authgear until it is back'
const UNREACHABLE = {
  one: ALL_FROM_AUTHGEAR,
  sentinel: ALL_FROM_AUTHGEAR,
  cluster:
    'a master of the Redis Cluster is unreachable: answers stored there come from memory or from ' +
      'Authgear until it is back'
} as const

/** https://redis.io/docs/latest/commands/auth/; without one that it wants it refuses HELLO, or the first command. */
const REFUSES_PASSWORD = /^(?:NOAUTH|WRONGPASS|ERR invalid password|ERR AUTH)/
const REFUSED =
  'Redis refuses the password: check REDIS_USERNAME and REDIS_PASSWORD; until then answers come from memory or ' +
    'from Authgear'

export type Shared = Readonly<{
  cache: SharedCache
  /** Undefined without Redis. */
  redis: Readonly<{
    connection: RedisConnection
    keyPrefix: string
    secretCheck: SecretCheckTimer
    /** Counts and reports errors of a cache. */
    cacheError: SharedError
  }> | undefined
  /** True if the connection was lost, or the first one failed. */
  isDown: () => boolean
  reportOnce: OnceReporter['reportOnce']
}>

type SharedDeps = Pick<Waits, 'leaseMs' | 'leaseWaitMs' | 'secretCheckMs'> & Readonly<{
  metrics: Metrics
  log: Log
  clock: Clock
  keys: RedisKeys
  /** At each connection: what Redis had before it may have lost. */
  reconnected: () => void
}>

const NOTHING_SHARED: Shared = Object.freeze({
  cache: NO_SHARED_CACHE, redis: undefined, isDown: () => false, reportOnce: () => {}
})

/** The things that replicas share over Redis besides the revocation log; without Redis nothing is shared. */
export function openShared (
  { redis, authgear }: ServiceSettings,
  { sealer, previous: olderSealer }: Omit<Sealing, 'writesPrevious'>,
  deps: SharedDeps
): Shared {
  if (redis === undefined) return NOTHING_SHARED
  const { log, keys, clock, metrics, reconnected, leaseMs, leaseWaitMs = authgear.timeoutMs } = deps
  const { keyPrefix } = redis
  const { reportOnce, forget } = createOnceReporter(log)
  const { connection, isDown } = connect(redis, log, () => {
    forget()
    secretCheck.refresh()
    reconnected()
  })
  const { commands } = connection
  const cacheError = countingErrors(metrics, reportOnce)
  const secretCheck = openSecretCheck({ commands, sealer, previous: olderSealer, name: keys.secretCheck }, deps)
  const tier = { commands, sealer, keyPrefix, clock, form: entryForm() }
  const cache = createSharedCache({
    tier,
    previous: olderSealer && { tier: { ...tier, sealer: olderSealer }, isWritten: secretCheck.writesPrevious },
    leaseWaitMs,
    ...leaseMs === undefined ? {} : { leaseMs },
    observer: { ...metrics.sharedCache, sharedError: cacheError }
  })
  return { cache, redis: { connection, keyPrefix, secretCheck, cacheError }, isDown, reportOnce }
}

/** @param up called each time that it is there */
function connect (
  redis: RedisSettings,
  log: Log,
  up: () => void
): Readonly<{ connection: RedisConnection, isDown: () => boolean }> {
  let isDown = false
  const connection = connectRedis(redis, {
    up: () => {
      isDown = false
      up()
      log.info({ redis: describeServers(redis.servers) }, 'Redis is connected')
    },
    down: (error) => {
      isDown = true
      const why = describe(error ?? new Error('the peer closed the connection'))
      const says = REFUSES_PASSWORD.test(why.message) ? REFUSED : UNREACHABLE[redis.servers.kind]
      log.warn({ redis: describeServers(redis.servers), error: why }, says)
    }
  })
  return { connection, isDown: () => isDown }
}

/** Each error of a cache in Redis is counted, and each kind is logged once a connection. */
function countingErrors (
  { sharedCache }: Pick<Metrics, 'sharedCache'>,
  reportOnce: OnceReporter['reportOnce']
): SharedError {
  return (operation, error) => {
    sharedCache.sharedError(operation)
    reportOnce(operation, error)
  }
}

const FOREIGN_SECRET =
  'a replica with another CACHE_SECRET uses this Redis: they cannot share entries; set the same on every ' +
    'replica, and rotate it with CACHE_SECRET_PREVIOUS (docs/runbook.md)'

const ROTATED =
  'all replicas now use the new CACHE_SECRET; doctor says when to remove CACHE_SECRET_PREVIOUS'

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

type SharedRedisDeps =
  & Pick<SharedRedis, 'sealing' | 'leaseMs' | 'leaseWaitMs' | 'settleMs'>
  & Readonly<{ shared: Shared, log: string }>

/** @param deps `log`: what the names of keys begin with. @returns undefined without Redis */
export function sharedRedisOf (
  { shared: { redis, isDown, reportOnce }, log, ...own }: SharedRedisDeps
): SharedRedis | undefined {
  if (redis === undefined) return undefined
  const { connection: { commands, patient }, keyPrefix, cacheError } = redis
  const keyOf = (purpose: string): string => partKey(log, purpose)
  return { ...own, commands, patient, keyPrefix, cacheError, keyOf, isDown, reportOnce }
}
