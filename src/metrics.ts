import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { AUDIT_ERROR_KINDS } from './audit/audit-error.ts'
import type { AuditObserver } from './audit/observer.ts'
import type { AuthenticateObserver } from './authentication.ts'
import type { FleetObserver } from './cache/fleet.ts'
import type { ResolverObserver } from './resolver/resolver.ts'
import { LATENCY_BUCKETS, LatencyTally, RequestTally, type AnswerSource, type Endpoint, type RequestLabels } from './tally.ts'

export type Metrics = Readonly<{
  contentType: string
  render: () => Promise<string>
  request: (endpoint: Endpoint, status: number, reason: RequestLabels['reason'], source: AnswerSource, seconds: number) => void
  authenticate: Pick<AuthenticateObserver, 'memoryRead' | 'coalesced'>
  fleet: Readonly<{ sharedRead: FleetObserver['sharedRead'], sharedError: (operation: string) => void }>
  resolver: ResolverObserver
  revocations: Readonly<{ revoked: (origin: string) => void, lag: (seconds: number) => void, inauthentic: () => void }>
  audit: AuditObserver
}>

/** Read when somebody scrapes. */
export type Gauges = Readonly<{
  resolver: () => Readonly<{ inFlight: number, queued: number, circuitOpen: boolean }>
  cacheEntries: () => number
  /** Undefined where the service has no Redis. */
  redisUp: (() => boolean) | undefined
  /** Whether the revocation log is followed; undefined where the service has no Redis. */
  logFollowed: (() => boolean) | undefined
  /** The audit-log follower; undefined where it is off. */
  audit: Readonly<{ isLeader: () => boolean, behindSeconds: () => number }> | undefined
  /** Seconds since 1970; undefined where the listener speaks no TLS. */
  certificateExpiry: (() => number) | undefined
}>

/** A registry of its own, so that two services in one process do not meet. Closed label sets: nothing a client chooses is a label. */
export function createMetrics (version: string, gauges: Gauges): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  new Gauge({ registers: [registry], name: 'forward_auth_build_info', help: 'Always 1; the label says which version runs.', labelNames: ['version'] }).set({ version }, 1)
  registerGauges(registry, gauges)
  const reads = registerCacheReads(registry)
  return Object.freeze({
    contentType: registry.contentType,
    render: () => registry.metrics(),
    request: registerRequests(registry),
    authenticate: registerAuthenticate(registry, reads.memory),
    fleet: registerFleet(registry, reads.redis),
    resolver: registerResolver(registry),
    revocations: registerRevocations(registry),
    audit: registerAudit(registry, gauges.audit)
  })
}

function registerRequests (registry: Registry): Metrics['request'] {
  const requests = new RequestTally()
  const durations: Record<AnswerSource, LatencyTally> = { memory: new LatencyTally(), redis: new LatencyTally(), authgear: new LatencyTally(), none: new LatencyTally() }
  new Counter({
    registers: [registry],
    name: 'forward_auth_requests_total',
    help: 'Answers given to proxies.',
    labelNames: ['endpoint', 'status', 'reason', 'source'],
    collect () {
      this.reset()
      for (const { labels, count } of requests.entries()) this.inc({ ...labels }, count)
    }
  })
  new TalliedHistogram(registry, durations)
  return (endpoint, status, reason, source, seconds) => {
    requests.add(endpoint, status, reason, source)
    durations[source].add(seconds)
  }
}

const DURATION = 'forward_auth_request_duration_seconds'
const DURATION_HELP = 'From the request line to the answer, by where the answer came from.'

/** Shows tallies as a histogram: prom-client has no way to set one. */
class TalliedHistogram extends Histogram<'source'> {
  readonly #tallies: Readonly<Record<string, LatencyTally>>

  constructor (registry: Registry, tallies: Readonly<Record<string, LatencyTally>>) {
    super({
      registers: [registry],
      name: DURATION,
      help: DURATION_HELP,
      labelNames: ['source'],
      buckets: [...LATENCY_BUCKETS]
    })
    this.#tallies = tallies
  }

  /** What the registry calls for its text format; `get` calls it too. */
  async getForPromString () {
    const values = Object.entries(this.#tallies).flatMap(([source, tally]) => seriesOf(DURATION, source, tally))
    return { name: DURATION, help: DURATION_HELP, type: 'histogram', aggregator: 'sum', values }
  }
}

function seriesOf (name: string, source: string, tally: LatencyTally) {
  const buckets = tally.cumulative().map((value, index) => ({ metricName: `${name}_bucket`, labels: { le: LATENCY_BUCKETS[index] ?? '+Inf', source }, value }))
  const count = buckets.at(-1)?.value ?? 0
  return [...buckets, { metricName: `${name}_sum`, labels: { source }, value: tally.sum }, { metricName: `${name}_count`, labels: { source }, value: count }]
}

const noReads = () => ({ memory: { hit: 0, miss: 0 }, redis: { hit: 0, miss: 0, rejected: 0, unreachable: 0 } })
type CacheReads = ReturnType<typeof noReads>

function registerCacheReads (registry: Registry): CacheReads {
  const reads = noReads()
  new Counter({
    registers: [registry],
    name: 'forward_auth_cache_reads_total',
    help: 'Look-ups by tier; rejected = something was there that cannot be trusted.',
    labelNames: ['tier', 'outcome'],
    collect () {
      this.reset()
      for (const [tier, outcomes] of Object.entries(reads)) for (const [outcome, count] of Object.entries(outcomes)) this.inc({ tier, outcome }, count)
    }
  })
  return reads
}

function registerAuthenticate (registry: Registry, reads: CacheReads['memory']): Metrics['authenticate'] {
  const coalesced = new Counter({ registers: [registry], name: 'forward_auth_coalesced_total', help: 'Requests answered by a resolution that another one had begun.', labelNames: ['scope'] })
  return {
    memoryRead: (outcome) => { reads[outcome]++ },
    coalesced: (scope) => coalesced.inc({ scope })
  }
}

function registerFleet (registry: Registry, reads: CacheReads['redis']): Metrics['fleet'] {
  const errors = new Counter({ registers: [registry], name: 'forward_auth_redis_errors_total', help: 'Redis commands that failed or took longer than REDIS_TIMEOUT.', labelNames: ['operation'] })
  return {
    sharedRead: (outcome) => { reads[outcome]++ },
    sharedError: (operation) => errors.inc({ operation })
  }
}

function registerResolver (registry: Registry): ResolverObserver {
  const requests = new Counter({ registers: [registry], name: 'forward_auth_authgear_requests_total', help: 'Requests to the resolver; rejected = not sent, since Authgear is overloaded or left alone.', labelNames: ['outcome'] })
  const duration = new Histogram({ registers: [registry], name: 'forward_auth_authgear_request_duration_seconds', help: 'How long the resolver took.', buckets: LATENCY_BUCKETS.filter((bound) => bound >= 0.001) })
  return {
    authgearRequest: (outcome, seconds) => {
      requests.inc({ outcome })
      if (outcome !== 'rejected') duration.observe(seconds)
    }
  }
}

function registerRevocations (registry: Registry): Metrics['revocations'] {
  const revocations = new Counter({ registers: [registry], name: 'forward_auth_revocations_total', help: 'Revocations taken here or read from the log, by where they came from; inauthentic = an entry read as "everything".', labelNames: ['origin'] })
  const lag = new Histogram({ registers: [registry], name: 'forward_auth_revocation_log_lag_seconds', help: 'From the append of an entry to its reading here, by the clock of Redis.', buckets: LATENCY_BUCKETS.filter((bound) => bound >= 0.001) })
  return {
    revoked: (origin) => revocations.inc({ origin }),
    lag: (seconds) => lag.observe(seconds),
    inauthentic: () => revocations.inc({ origin: 'inauthentic' })
  }
}

const NO_AUDIT: AuditObserver = Object.freeze({ polled () {}, failed () {}, read () {}, applied () {}, gap () {}, overflow () {}, leading () {} })
/** Entries are dated in whole seconds. */
const LAG_BUCKETS = [0.5, 1, 2, 3, 4, 6, 10, 20, 30, 60, 120]

function registerAudit (registry: Registry, gauges: Gauges['audit']): AuditObserver {
  if (gauges === undefined) return NO_AUDIT
  const counter = (name: string, help: string, label: string): Counter => new Counter({ registers: [registry], name: `forward_auth_audit_${name}`, help, labelNames: [label] })
  const gauge = (name: string, help: string, read: () => number): Gauge => new Gauge({ registers: [registry], name: `forward_auth_audit_${name}`, help, collect () { this.set(read()) } })
  gauge('leader', '1 on the replica that reads Authgear\'s audit log.', () => Number(gauges.isLeader()))
  gauge('behind_seconds', 'Since this replica\'s last successful poll, or its start; the least of all replicas counts.', gauges.behindSeconds)
  const polls = counter('polls_total', 'Polls of the audit log; pending = not all of it is in the revocation log yet, and is read again; lost_lease = given up, since another replica leads.', 'outcome')
  const errors = counter('errors_total', 'Why the audit log could not be read.', 'kind')
  const entries = counter('entries_total', 'Entries read for the first time, by activity type; unknown = of a newer Authgear.', 'activity')
  const revocations = counter('revocations_total', 'What entries made void, by activity type; gap, overflow = everything, for want of entries.', 'activity')
  const gaps = counter('gaps_total', 'Times in which entries may have been lost, by what was done.', 'outcome')
  const lag = new Histogram({ registers: [registry], name: 'forward_auth_audit_lag_seconds', help: 'From the time of an event to its revocation, by the clock of Authgear, which dates in whole seconds.', buckets: LAG_BUCKETS })
  for (const kind of AUDIT_ERROR_KINDS) errors.inc({ kind }, 0)
  return {
    polled: (outcome) => polls.inc({ outcome }),
    failed: (kind) => errors.inc({ kind }),
    read: (activity, count) => { entries.inc({ activity }); revocations.inc({ activity }, count) },
    applied: (seconds) => lag.observe(seconds),
    gap: (outcome) => { gaps.inc({ outcome }); if (outcome === 'everything') revocations.inc({ activity: 'gap' }) },
    overflow: () => revocations.inc({ activity: 'overflow' }),
    leading: () => {}
  }
}

function registerGauges (registry: Registry, { resolver, cacheEntries, redisUp, logFollowed, certificateExpiry }: Gauges): void {
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({ registers: [registry], name, help, collect () { this.set(read()) } })
  gauge('forward_auth_authgear_in_flight', 'Resolutions under way.', () => resolver().inFlight)
  gauge('forward_auth_authgear_queued', 'Resolutions that wait for their turn.', () => resolver().queued)
  gauge('forward_auth_authgear_circuit_open', '1 while Authgear is left alone after repeated failures.', () => Number(resolver().circuitOpen))
  gauge('forward_auth_cache_entries', 'Entries in memory.', cacheEntries)
  if (redisUp !== undefined) gauge('forward_auth_redis_up', '1 while Redis answers.', () => Number(redisUp()))
  if (logFollowed !== undefined) gauge('forward_auth_revocation_log_connected', '1 while the revocation log is followed; else only young entries of memory are used.', () => Number(logFollowed()))
  if (certificateExpiry !== undefined) gauge('forward_auth_tls_certificate_expiry_timestamp_seconds', 'When the certificate of the main listener ends.', certificateExpiry)
}
