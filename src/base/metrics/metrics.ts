import { collectDefaultMetrics, Registry } from 'prom-client'
import type { AuthenticateObserver } from '../authenticate/types.ts'
import type { SharedCacheObserver } from '../cache/coalescing.ts'
import { type AnswerSource, WEBHOOK_REFUSALS, type WebhookRefusal } from '../core/reason.ts'
import { RESOLVER_OUTCOMES, type ResolverObserver, type ResolverOutcome } from '../authgear/resolver/types.ts'
import { type LogObserver, ORIGINS } from '../revocation/types.ts'
import { type GaugeReading, type Gauges, readGauges, registerGauges } from './gauges.ts'
import { LATENCY_BUCKETS, LatencyTally, type RequestCounts, type RequestLabels } from './request-counts.ts'
import { registerRequests, TalliedHistogram } from './requests.ts'
import { counter, gauge, histogram, type MetricTable, register, type Registered } from './table.ts'

export type Metrics = Readonly<{
  /** Registers the metrics of a part. */
  register: <Table extends MetricTable>(table: Table) => Registered<Table>
  contentType: string
  render: () => Promise<string>
  /** The same numbers as `render` shows. */
  reading: () => MetricsRead
  request: RequestCounts['request']
  /** A chain of trusted proxies that was too long to read. */
  forwardedForIgnored: () => void
  authenticate: Pick<AuthenticateObserver, 'memoryRead' | 'coalesced'>
  sharedCache: Pick<SharedCacheObserver, 'sharedRead'> & Readonly<{ sharedError: (operation: RedisOperation) => void }>
  resolver: ResolverObserver
  revocations: Pick<LogObserver, 'revoked' | 'lag' | 'inauthentic' | 'foreign' | 'doubted' | 'capped'>
  webhookRefused: (reason: WebhookRefusal) => void
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
  now: GaugeReading
}>

/** The origins, and entries of the log that cannot be believed. */
export const COUNTED_ORIGINS = [...ORIGINS, 'inauthentic', 'foreign'] as const

/** A call to the resolver takes a millisecond at least; so does an entry on its way through the revocation log. */
const SLOW_BUCKETS = LATENCY_BUCKETS.filter((bound) => bound >= 0.001)

const REDIS_OPERATIONS: readonly RedisOperation[] = ['read', 'lease', 'write', 'release']

const BUILD = 'forward_auth_build_info'
const BUILD_HELP = 'Always 1; the label is the running version with its commit.'

const BASE = {
  forwardedForIgnored: counter(
    'forward_auth_forwarded_for_ignored_total',
    'Requests with more than 32 trusted proxies or 2 KiB of them in X-Forwarded-For: the peer counted as the client.'
  ),
  coalesced: counter(
    'forward_auth_coalesced_total',
    'Requests answered by the resolution of another request.',
    'scope', ['process', 'fleet']
  ),
  redisErrors: counter(
    'forward_auth_redis_errors_total',
    'Redis commands that failed or took longer than REDIS_TIMEOUT.',
    'operation', REDIS_OPERATIONS
  ),
  authgear: counter(
    'forward_auth_authgear_requests_total',
    'Requests to the resolver; rejected = not sent: the queue is full or the circuit breaker is open.',
    'outcome', RESOLVER_OUTCOMES
  ),
  revocations: counter(
    'forward_auth_revocations_total',
    'Revocations by origin; inauthentic = an entry with a wrong tag; foreign = of another CACHE_SECRET.',
    'origin', COUNTED_ORIGINS
  ),
  capped: counter(
    'forward_auth_revocations_capped_total',
    'Revocations over the limit per minute and origin, published together as one "everything"; sign-outs are refused.',
    'origin', ORIGINS
  ),
  lag: histogram(
    'forward_auth_revocation_log_lag_seconds',
    "From writing an entry to reading it here, by Redis' clock.",
    SLOW_BUCKETS
  ),
  doubted: gauge(
    'forward_auth_redis_master_doubted',
    '1 while no source confirms that the Redis server is the master (docs/redis.md).'
  ),
  webhooks: counter(
    'forward_auth_webhooks_refused_total',
    "Refused webhooks: wrong_signature = signed with another secret; unsigned, not_read = also strangers' requests.",
    'reason', WEBHOOK_REFUSALS
  )
}

/**
 * A registry of its own, so that two services in one process do not meet. Closed label sets: nothing a client chooses
 * is a label.
 */
export function createMetrics (version: string, gauges: Gauges): Metrics {
  const registry = createRegistry()
  const { count, read } = register(registry, { ...BASE, build: gauge(BUILD, BUILD_HELP, 'version', [version]) })
  let isDoubted = false
  read({ build: () => new Map([[version, 1]]), doubted: () => Number(isDoubted) })
  registerGauges(registry, gauges)
  const requests = registerRequests(registry)
  const authgearRequest = authgearRequestOf(registry, count.authgear.add)
  return Object.freeze({
    register: (table) => register(registry, table),
    contentType: registry.contentType,
    render: () => textOf(registry),
    reading: () => ({
      ...readRequests(requests),
      authgear: count.authgear.counts(),
      redisErrors: count.redisErrors.counts(),
      revocations: count.revocations.counts(),
      webhooksRefused: count.webhooks.counts(),
      now: readGauges(gauges)
    }),
    request: requests.request,
    forwardedForIgnored: () => count.forwardedForIgnored.add(),
    authenticate: { memoryRead: requests.memoryRead, coalesced: count.coalesced.add },
    sharedCache: { sharedRead: (outcome) => { requests.reads.redis[outcome]++ }, sharedError: count.redisErrors.add },
    resolver: { authgearRequest },
    revocations: {
      revoked: count.revocations.add,
      capped: count.capped.add,
      lag: count.lag,
      inauthentic: () => count.revocations.add('inauthentic'),
      foreign: () => count.revocations.add('foreign'),
      doubted: (now) => { isDoubted = now }
    },
    webhookRefused: count.webhooks.add
  } satisfies Metrics)
}

/**
 * Gauges that Node's defaults call `_total`, as only counters may be; each is the sum of another one
 * (docs/inside/decisions/070-metrics-that-promtool-takes.md).
 */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** Sorted by name. They are read in the order of registration, since some of Node's set the values of others. */
async function textOf (registry: Registry): Promise<string> {
  const blocks = (await registry.metrics()).trimEnd().split(/\n(?=# HELP )/).map((block) => block.trimEnd())
  return `${blocks.toSorted((a, b) => nameOf(a) < nameOf(b) ? -1 : 1).join('\n\n')}\n`
}

const nameOf = (block: string): string => block.split(' ', 3)[2] ?? ''

/** Our metrics, and Node's own for this process. */
function createRegistry (): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return registry
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

function authgearRequestOf (
  registry: Registry, add: (outcome: ResolverOutcome) => void
): ResolverObserver['authgearRequest'] {
  const duration = new LatencyTally(SLOW_BUCKETS)
  new TalliedHistogram(registry, {
    name: 'forward_auth_authgear_request_duration_seconds',
    help: 'Latency of the resolver.',
    tallies: [[{}, duration]]
  })
  return (outcome, seconds) => {
    add(outcome)
    if (outcome !== 'rejected') duration.add(seconds)
  }
}
