import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { AuditObserver } from '../../authgear/audit-log/observer.ts'
import type { AuthenticateObserver } from '../../request/authenticate/types.ts'
import type { SharedCacheObserver } from '../../shared/cache/coalescing.ts'
import { type AnswerSource, WEBHOOK_REFUSALS, type WebhookRefusal } from '../../core/reason.ts'
import {
  type AssertionObserver, closedCounter, type ClosedCounter, type GaugeReading, type Gauges, type ProfileObserver,
  readGauges, registerAssertions, registerAudit, registerGauges, registerProfile, registerTokens, type TokenObserver
} from './instruments.ts'
import { RESOLVER_OUTCOMES, type ResolverObserver, type ResolverOutcome } from '../../authgear/resolver/types.ts'
import { type LogObserver, ORIGINS } from '../../shared/revocation/types.ts'
import { type OwnSessionObserver, registerOwnSessions } from './own-sessions.ts'
import { registerEvents } from './events.ts'
import type { EventKind, EventsObserver } from '../../shared/events/event.ts'
import { LATENCY_BUCKETS, LatencyTally, type RequestCounts, type RequestLabels } from './request-counts.ts'
import { registerRequests, TalliedHistogram } from './requests.ts'

export type Metrics = Readonly<{
  contentType: string
  render: () => Promise<string>
  /** For the status page, which reads the same numbers as `render`. */
  reading: () => MetricsRead
  request: RequestCounts['request']
  /** A chain of trusted proxies that was too long to read. */
  forwardedForIgnored: () => void
  authenticate: Pick<AuthenticateObserver, 'memoryRead' | 'coalesced'>
  sharedCache: Pick<SharedCacheObserver, 'sharedRead'> & Readonly<{ sharedError: (operation: RedisOperation) => void }>
  resolver: ResolverObserver
  revocations: Pick<LogObserver, 'revoked' | 'lag' | 'inauthentic' | 'foreign' | 'doubted' | 'capped'>
  webhookRefused: (reason: WebhookRefusal) => void
  audit: AuditObserver
  tokens: TokenObserver
  profile: ProfileObserver
  assertions: AssertionObserver
  /** Of the access record. */
  recordLines: (outcome: 'written' | 'lost', count?: number) => void
  ownSessions: OwnSessionObserver
  /** Of what apps are told. */
  events: EventsObserver
}>

type RedisOperation = Parameters<SharedCacheObserver['sharedError']>[0]
type CountedOrigin = (typeof COUNTED_ORIGINS)[number]

/** Everything since the start, and how things are now. */
export type MetricsRead = Readonly<{
  requests: ReadonlyArray<Readonly<{ labels: RequestLabels, count: number }>>
  /** By source: how many took at most as long as each bound; the last is all. */
  durations: Readonly<Record<AnswerSource, readonly number[]>>
  reads: RequestCounts['reads']
  authgear: Readonly<Record<ResolverOutcome, number>>
  redisErrors: Readonly<Record<RedisOperation, number>>
  revocations: Readonly<Record<CountedOrigin, number>>
  webhooksRefused: Readonly<Record<WebhookRefusal, number>>
  /** Lines of the access record. */
  recordLost: number
  /** Revocations that apps are told of. */
  eventsTold: Readonly<Partial<Record<EventKind, number>>>
  now: GaugeReading
}>

/**
 * A registry of its own, so that two services in one process do not meet. Closed label sets: nothing a client chooses
 * is a label.
 */
export function createMetrics (version: string, gauges: Gauges): Metrics {
  const registry = createRegistry()
  new Gauge({
    registers: [registry],
    name: 'forward_auth_build_info',
    help: 'Always 1; the label says which version runs.',
    labelNames: ['version']
  }).set({ version }, 1)
  registerGauges(registry, gauges)
  const requests = registerRequests(registry)
  const sharedErrors = registerSharedErrors(registry)
  const resolver = registerResolver(registry)
  const revocations = registerRevocations(registry)
  const record = registerRecord(registry)
  const events = registerEvents(registry, gauges.events)
  const webhooks = closedCounter(registry, WEBHOOKS, WEBHOOKS_HELP, 'reason', WEBHOOK_REFUSALS)
  return Object.freeze({
    contentType: registry.contentType,
    render: () => registry.metrics(),
    reading: () => ({
      ...readRequests(requests),
      authgear: resolver.outcomes.counts(),
      redisErrors: sharedErrors.counts(),
      revocations: revocations.origins.counts(),
      webhooksRefused: webhooks.counts(),
      recordLost: record.lost(),
      eventsTold: events.told(),
      now: readGauges(gauges)
    }),
    request: requests.request,
    forwardedForIgnored: registerForwardedFor(registry),
    authenticate: { memoryRead: requests.memoryRead, coalesced: registerCoalesced(registry).add },
    sharedCache: { sharedRead: (outcome) => { requests.reads.redis[outcome]++ }, sharedError: sharedErrors.add },
    resolver: resolver.observer,
    revocations: revocations.observer,
    webhookRefused: webhooks.add,
    audit: registerAudit(registry, gauges.audit),
    tokens: registerTokens(registry),
    profile: registerProfile(registry),
    assertions: registerAssertions(registry, gauges.assertions),
    recordLines: record.add,
    ownSessions: registerOwnSessions(registry, gauges.ownSessions),
    events: events.observer
  } satisfies Metrics)
}

function registerRecord (registry: Registry): Readonly<{ add: Metrics['recordLines'], lost: () => number }> {
  const counter = (name: string, help: string): Counter => new Counter({ registers: [registry], name, help })
  const counters = {
    written: counter(
      'forward_auth_access_record_written_total', 'Lines of the access record that the file or pipe has taken.'
    ),
    lost: counter(
      'forward_auth_access_record_lost_total',
      'Lines of the access record that nobody will read; the next line says how many are missing.'
    )
  }
  let lost = 0
  return {
    add (outcome, count = 1) {
      counters[outcome].inc(count)
      if (outcome === 'lost') lost += count
    },
    lost: () => lost
  }
}

/**
 * Gauges that Node's defaults call `_total`, as only counters may be; each is the sum of another one
 * (docs/inside/decisions/070-metrics-that-promtool-takes.md).
 */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** With what Node says of this process. */
function createRegistry (): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return registry
}

function registerForwardedFor (registry: Registry): () => void {
  const ignored = new Counter({
    registers: [registry],
    name: 'forward_auth_forwarded_for_ignored_total',
    help: 'Requests whose X-Forwarded-For names more than 32 trusted proxies, or takes 2 KiB for them: the peer ' +
      'counted as the client.'
  })
  return () => ignored.inc()
}

/** A copy: what is counted goes on. */
function readRequests (
  { tally, durations, reads }: RequestCounts
): Pick<MetricsRead, 'requests' | 'durations' | 'reads'> {
  return {
    requests: Array.from(tally.entries(), ({ labels, count }) => ({ labels, count })),
    durations: {
      memory: durations.memory.cumulative(),
      redis: durations.redis.cumulative(),
      authgear: durations.authgear.cumulative(),
      none: durations.none.cumulative()
    },
    reads: structuredClone(reads)
  }
}

function registerCoalesced (registry: Registry): ClosedCounter<'process' | 'fleet'> {
  return closedCounter(
    registry,
    'forward_auth_coalesced_total',
    'Requests answered by a resolution that another one had begun.',
    'scope',
    ['process', 'fleet']
  )
}

function registerSharedErrors (registry: Registry): ClosedCounter<RedisOperation> {
  return closedCounter(
    registry,
    'forward_auth_redis_errors_total',
    'Redis commands that failed or took longer than REDIS_TIMEOUT.',
    'operation',
    REDIS_OPERATIONS
  )
}

const SLOW_BUCKETS = LATENCY_BUCKETS.filter((bound) => bound >= 0.001)

function registerResolver (registry: Registry): {
  observer: ResolverObserver
  outcomes: ClosedCounter<ResolverOutcome>
} {
  const outcomes = closedCounter(
    registry,
    'forward_auth_authgear_requests_total',
    'Requests to the resolver; rejected = not sent, since too many wait or the circuit breaker is open.',
    'outcome',
    RESOLVER_OUTCOMES
  )
  const duration = new LatencyTally(SLOW_BUCKETS)
  new TalliedHistogram(registry, {
    name: 'forward_auth_authgear_request_duration_seconds',
    help: 'How long the resolver took.',
    tallies: [[{}, duration]]
  })
  return {
    outcomes,
    observer: {
      authgearRequest: (outcome, seconds) => {
        outcomes.add(outcome)
        if (outcome !== 'rejected') duration.add(seconds)
      }
    }
  }
}

function registerRevocations (registry: Registry): {
  observer: Metrics['revocations']
  origins: ClosedCounter<CountedOrigin>
} {
  const origins = closedCounter(
    registry,
    'forward_auth_revocations_total',
    'Revocations taken here or read from the log, by where they came from; inauthentic = an entry ' +
      'with a wrong tag; foreign = one made under another CACHE_SECRET.',
    'origin',
    COUNTED_ORIGINS
  )
  const lag = new Histogram({
    registers: [registry],
    name: 'forward_auth_revocation_log_lag_seconds',
    help: 'From the append of an entry to its reading here, by the clock of Redis.',
    buckets: SLOW_BUCKETS
  })
  const doubted = new Gauge({
    registers: [registry],
    name: 'forward_auth_redis_master_doubted',
    help: '1 while nothing says that the Redis server which is followed is the master (docs/redis.md).'
  })
  const capped = closedCounter(registry, 'forward_auth_revocations_capped_total', CAPPED_HELP, 'origin', ORIGINS)
  return {
    origins,
    observer: {
      revoked: origins.add,
      capped: capped.add,
      lag: (seconds) => lag.observe(seconds),
      inauthentic: () => origins.add('inauthentic'),
      foreign: () => origins.add('foreign'),
      doubted: (isDoubted) => doubted.set(Number(isDoubted))
    }
  }
}

const CAPPED_HELP = 'Revocations beyond what the log takes of their origin in a minute: ' +
  'published together as one "everything"; sign-outs are refused.'

const WEBHOOKS = 'forward_auth_webhooks_refused_total'
const WEBHOOKS_HELP = 'Requests to /webhook that revoke nothing: wrong_signature = of another secret than ' +
  'AUTHGEAR_WEBHOOK_SECRET; unsigned, not_read = also of any stranger.'

const REDIS_OPERATIONS: readonly RedisOperation[] = ['read', 'lease', 'write', 'release']

/** With what could not be told. */
export const COUNTED_ORIGINS = [...ORIGINS, 'inauthentic', 'foreign'] as const
