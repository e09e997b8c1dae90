import { randomBytes } from 'node:crypto'
import { buildListener, type Listener, type ListenerDeps } from '../http/listener.ts'
import { createAuthenticator } from '../authenticate/authenticator.ts'
import { createMemoryCache } from '../cache/memory.ts'
import { systemClock, type Clock } from '../clock.ts'
import { createKeyer, deriveKeys, secretBytes } from '../core/cache-key.ts'
import { cookieNames } from '../core/credentials.ts'
import type { EpochMs } from '../core/token-expiry.ts'
import { certificateExpiry } from '../http/tls.ts'
import { createTrustProxy } from '../http/trusted-proxies.ts'
import type { Log } from '../logging/log.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import { createResolver } from '../authgear/resolver/client.ts'
import { createFailedCredentials } from '../authgear/resolver/failed-credentials.ts'
import { createSignOuts } from '../revocation/sign-outs.ts'
import { createIdentify, identifyRoutes } from '../verify/identify.ts'
import { createLoginRoutes } from '../login/routes.ts'
import type { HandlerDeps } from '../http/types.ts'
import { createReport } from '../http/access-log.ts'
import type { RevocationsDeps } from '../management/revocations.ts'
import { createVerify, verifyRoutes } from '../verify/verify.ts'
import { reporting, openShared } from './shared.ts'
import { openFollower, openFollowersPresence, openLog, webhookOf } from './revocations.ts'
import { untilLogFollowed } from './log-followed.ts'
import type { ServiceSettings } from './settings.ts'
import { createHistory, type Sample, STEP } from '../management/status/history.ts'
import { UNTRACED, tracedBy } from '../tracing/wrappers.ts'
import type { Tracer } from '../tracing/types.ts'

export type { ServiceSettings } from './settings.ts'

export type Service = Readonly<{
  app: Listener
  /** The listener of `/identify`, where it is on. */
  identify: Listener | undefined
  metrics: Metrics
  /** For `POST /revocations`, where there is a token for it. */
  revocations: RevocationsDeps | undefined
  /** Up: it answers and its revocation log is followed. */
  redisState: () => 'up' | 'down' | 'none'
  /** Before it takes requests: the revocation log is followed, or need not be waited for. */
  logFollowed: () => Promise<void>
  /** The last quarter of an hour, for the status page. */
  samples: () => readonly Sample[]
  authgearState: () => 'ok' | 'failing'
  /** Resolutions under way and waiting. */
  authgearQueue: () => Readonly<{ inFlight: number, queued: number }>
  certificateRenewed: (expiry: EpochMs) => void
  /** Closes what was opened, in reverse order; idempotent. */
  close: () => Promise<void>
}>

/** What tests replace, so that none of them depends on how fast a machine is; and tracing, where it is on. */
export type Seams = Readonly<{
  clock?: Clock
  leaseWaitMs?: number | undefined
  leaseMs?: number | undefined
  tracer?: Tracer | undefined
}>

/** Milliseconds in which a person confirms a sign-out at Authgear; what is asked meanwhile is not stored. */
const SIGNING_OUT_MS = 60_000
/**
 * Wait for a client's turn at least, however short AUTHGEAR_MAX_QUEUE: a turn is no refusal. One client's part of them.
 */
const LEAST_TURNS = 64
const CLIENTS = 4
/** Of AUTHGEAR_TIMEOUT, before it begins: proxies wait a little longer than that for an answer. */
const TURN_SHARE = 0.25
/** What has ended goes with each write as well. */
const SWEEP_INTERVAL_MS = 1000

/** Opens connections in the background and listens nowhere yet; nothing being down stops it. */
export function createService (
  settings: ServiceSettings,
  log: Log,
  { clock = systemClock, leaseWaitMs, leaseMs, tracer }: Seams = {}
): Service {
  const traced = tracer === undefined ? UNTRACED : tracedBy(tracer)
  const { authgear, cache, tls } = settings
  const memory = createMemoryCache({
    maxEntries: cache.maxEntries,
    maxBytes: cache.maxBytes,
    clock,
    staleMs: cache.staleIfErrorMs
  })
  let expiry = tls === undefined ? undefined : certificateExpiry(tls.cert)
  const metrics: Metrics = createMetrics(settings.version, {
    resolver: () => ({ ...resolver.state(), ...queue() }),
    cacheEntries: memory.size,
    cacheBytes: memory.bytes,
    cacheMaxBytes: () => cache.maxBytes,
    redisUp: settings.redis === undefined ? undefined : () => shared.connection?.isUp() === true,
    logFollowed: settings.redis === undefined ? undefined : () => revocations.isFollowing(),
    logEntries: settings.redis === undefined ? undefined : () => entries(),
    replicasSeen: settings.redis === undefined ? undefined : () => presence?.seen() ?? 0,
    audit:
      settings.audit === undefined
        ? undefined
        : { isLeader: () => audit?.isLeader() === true, behindSeconds: () => audit?.behindSeconds() ?? 0 },
    certificateExpiry: tls === undefined ? undefined : () => (expiry ?? 0) / 1000
  })
  const names = cookieNames(authgear.cookiePrefix)
  const resolver = traced.resolver(createResolver({ ...authgear, cookieNames: names }, metrics.resolver))
  const turns = Math.max(LEAST_TURNS, authgear.maxQueue)
  const failedCredentials = createFailedCredentials({
    failuresPerMinute: authgear.failuresPerMinute,
    maxWaiting: { client: Math.ceil(turns / CLIENTS), all: turns },
    timeoutMs: authgear.timeoutMs * TURN_SHARE,
    now: clock.monotonic
  })
  const queue: Service['authgearQueue'] = () => {
    const { inFlight, queued } = resolver.state()
    return { inFlight, queued: queued + failedCredentials.waiting() }
  }
  const keys = deriveKeys(secretOf(settings))
  const keyer = createKeyer(keys.digest, { endpoint: authgear.endpoint.origin, cookiePrefix: authgear.cookiePrefix })
  const shared = openShared(settings, keys.sealing, { metrics, log, clock, leaseWaitMs, leaseMs })
  const {
    revocations,
    close: closeLog,
    entries
  } = openLog(settings, keys.log, { metrics, log, clock, forget: memory.clear })
  const presence = openFollowersPresence(settings, shared, revocations)
  const audit = openFollower(settings, { metrics, log, clock, keyer, revocations, connection: shared.connection })
  const authenticator = createAuthenticator({
    memory,
    fleet: shared.connection === undefined ? shared.fleet : traced.fleet(shared.fleet),
    resolver,
    clock,
    digests: keyer.digests,
    wholeDigests: keyer.wholeDigests,
    failedCredentials,
    audience: authgear.endpoint.origin,
    lifetimes: cache,
    refreshAhead: cache.refreshAhead,
    timeoutMs: authgear.timeoutMs,
    waitingBytes: authgear.waitingBytes,
    degradedTtlMs: cache.degradedTtlMs,
    log: revocations,
    observer: { ...metrics.authenticate, ...reporting(log) }
  })
  const answering: HandlerDeps = {
    authenticator,
    keyer,
    cookieNames: names,
    absentHeaders: settings.absentHeaders,
    realm: authgear.endpoint.origin
  }
  const listening: ListenerDeps = {
    report: createReport(log, metrics.request),
    notFound: (context, seconds) => {
      metrics.request('other', 404, 'not_found', 'none', seconds)
      log.info(
        { ...context, status: 404, reason: 'not_found' },
        'refused: a proxy asks /verify or /ext-authz/…, exactly'
      )
    },
    unexpectedError: reporting(log).unexpectedError,
    trustProxy: createTrustProxy(settings.trustedProxies),
    forwardedForIgnored: metrics.forwardedForIgnored,
    tls
  }
  const login = settings.login === undefined
    ? undefined
    : createLoginRoutes(settings.login, {
      ...answering,
      traced: (answerer) => traced.answerer('login', answerer),
      clock,
      signOuts: createSignOuts({ revocations, clock, quietMs: cache.ttlMs + SIGNING_OUT_MS }),
      origin: authgear.endpoint.origin
    })
  const verify = createVerify({
    ...answering,
    clock,
    confirmAfterMs: cache.negativeTtlMs,
    allowPreflight: settings.preflight === 'allow',
    findWayIn: login?.findWayIn,
    trustProxy: listening.trustProxy
  })
  const webhook = webhookOf(settings, { revocations, connection: shared.connection, log, clock })
  const routes = [...verifyRoutes(traced.answerer('verify', verify)), ...login?.routes ?? []]
  const app = buildListener(listening, routes, webhook)
  const history = createHistory({ read: metrics.reading, clock })
  const sampling = setInterval(history.sample, STEP)
  const sweeping = setInterval(memory.sweep, SWEEP_INTERVAL_MS).unref()
  return Object.freeze({
    app,
    identify: settings.identify
      ? buildListener(
        { ...listening, tls: undefined },
        identifyRoutes(traced.answerer('identify', createIdentify(answering)))
      )
      : undefined,
    metrics,
    revocations:
      settings.managementToken === undefined
        ? undefined
        : { token: settings.managementToken, keyer, cookieNames: names, revocations, log },
    redisState: () =>
      shared.connection === undefined ? 'none' : shared.connection.isUp() && revocations.isFollowing() ? 'up' : 'down',
    logFollowed: () =>
      untilLogFollowed({ isFollowing: revocations.isFollowing, isRedisDown: shared.isDown, clock: systemClock }),
    samples: history.window,
    authgearState: () => resolver.state().circuitOpen ? 'failing' : 'ok',
    authgearQueue: queue,
    certificateRenewed: (renewed: EpochMs) => { expiry = renewed },
    close: async () => {
      clearInterval(sampling)
      clearInterval(sweeping)
      await audit?.close()
      await presence?.close()
      await closeLog()
      shared.secretCheck?.close()
      await shared.connection?.close()
      await resolver.close()
    }
  })
}

/** Without Redis nobody else has to know it. */
function secretOf ({ cache, redis }: ServiceSettings): Uint8Array {
  return cache.secret === undefined && redis === undefined ? randomBytes(32) : secretBytes(cache.secret)
}
