import type { CertificateStage } from '../../core/certificate.ts'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { ADMIN_API_ERROR_KINDS, type AdminApiErrorKind } from '../../authgear/admin-api/errors.ts'
import { SIGN_OUTCOMES, type SignOutcome } from '../../shared/assertion/assertions.ts'
import { AUDIT_ERROR_KINDS } from '../../authgear/audit-log/errors.ts'
import type { AuditObserver } from '../../authgear/audit-log/observer.ts'
import { ANSWER_OUTCOMES, type AnswerOutcome } from '../../shared/profile/profiles.ts'
import { READ_OUTCOMES, type ReadOutcome } from '../../shared/profile/reader.ts'

export type ClosedCounter<Value extends string> = Readonly<{
  /** @param count one where it is left out */
  add: (value: Value, count?: number) => void
  /** Since the start. */
  counts: () => Readonly<Record<Value, number>>
}>

/**
 * A counter by one label whose values are all known. Each is shown from the start, at 0: Prometheus' `increase` does
 * not see a series' first value.
 */
export function closedCounter<Value extends string> (
  registry: Registry,
  name: string,
  help: string,
  label: string,
  values: readonly Value[]
): ClosedCounter<Value> {
  const counts = Object.fromEntries(values.map((value) => [value, 0])) as Record<Value, number>
  new Counter({
    registers: [registry],
    name,
    help,
    labelNames: [label],
    collect () {
      this.reset()
      for (const value of values) this.inc({ [label]: value }, counts[value])
    }
  })
  return Object.freeze({ add: (value: Value, count = 1) => { counts[value] += count }, counts: () => ({ ...counts }) })
}

function gaugeOf (registry: Registry, name: string, help: string, read: () => number): Gauge {
  return new Gauge({ registers: [registry], name, help, collect () { this.set(read()) } })
}

export type AuditGauges = Readonly<{
  isLeader: () => boolean
  behindSeconds: () => number
  /** Changes of users that no webhook told; undefined without AUTHGEAR_WEBHOOK_SECRET. */
  untold: (() => number) | undefined
  /** Entries of types that nobody knows, left out of the last poll. */
  unread: () => number
}>

const NO_AUDIT: AuditObserver = Object.freeze({
  polled () {},
  failed () {},
  read () {},
  applied () {},
  gap () {},
  overflow () {},
  unread () {},
  leading () {}
})
/** Entries are dated in whole seconds. */
const LAG_BUCKETS = [0.5, 1, 2, 3, 4, 6, 10, 20, 30, 60, 120]

const UNTOLD_HELP =
  'Changes of users that were read since the last webhook came, and that come by webhook too: Authgear does not call ' +
    'this service. Only the replica that leads knows.'

/** Nothing is registered where the audit log is not followed. */
export function registerAudit (registry: Registry, gauges: AuditGauges | undefined): AuditObserver {
  if (gauges === undefined) return NO_AUDIT
  const counter = (name: string, help: string, label: string): Counter =>
    new Counter({ registers: [registry], name: `forward_auth_audit_${name}`, help, labelNames: [label] })
  registerAuditGauges(registry, gauges)
  const polls = closedCounter(
    registry,
    'forward_auth_audit_polls_total',
    'Polls of the audit log; pending = not all of it is in the revocation log yet, and is read again; lost_lease = ' +
      'given up, since another replica leads.',
    'outcome',
    ['ok', 'pending', 'error', 'lost_lease']
  )
  const errors = closedCounter(
    registry,
    'forward_auth_audit_errors_total',
    'Why the audit log could not be read.',
    'kind',
    AUDIT_ERROR_KINDS
  )
  const entries = counter(
    'entries_total',
    'Entries read for the first time, by activity type; unknown = of a newer Authgear.',
    'activity'
  )
  const revocations = counter(
    'revocations_total',
    'What entries made void, by activity type; gap, overflow = everything, since entries were missing.',
    'activity'
  )
  const gaps = closedCounter(
    registry,
    'forward_auth_audit_gaps_total',
    'Times in which entries may have been lost, by what was done; redis: it gave no lease, and nothing was lost.',
    'outcome',
    ['everything', 'expired', 'suppressed', 'redis']
  )
  const lag = new Histogram({
    registers: [registry],
    name: 'forward_auth_audit_lag_seconds',
    help: 'From the time of an event to its revocation, by the clock of Authgear, which dates in whole seconds.',
    buckets: LAG_BUCKETS
  })
  return {
    polled: polls.add,
    failed: (kind) => errors.add(kind),
    read: (activity, count) => { entries.inc({ activity }); revocations.inc({ activity }, count) },
    applied: (seconds) => lag.observe(seconds),
    gap: (outcome) => { gaps.add(outcome); if (outcome === 'everything') revocations.inc({ activity: 'gap' }) },
    overflow: () => revocations.inc({ activity: 'overflow' }),
    unread: () => {},
    leading: () => {}
  }
}

function registerAuditGauges (registry: Registry, gauges: AuditGauges): void {
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    gaugeOf(registry, `forward_auth_audit_${name}`, help, read)
  gauge('leader', '1 on the replica that reads Authgear\'s audit log.', () => Number(gauges.isLeader()))
  gauge(
    'behind_seconds',
    "Since this replica's last successful poll, or its start; the least of all replicas counts.",
    gauges.behindSeconds
  )
  gauge(
    'unread_entries',
    'Entries of types that this version does not know, left out of the last poll: more than the hundred that are read.',
    gauges.unread
  )
  if (gauges.untold !== undefined) gauge('untold_changes', UNTOLD_HELP, gauges.untold)
}

/** Read when somebody scrapes. */
export type Gauges = Readonly<{
  resolver: () => Readonly<{ inFlight: number, queued: number, circuitOpen: boolean }>
  cacheEntries: () => number
  /** Bytes accounted to them, and how many there may be (CACHE_MAX_MEMORY). */
  cacheBytes: () => number
  cacheMaxBytes: () => number
  /** Undefined where the service has no Redis. */
  redisUp: (() => boolean) | undefined
  /** Whether the revocation log is followed; undefined where the service has no Redis. */
  logFollowed: (() => boolean) | undefined
  /** Entries of the revocation log, and how many its retention may hold; undefined where the service has no Redis. */
  logEntries: (() => Readonly<{ now: number, most: number }>) | undefined
  /** Undefined where the service has no Redis. */
  replicasSeen: (() => number) | undefined
  /** The audit-log follower; undefined where it is off. */
  audit: AuditGauges | undefined
  /** Undefined without ASSERTION. */
  assertions?: AssertionGauges | undefined
  /** Undefined without RESOURCES. */
  clientsBlocked?: (() => number) | undefined
  /** Undefined without LOGIN_SESSION=own. */
  ownSessions?: Readonly<{ sessions: () => number }> | undefined
  /** Undefined without LISTEN_EVENTS; `apps` of EVENTS_TOKENS. */
  events?: Readonly<{ apps: readonly string[], streams: () => ReadonlyMap<string, number> }> | undefined
  /** Whether the access record can be written; undefined without ACCESS_RECORD. */
  recordWritten?: (() => boolean) | undefined
  /** Undefined where the listener speaks no TLS; `expiry` in seconds since 1970. */
  certificate: Readonly<{ expiry: () => number, stage: () => CertificateStage | undefined }> | undefined
}>

/** How things are now. */
export type GaugeReading = Readonly<{
  inFlight: number
  queued: number
  circuitOpen: boolean
  cacheEntries: number
  /** The next three are undefined where the service has no Redis. */
  redisUp: boolean | undefined
  logFollowed: boolean | undefined
  replicasSeen: number | undefined
  /** The next three are undefined where this replica does not read the audit log. */
  auditBehindSeconds: number | undefined
  auditUnread: number | undefined
  untold: number | undefined
  /** Undefined while the listener's certificate is well, or it speaks no TLS. */
  certificateStage: number | undefined
  /** Undefined without ACCESS_RECORD. */
  recordWritten: boolean | undefined
  /** Streams of events by app; undefined without LISTEN_EVENTS. */
  eventStreams: Readonly<Record<string, number>> | undefined
}>

export function readGauges (gauges: Gauges): GaugeReading {
  const { resolver, cacheEntries, redisUp, logFollowed, replicasSeen, audit, certificate, recordWritten } = gauges
  const { events } = gauges
  const { inFlight, queued, circuitOpen } = resolver()
  return {
    inFlight,
    queued,
    circuitOpen,
    cacheEntries: cacheEntries(),
    redisUp: redisUp?.(),
    logFollowed: logFollowed?.(),
    replicasSeen: replicasSeen?.(),
    auditBehindSeconds: audit?.isLeader() === true ? audit.behindSeconds() : undefined,
    auditUnread: audit?.isLeader() === true ? audit.unread() : undefined,
    untold: audit?.isLeader() === true ? audit.untold?.() : undefined,
    certificateStage: certificate?.stage(),
    recordWritten: recordWritten?.(),
    eventStreams: events && streamsOf(events)
  }
}

function streamsOf ({ apps, streams }: NonNullable<Gauges['events']>): Readonly<Record<string, number>> {
  const open = streams()
  return Object.fromEntries(apps.map((app) => [app, open.get(app) ?? 0]))
}

export function registerGauges (registry: Registry, gauges: Gauges): void {
  const { resolver, cacheEntries, cacheBytes, cacheMaxBytes, redisUp, logFollowed, logEntries, replicasSeen } = gauges
  const { certificate, clientsBlocked, recordWritten } = gauges
  const gauge = (name: string, help: string, read: () => number): Gauge => gaugeOf(registry, name, help, read)
  gauge('forward_auth_authgear_in_flight', 'Resolutions under way.', () => resolver().inFlight)
  gauge('forward_auth_authgear_queued', 'Resolutions that wait for their turn.', () => resolver().queued)
  const circuitHelp = '1 while the circuit breaker is open: Authgear is not asked after repeated failures.'
  gauge('forward_auth_authgear_circuit_open', circuitHelp, () => Number(resolver().circuitOpen))
  gauge('forward_auth_cache_entries', 'Entries in memory.', cacheEntries)
  gauge(
    'forward_auth_cache_bytes',
    'Bytes of heap accounted to the entries in memory, never fewer than they take.',
    cacheBytes
  )
  gauge('forward_auth_cache_max_bytes', 'How many of them there may be (CACHE_MAX_MEMORY).', cacheMaxBytes)
  if (redisUp !== undefined) gauge('forward_auth_redis_up', '1 while Redis answers.', () => Number(redisUp()))
  if (logFollowed !== undefined) {
    gauge(
      'forward_auth_revocation_log_connected',
      '1 while the revocation log is followed; else only young entries of memory are used.',
      () => Number(logFollowed())
    )
  }
  if (logEntries !== undefined) {
    const help = 'Entries that the revocation log holds.'
    gauge('forward_auth_revocation_log_entries', help, () => logEntries().now)
    const limit = 'Entries that it may hold at most: what it takes in a minute, for as long as it keeps them.'
    gauge('forward_auth_revocation_log_entries_limit', limit, () => logEntries().most)
  }
  if (replicasSeen !== undefined) {
    gauge(
      'forward_auth_replicas_seen',
      'Replicas that follow the revocation log and said so in the last seconds, this one included; 0 = not known.',
      replicasSeen
    )
  }
  if (clientsBlocked !== undefined) {
    const help = 'Clients and hosts that are blocked: names in CLIENTS_BLOCKED, and those that all replicas know.'
    gauge('forward_auth_clients_blocked', help, clientsBlocked)
  }
  if (recordWritten !== undefined) {
    const help = '1 while the access record can be written; 0: its disk refuses, or nobody reads it.'
    gauge('forward_auth_access_record_writable', help, () => Number(recordWritten()))
  }
  if (certificate !== undefined) {
    gauge(
      'forward_auth_tls_certificate_expiry_timestamp_seconds',
      'When the certificate of the main listener ends.',
      certificate.expiry
    )
  }
}

export type TokenObserver = Readonly<{ keysFetched: (outcome: 'ok' | 'error') => void, refusedUnknown: () => void }>

/** Of resource tokens. */
export function registerTokens (registry: Registry): TokenObserver {
  const fetches = closedCounter(
    registry,
    'forward_auth_jwks_fetches_total',
    "Fetches of Authgear's keys, by which resource tokens are verified.",
    'outcome',
    ['ok', 'error']
  )
  const unknown = new Counter({
    registers: [registry],
    name: 'forward_auth_resource_tokens_unknown_total',
    help: 'Resource tokens refused only since this replica cannot know whether they were revoked: issued before it ' +
      'followed the log, or while it cannot.'
  })
  return Object.freeze({ keysFetched: fetches.add, refusedUnknown: () => unknown.inc() })
}

export type ProfileObserver = Readonly<{
  answered: (outcome: AnswerOutcome, count: number) => void
  read: (outcome: ReadOutcome) => void
  queried: (outcome: 'ok' | AdminApiErrorKind) => void
}>

export function registerProfile (registry: Registry): ProfileObserver {
  const answers = closedCounter(
    registry,
    'forward_auth_profile_answers_total',
    'Requests that asked for a profile: known = from memory; stale = from memory, past PROFILE_TTL; waited = on the ' +
      'first sight of a user; late = no answer within PROFILE_TIMEOUT; unknown = nothing is known, nobody waited; ' +
      'rejected = too many users wait, or the Admin API failed a moment ago.',
    'outcome',
    ANSWER_OUTCOMES
  )
  const reads = closedCounter(
    registry,
    'forward_auth_profile_reads_total',
    'Users that were read: redis = from another replica; none = Authgear knows no such user; foreign = the answer ' +
      'was about somebody else, and refused; dropped = changed while they were read.',
    'outcome',
    READ_OUTCOMES
  )
  const requests = closedCounter(
    registry,
    'forward_auth_profile_requests_total',
    'Queries of the Admin API for profiles, of up to a hundred users each.',
    'outcome',
    ['ok', ...ADMIN_API_ERROR_KINDS] as const
  )
  return Object.freeze({ answered: answers.add, read: reads.add, queried: (outcome) => requests.add(outcome) })
}

export type AssertionGauges = Readonly<{ hasKey: () => boolean, keysPublished: () => number, nextKey: () => number }>
export type AssertionObserver = (outcome: SignOutcome) => void

/** Nothing is registered without ASSERTION. */
export function registerAssertions (registry: Registry, gauges: AssertionGauges | undefined): AssertionObserver {
  if (gauges === undefined) return () => {}
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    gaugeOf(registry, `forward_auth_assertion_${name}`, help, read)
  const keyHelp = '1 where this replica has a key that signs; else the header goes out empty.'
  gauge('key_available', keyHelp, () => Number(gauges.hasKey()))
  gauge('keys_published', 'Keys in the key set.', gauges.keysPublished)
  const nextHelp = 'When the next key begins to sign; 0 = not known, or never.'
  gauge('next_key_timestamp_seconds', nextHelp, gauges.nextKey)
  const outcomes = closedCounter(
    registry,
    'forward_auth_assertions_total',
    'Assertions made: one for each resolution, audience and half a minute. no_key = Redis was not reached yet; ' +
      'unfit = longer than an assertion may be.',
    'outcome',
    SIGN_OUTCOMES
  )
  return outcomes.add
}
