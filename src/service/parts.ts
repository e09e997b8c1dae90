import { randomBytes } from 'node:crypto'
import { createAuthenticator } from '../authenticate/authenticator.ts'
import type { AuthenticateDeps, Authenticator } from '../authenticate/types.ts'
import type { MemoryCache } from '../cache/memory.ts'
import type { Clock } from '../clock.ts'
import { createKeyer, deriveKeys, type Keyer, secretBytes } from '../core/cache-key.ts'
import { cookieNames } from '../core/credentials.ts'
import type { HandlerDeps } from '../http/types.ts'
import type { Log } from '../logging/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { redisKeysOf } from '../redis/keys.ts'
import type { RevocationLog } from '../revocation/types.ts'
import type { Wrappers } from '../tracing/wrappers.ts'
import { type AuthgearAccess, createAuthgearAccess } from './authgear.ts'
import { openFollower, openFollowersPresence, openLog, webhookOf } from './revocations.ts'
import type { ServiceSettings } from './settings.ts'
import { openTokens } from './resources.ts'
import { openShared, reporting } from './shared.ts'

type PartsDeps = Readonly<{
  memory: MemoryCache
  metrics: Metrics
  log: Log
  clock: Clock
  leaseWaitMs: number | undefined
  leaseMs: number | undefined
  traced: Wrappers
}>
export type Parts = ReturnType<typeof openParts>

/** All that a replica opens, in this order; `closeParts` closes it. */
export function openParts (settings: ServiceSettings, deps: PartsDeps) {
  const { memory, metrics, log, clock, leaseWaitMs, leaseMs, traced } = deps
  const { endpoint: { origin }, cookiePrefix } = settings.authgear
  const names = cookieNames(cookiePrefix)
  const secrets = deriveKeys(secretOf(settings))
  const keyer = createKeyer(secrets.digest, { endpoint: origin, cookiePrefix })
  const keys = redisKeysOf(settings.redis?.keyPrefix ?? '', origin)
  const authgear = createAuthgearAccess(settings.authgear, {
    cookieNames: names, observer: metrics.resolver, clock, traced
  })
  const shared = openShared(settings, secrets.sealing, { metrics, log, clock, keys, leaseWaitMs, leaseMs })
  const opened = openLog(settings, secrets.log, { metrics, log, clock, keys, forget: memory.clear })
  const { revocations } = opened
  const sources = { keys, revocations, connection: shared.connection, log, clock }
  const fleet = shared.connection === undefined ? shared.fleet : traced.fleet(shared.fleet)
  const observer = { ...metrics.authenticate, ...reporting(log) }
  const authenticator = authenticatorOf(settings, { memory, fleet, authgear, clock, keyer, revocations, observer })
  const tokens = openTokens(settings, { clock, metrics, log })
  const { absentHeaders } = settings
  const handlerDeps: HandlerDeps = { authenticator, keyer, cookieNames: names, absentHeaders, realm: origin }
  return {
    authgear,
    tokens,
    shared,
    revocations,
    closeLog: opened.close,
    logEntries: opened.entries,
    presence: openFollowersPresence(keys, shared, revocations),
    audit: openFollower(settings, { ...sources, metrics, keyer }),
    webhook: webhookOf(settings, sources),
    handlerDeps
  }
}

type Given = Pick<AuthenticateDeps, 'memory' | 'fleet' | 'clock' | 'observer'> & Readonly<{
  authgear: AuthgearAccess
  keyer: Keyer
  revocations: RevocationLog
}>

function authenticatorOf (
  { authgear: { endpoint, timeoutMs, waitingBytes }, cache }: ServiceSettings,
  { authgear: { resolver, failedCredentials }, keyer: { digests, wholeDigests }, revocations, ...given }: Given
): Authenticator {
  return createAuthenticator({
    ...given,
    resolver,
    failedCredentials,
    digests,
    wholeDigests,
    audience: endpoint.origin,
    lifetimes: cache,
    refreshAhead: cache.refreshAhead,
    degradedTtlMs: cache.degradedTtlMs,
    timeoutMs,
    waitingBytes,
    log: revocations
  })
}

/** In reverse order of opening. */
export async function closeParts ({ audit, tokens, presence, closeLog, shared, authgear }: Parts): Promise<void> {
  await audit?.close()
  await tokens?.keySet.close()
  await presence?.close()
  await closeLog()
  shared.secretCheck?.close()
  await shared.connection?.close()
  await authgear.resolver.close()
}

/** Without Redis no other process has to know the secret. */
function secretOf ({ cache, redis }: ServiceSettings): Uint8Array {
  return cache.secret === undefined && redis === undefined ? randomBytes(32) : secretBytes(cache.secret)
}
