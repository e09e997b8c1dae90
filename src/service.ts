import { randomBytes } from 'node:crypto'
import { buildApp, buildIdentifyApp, type App, type AppDeps } from './app.ts'
import { openAudit, type AuditSettings } from './audit/open.ts'
import type { Running } from './audit/run.ts'
import { createAuthenticator } from './authenticate.ts'
import { createCanary, startBeating, type Beating } from './cache/canary.ts'
import { createFleet, fleetOfOne, type Fleet } from './cache/fleet.ts'
import { createMemoryCache } from './cache/memory.ts'
import { createSealer } from './cache/sealing.ts'
import { systemClock, type Clock } from './clock.ts'
import { createKeyer, deriveKeys, secretBytes, type Keyer } from './core/cache-key.ts'
import { cookieNames } from './core/credentials.ts'
import type { EpochMs } from './core/jwt.ts'
import { certificateExpiry } from './listener/certificate-expiry.ts'
import type { TlsMaterial } from './listener/tls.ts'
import { createTrustProxy } from './listener/trusted-proxies.ts'
import type { LoginSettings } from './login/settings.ts'
import { describe, type Log } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { connectRedis } from './redis/connect.ts'
import type { RedisConnection } from './redis/connection.ts'
import { openLogConnections } from './redis/log-connections.ts'
import { canaryKey, logKey, webhookKey } from './redis/names.ts'
import { describeServers, type RedisSettings } from './redis/settings.ts'
import { createResolver } from './resolver/client.ts'
import { follow } from './revocation/follow.ts'
import { createEntryCodec } from './revocation/log-entry.ts'
import type { LogObserver, RevocationLog } from './revocation/log.ts'
import { createMemoryLog } from './revocation/memory-log.ts'
import { openPresence, type Presence } from './revocation/presence.ts'
import { createRedisLogStore } from './revocation/redis-log-store.ts'
import { createStreamLog } from './revocation/stream-log.ts'
import type { AbsentHeaders } from './routes/answer.ts'
import { createIdentify } from './routes/identify.ts'
import { createLoginRoutes } from './routes/login-routes.ts'
import type { AnswererDeps } from './routes/question.ts'
import { createReport } from './routes/report.ts'
import type { RevocationsDeps } from './routes/revocations.ts'
import { createVerify } from './routes/verify.ts'
import { UNTRACED, tracedBy } from './tracing/traced.ts'
import type { Tracer } from './tracing/tracer.ts'
import { createHistory, STEP } from './status/history.ts'
import type { Sample } from './status/sample.ts'
import { createWebhook, type Webhook, type WebhookDeps } from './routes/webhook.ts'

/** What one replica is made of; `main` fills it in from the configuration, tests from their tables. */
export type ServiceSettings = Readonly<{
  version: string
  authgear: Readonly<{
    endpoint: Readonly<{ origin: string, host: string, scheme: 'http' | 'https' }>
    resolverUrl: string
    cookiePrefix: string
    timeoutMs: number
    maxConcurrency: number
    maxQueue: number
    failuresPerMinute: number
    ca: string | undefined
    webhookSecret: string | undefined
    appId: string | undefined
  }>
  /** Undefined: Authgear's audit log is not followed. */
  audit: AuditSettings | undefined
  cache: Readonly<{
    ttlMs: number
    negativeTtlMs: number
    degradedTtlMs: number
    refreshAhead: number
    staleIfErrorMs: number
    maxEntries: number
    secret: string | undefined
  }>
  redis: (RedisSettings & Readonly<{ keyPrefix: string }>) | undefined
  trustedProxies: readonly string[]
  /** Undefined: nobody is sent to log in. */
  login: LoginSettings | undefined
  absentHeaders: AbsentHeaders
  preflight: 'deny' | 'allow'
  identify: boolean
  managementToken: string | undefined
  tls: TlsMaterial | undefined
}>

export type Service = Readonly<{
  app: App
  /** The listener of `/identify`, where it is on. */
  identify: App | undefined
  metrics: Metrics
  /** For `POST /revocations`, where there is a token for it. */
  revocations: RevocationsDeps | undefined
  /** Up: it answers and its revocation log is followed. */
  redisState: () => 'up' | 'down' | 'none'
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
export type Seams = Readonly<{ clock?: Clock, patienceMs?: number, tracer?: Tracer | undefined }>

/** Milliseconds that one who lost the fleet's lease waits for the winner. */
const PATIENCE = 300
/** Milliseconds a lease outlives the longest resolution. */
const LEASE_MARGIN = 500
/** Milliseconds for which a signed webhook is known to have come, and within which it is noted once. */
const WEBHOOK_KNOWN_FOR = 30 * 86_400_000
const WEBHOOK_NOTED_EVERY = 60_000

/** Opens connections in the background and listens nowhere yet; nothing being down stops it. */
export function createService (settings: ServiceSettings, log: Log, { clock = systemClock, patienceMs = PATIENCE, tracer }: Seams = {}): Service {
  const traced = tracer === undefined ? UNTRACED : tracedBy(tracer)
  const { authgear, cache, tls } = settings
  const memory = createMemoryCache({ maxEntries: cache.maxEntries, clock, staleMs: cache.staleIfErrorMs })
  let expiry = tls === undefined ? undefined : certificateExpiry(tls.cert)
  const metrics: Metrics = createMetrics(settings.version, {
    resolver: () => resolver.state(),
    cacheEntries: memory.size,
    redisUp: settings.redis === undefined ? undefined : () => shared.connection?.isUp() === true,
    logFollowed: settings.redis === undefined ? undefined : () => revocations.isFollowing(),
    replicasSeen: settings.redis === undefined ? undefined : () => presence?.seen() ?? 0,
    audit: settings.audit === undefined ? undefined : { isLeader: () => audit?.isLeader() === true, behindSeconds: () => audit?.behindSeconds() ?? 0 },
    certificateExpiry: tls === undefined ? undefined : () => (expiry ?? 0) / 1000
  })
  const names = cookieNames(authgear.cookiePrefix)
  const resolver = traced.resolver(createResolver({ ...authgear, cookieNames: names }, metrics.resolver))
  const keys = deriveKeys(secretOf(settings))
  const keyer = createKeyer(keys.digest, { endpoint: authgear.endpoint.origin, cookiePrefix: authgear.cookiePrefix })
  const shared = openShared(settings, keys.sealing, { metrics, log, clock, patienceMs })
  const { revocations, close: closeLog } = openLog(settings, keys.log, { metrics, log, clock, forget: memory.clear })
  const presence = openFollowersPresence(settings, shared, revocations)
  const audit = openFollower(settings, { metrics, log, clock, keyer, revocations, connection: shared.connection })
  const authenticator = createAuthenticator({
    memory,
    fleet: shared.connection === undefined ? shared.fleet : traced.fleet(shared.fleet),
    resolver,
    clock,
    digests: keyer.digests,
    lifetimes: cache,
    refreshAhead: cache.refreshAhead,
    timeoutMs: authgear.timeoutMs,
    degradedTtlMs: cache.degradedTtlMs,
    log: revocations,
    observer: { ...metrics.authenticate, ...complaints(log) }
  })
  const answering: AnswererDeps = { authenticator, keyer, cookieNames: names, absentHeaders: settings.absentHeaders, realm: authgear.endpoint.origin }
  const listening: AppDeps = {
    report: createReport(log, metrics.request),
    elsewhere: (context, seconds) => {
      metrics.request('other', 404, 'not_found', 'none', seconds)
      log.info({ ...context, status: 404, reason: 'not_found' }, 'refused: a proxy asks /verify or /ext-authz/…, exactly')
    },
    unforeseen: complaints(log).unforeseen,
    trustProxy: createTrustProxy(settings.trustedProxies),
    tls
  }
  const login = settings.login === undefined ? undefined : createLoginRoutes(settings.login, { ...answering, traced: (answerer) => traced.answerer('login', answerer), clock, revocations, origin: authgear.endpoint.origin, ttlMs: cache.ttlMs })
  const verify = createVerify({ ...answering, clock, confirmAfterMs: cache.negativeTtlMs, allowPreflight: settings.preflight === 'allow', findWayIn: login?.findWayIn, trustProxy: listening.trustProxy })
  const webhook = webhookOf(settings, { revocations, connection: shared.connection, log, clock })
  const app = buildApp(listening, traced.answerer('verify', verify), { webhook, login })
  const history = createHistory({ read: metrics.reading, clock })
  const sampling = setInterval(history.sample, STEP)
  return Object.freeze({
    app,
    identify: settings.identify ? buildIdentifyApp({ ...listening, tls: undefined }, traced.answerer('identify', createIdentify(answering))) : undefined,
    metrics,
    revocations: settings.managementToken === undefined ? undefined : { token: settings.managementToken, keyer, cookieNames: names, revocations, log },
    redisState: () => shared.connection === undefined ? 'none' : shared.connection.isUp() && revocations.isFollowing() ? 'up' : 'down',
    samples: history.window,
    authgearState: () => resolver.state().circuitOpen ? 'failing' : 'ok',
    authgearQueue: resolver.state,
    certificateRenewed: (renewed: EpochMs) => { expiry = renewed },
    close: async () => {
      clearInterval(sampling)
      await audit?.close()
      await presence?.close()
      await closeLog()
      shared.beating?.close()
      await shared.connection?.close()
      await resolver.close()
    }
  })
}

/** Without Redis nobody else has to know it. */
function secretOf ({ cache, redis }: ServiceSettings): Uint8Array {
  return cache.secret === undefined && redis === undefined ? randomBytes(32) : secretBytes(cache.secret)
}

type Shared = Readonly<{ fleet: Fleet, connection: RedisConnection | undefined, beating: Beating | undefined, tell: (operation: string, error: unknown) => void }>
type SharedDeps = Readonly<{ metrics: Metrics, log: Log, clock: Clock, patienceMs: number }>

function openShared ({ redis, authgear }: ServiceSettings, sealingKey: Uint8Array, { metrics, log, clock, patienceMs }: SharedDeps): Shared {
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

const ALL_FROM_AUTHGEAR = 'Redis is not reachable: every answer comes from memory or from Authgear until it is back'
const UNREACHABLE = {
  one: ALL_FROM_AUTHGEAR,
  sentinel: ALL_FROM_AUTHGEAR,
  cluster: 'a master of the Redis Cluster is not reachable: the answers that it would hold come from memory or from Authgear until it is back'
} as const

/** What Redis refuses is told once a connection: a right that an ACL user lacks, a full memory. Lost connections tell themselves. */
function createTeller (log: Log): { tell: (operation: string, error: unknown) => void, forget: () => void } {
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

function complaints (log: Log): { noVerdict: () => void, unforeseen: (error: unknown) => void } {
  return {
    noVerdict: () => log.warn('Authgear named no verdict at all for a session cookie, twice: check AUTHGEAR_COOKIE_PREFIX, AUTHGEAR_ENDPOINT and its database connections'),
    unforeseen: (error) => log.error({ error: describe(error) }, 'an error nobody foresaw: please report it')
  }
}

/** Milliseconds. */
const COMPLAIN_EVERY = 60_000

type LogDeps = Readonly<{ metrics: Metrics, log: Log, clock: Clock, forget: () => void }>

/** How much longer than any entry lives a revocation is kept, in milliseconds. */
const RETENTION_MARGIN = 5 * 60_000

function openLog (settings: ServiceSettings, authenticationKey: Uint8Array, { metrics, log, clock, forget }: LogDeps): { revocations: RevocationLog, close: () => Promise<void> } {
  const { redis, authgear, cache } = settings
  const retentionMs = Math.max(cache.ttlMs, cache.negativeTtlMs) + cache.staleIfErrorMs + authgear.timeoutMs + RETENTION_MARGIN
  const trouble = (what: string, error?: unknown): void => log.error({ ...(error === undefined ? {} : { error: describe(error) }) }, what)
  const complain = seldom(clock, COMPLAIN_EVERY, () => log.warn('entries of the revocation log are not authentic, or of another CACHE_SECRET: each is read as "everything"'))
  const inauthentic = (): void => { metrics.revocations.inauthentic(); complain() }
  const observer: LogObserver = { ...metrics.revocations, inauthentic, adopted: forget, trouble }
  if (redis === undefined) {
    const revocations = createMemoryLog({ clock, retentionMs, observer })
    return { revocations, close: revocations.close }
  }
  const store = createRedisLogStore({ ...openLogConnections(redis), keyPrefix: logKey(redis.keyPrefix, authgear.endpoint.origin) })
  const revocations = createStreamLog({ store, codec: createEntryCodec(authenticationKey), clock, retentionMs, observer })
  return { revocations, close: follow(revocations, store, (error) => trouble('the revocation log cannot be followed: memory entries are used for CACHE_DEGRADED_TTL only', error)) }
}

/** Once in so many milliseconds, however often it is called. */
function seldom (clock: Clock, everyMs: number, act: () => void): () => void {
  let last = -Infinity
  return () => {
    if (clock.monotonic() - last < everyMs) return
    last = clock.monotonic()
    act()
  }
}

function openFollowersPresence ({ redis, authgear }: ServiceSettings, { connection, tell }: Shared, revocations: RevocationLog): Presence | undefined {
  if (redis === undefined || connection === undefined) return undefined
  const key = `${logKey(redis.keyPrefix, authgear.endpoint.origin)}:replicas`
  return openPresence({
    announce: (name, windowMs) => connection.commands.announce(key, name, windowMs),
    isFollowing: () => revocations.isFollowing(),
    failed: (error) => tell('announce', error)
  })
}

type FollowerDeps = Omit<LogDeps, 'forget'> & Readonly<{ keyer: Keyer, revocations: RevocationLog, connection: RedisConnection | undefined }>

function openFollower ({ audit, authgear, cache, redis }: ServiceSettings, { metrics, log, clock, keyer, revocations, connection }: FollowerDeps): Running | undefined {
  if (audit === undefined) return undefined
  return openAudit(audit, {
    endpoint: authgear.endpoint,
    ca: authgear.ca,
    shared: redis === undefined || connection === undefined ? undefined : { commands: connection.commands, keyPrefix: logKey(redis.keyPrefix, authgear.endpoint.origin) },
    revocations,
    sessionDigest: keyer.sessionDigest,
    lifetimeMs: cache.ttlMs + cache.staleIfErrorMs,
    clock,
    metrics: metrics.audit,
    log
  })
}

type WebhookOfDeps = Readonly<{ revocations: RevocationLog, connection: RedisConnection | undefined, log: Log, clock: Clock }>

function webhookOf ({ authgear, redis }: ServiceSettings, { revocations, connection, log, clock }: WebhookOfDeps): Webhook | undefined {
  const { webhookSecret: secret, appId } = authgear
  if (secret === undefined) return undefined
  const report: WebhookDeps['report'] = (context, status, what) => status === 204 ? log.debug({ ...context, status, what }, 'webhook') : log.warn({ ...context, status, what }, 'webhook')
  const name = webhookKey(logKey(redis?.keyPrefix ?? '', authgear.endpoint.origin))
  const note = seldom(clock, WEBHOOK_NOTED_EVERY, () => { connection?.commands.setPx(name, Buffer.of(), WEBHOOK_KNOWN_FOR).catch(() => {}) })
  return createWebhook({ secret, appId, log: revocations, clock, report, signed: note })
}
