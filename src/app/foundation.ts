import { adminApiOf } from '../base/authgear/admin-api/account.ts'
import { createMemoryCache } from '../base/cache/memory.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { CertificateLife } from '../base/core/certificate.ts'
import { cookieNames } from '../base/core/credentials.ts'
import { certificateLife } from '../base/http/tls.ts'
import { createTrustProxy } from '../base/http/trusted-proxies.ts'
import { createUnfinished } from '../base/http/unfinished.ts'
import type { Log, WritePiece } from '../base/logging/log.ts'
import { createMetrics } from '../base/metrics/metrics.ts'
import type { Given, Replica } from '../base/parts/given.ts'
import { redisKeysOf } from '../base/redis/keys.ts'
import type { Waits } from '../base/timing.ts'
import { createAuthgearAccess, createSharedKeySet } from './authgear.ts'
import type { Closers } from './closers.ts'
import { createFeatures } from './features.ts'
import { gaugesOf } from './gauges.ts'
import { tellEnded } from './listeners.ts'
import { openLog } from './revocations.ts'
import { openSecrets } from './secrets.ts'
import { resolutionBytes, type ServiceSettings } from './settings.ts'
import { openShared, sharedRedisOf } from './shared.ts'

/**
 * Tests replace the clock and the waits, so that no test depends on the speed of a machine. The tracer is there if
 * tracing is on.
 */
export type Seams = Waits & Readonly<{
  clock?: Clock
  /** The state that this replica announces to the others. */
  state?: (() => Replica['state']) | undefined
  /** The pipe that the log writes to, for parts that write there, too. */
  stdout?: WritePiece | undefined
}>

/** Each write removes expired entries too. */
const SWEEP_INTERVAL_MS = 1000

export type Foundation = ReturnType<typeof openFoundation>

/** Memory, metrics, secrets, Authgear, Redis, the revocation log. It does not know any part by its name. */
export function openFoundation (
  settings: ServiceSettings,
  log: Log,
  closers: Closers,
  { clock = systemClock, state = () => 'serving', stdout, ...waits }: Seams
) {
  const { cache, tls, version, authgear: { endpoint: { origin }, cookiePrefix } } = settings
  const memory = createMemoryCache({
    maxEntries: cache.maxEntries, maxBytes: resolutionBytes(settings), clock, staleMs: cache.staleIfErrorMs
  })
  const sweeping = setInterval(memory.sweep, SWEEP_INTERVAL_MS).unref()
  closers.add(() => clearInterval(sweeping))
  let life = tls === undefined ? undefined : certificateLife(tls.cert)
  const metrics = createMetrics(version, gaugesOf(settings, clock, {
    memory,
    life: () => life,
    authgear: () => authgear,
    shared: () => shared,
    log: () => revocationLog,
    numbers: () => features.numbers()
  }))
  const features = createFeatures(settings, { metrics, log, closers })
  const names = cookieNames(cookiePrefix)
  const keys = redisKeysOf(settings.redis?.keyPrefix ?? '', origin)
  const secrets = openSecrets(settings, () => shared.redis?.secretCheck.writesPrevious() === true)
  const authgear = createAuthgearAccess(settings.authgear, {
    cookieNames: names, observer: metrics.resolver, clock, log
  })
  const mayHaveLost = (what: 'connection' | 'log') => notTheFirst(() =>
    features.tell((feature) => feature.mayHaveLost?.(what)))
  const shared = openShared(settings, secrets.sealing, {
    ...waits, metrics, log, clock, keys, reconnected: mayHaveLost('connection')
  })
  closers.add(async () => { await shared.redis?.connection.close() })
  closers.add(() => shared.redis?.secretCheck.close())
  const webhookCame = (): void => features.tell((feature) => feature.webhookCame?.())
  const adopted = mayHaveLost('log')
  const revocationLog = openLog(settings, secrets.codec, {
    metrics, log, clock, keys, webhookCame, reader: features.reader, forget: () => { memory.clear(); adopted() }
  })
  closers.add(revocationLog.close)
  return {
    ...waits,
    log,
    clock,
    stdout,
    memory,
    metrics,
    features,
    names,
    keys,
    secrets,
    authgear,
    keySet: createSharedKeySet(settings.authgear, clock),
    shared,
    redis: sharedRedisOf({ shared, log: keys.log, sealing: secrets.sealing, ...waits }),
    webhookCame,
    revocations: features.heard(revocationLog.revocations),
    unfinished: createUnfinished(settings.listeners.unfinishedBytes, tellEnded(log)),
    self: (): Replica => ({
      name: settings.replica,
      state: state(),
      authgear: authgear.resolver.state().circuitOpen ? 'failing' : 'ok'
    }),
    certificateRenewed: (renewed: CertificateLife) => { life = renewed }
  }
}

/** The first time is the start. */
function notTheFirst (act: () => void): () => void {
  let isFirst = true
  return () => {
    if (!isFirst) act()
    isFirst = false
  }
}

type GivenDeps =
  & Pick<Foundation, 'secrets' | 'clock' | 'log' | 'stdout' | 'self' | 'redis' | 'unfinished' | 'queryMs'>
  & Readonly<{
    keySet: Pick<Foundation['keySet'], 'open'>
    revocations: Pick<Foundation['revocations'], 'isFollowing' | 'revoke'>
  }>

/** What each part is given of it. */
export function givenOf (
  settings: ServiceSettings,
  { secrets, keySet, revocations, clock, log, stdout, self, redis, unfinished, queryMs }: GivenDeps
): Omit<Given, 'maxBytes'> {
  const { cache, parts, version, machine, tls, managementToken, adminApi, trustedProxies, authgear } = settings
  const { keyer, keysFor, digestForm, secretId } = secrets
  const { endpoint, waitingBytes, timeoutMs, ca } = authgear // no part needs its secrets
  return {
    clock,
    log,
    version,
    stdout,
    machine,
    self,
    redis,
    keyer,
    keysFor,
    digestForm,
    secretId,
    tls,
    unfinished,
    queryMs,
    managementToken,
    openKeySet: keySet.open,
    openAdminApi: adminApi && adminApiOf(adminApi, authgear, clock),
    authgear: { issuer: endpoint.origin, waitingBytes, timeoutMs, ca },
    trustProxy: createTrustProxy(trustedProxies),
    isFollowing: revocations.isFollowing,
    revoke: revocations.revoke,
    degradedTtlMs: cache.degradedTtlMs,
    ttlMs: cache.ttlMs,
    lifetimeMs: cache.ttlMs + cache.staleIfErrorMs,
    tellsDeletions: parts.some(({ claims }) => claims.tellsDeletions === true)
  }
}
