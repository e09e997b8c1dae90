import { type Clock, type Moment, momentOf } from '../../base/clock.ts'
import type { Endpoint } from '../../base/core/reason.ts'
import type { GaugeReading } from '../../base/metrics/gauges.ts'
import type { MetricsRead } from '../../base/metrics/metrics.ts'
import type { RequestLabels } from '../../base/metrics/request-counts.ts'

export const DECISIONS = ['allowed', 'unauthenticated', 'forbidden', 'unavailable', 'elsewhere'] as const
export type DecisionName = (typeof DECISIONS)[number]
export const SOURCES = ['memory', 'redis', 'authgear'] as const
type SourceName = (typeof SOURCES)[number]

type Reads = Readonly<{ hits: number, reads: number }>

/** A reading, as far as the page shows it: some hundred numbers, so that a quarter of an hour of them is small. */
export type Sample = Moment & Readonly<{
  requests: Readonly<Record<DecisionName, number>>
  /** Refusals, by reason: a closed set. */
  refusals: Readonly<Record<string, number>>
  memory: Reads
  redis: Reads
  /** Counts by source of those that took at most as long as each bound of LATENCY_BUCKETS; the last is all. */
  durations: Readonly<Record<SourceName, readonly number[]>>
  authgear: Readonly<{ answered: number, failed: number, rejected: number }>
  redisErrors: number
  revocations: MetricsRead['revocations']
  /** Refusals for the signature or the app: no stranger without a signature is counted. */
  webhooksRefused: number
  now: GaugeReading
}>

export function sampleOf (read: MetricsRead, moment: Moment): Sample {
  const { requests, durations, reads: { memory, redis }, authgear, webhooksRefused } = read
  return {
    ...moment,
    requests: byDecision(requests),
    refusals: byReason(requests),
    memory: { hits: memory.hit, reads: memory.hit + memory.miss },
    redis: { hits: redis.hit, reads: redis.hit + redis.miss + redis.rejected },
    durations: { memory: durations.memory, redis: durations.redis, authgear: durations.authgear },
    authgear: {
      answered: authgear.valid + authgear.invalid,
      failed: authgear.error + authgear.timeout,
      rejected: authgear.rejected
    },
    redisErrors: sumOf(read.redisErrors),
    revocations: read.revocations,
    webhooksRefused: webhooksRefused.wrong_signature + webhooksRefused.other_app,
    now: read.now
  }
}

/** The replicas that follow the log, as far as they are known; undefined without Redis. */
export const replicasIn = ({ now: { parts } }: Sample): number | undefined => parts['status']?.['replicas']

/** @throws {Error} without a sample */
export function endsOf (samples: readonly Sample[]): readonly [first: Sample, last: Sample] {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined) throw new Error('a status page without a sample')
  return [first, last]
}

export const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)

const BY_STATUS: Readonly<Record<number, DecisionName>> = {
  200: 'allowed',
  401: 'unauthenticated',
  403: 'forbidden',
  503: 'unavailable',
  404: 'elsewhere'
}

const NO_DECISIONS: ReadonlySet<RequestLabels['reason']> = new Set(['favicon', 'signed_out'])

/** `/identify` decides nothing, nobody waits for an icon, and the page after a sign-out neither opens nor refuses. */
function isDecision (endpoint: Endpoint, reason: RequestLabels['reason']): boolean {
  return endpoint !== 'identify' && !NO_DECISIONS.has(reason)
}

function byDecision (requests: MetricsRead['requests']): Record<DecisionName, number> {
  const counts = Object.fromEntries(DECISIONS.map((name) => [name, 0])) as Record<DecisionName, number>
  for (const { labels: { endpoint, status, reason }, count } of requests) {
    const decision = BY_STATUS[status]
    if (decision !== undefined && isDecision(endpoint, reason)) counts[decision] += count
  }
  return counts
}

function byReason (requests: MetricsRead['requests']): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { labels: { endpoint, status, reason }, count } of requests) {
    if (status >= 400 && isDecision(endpoint, reason)) counts[reason] = (counts[reason] ?? 0) + count
  }
  return counts
}

/** The page looks back so far. */
export const WINDOW_MS = 15 * 60_000
/** Between two samples. */
export const STEP_MS = 10_000

export type History = Readonly<{
  /** Keeps how things are; to be called every STEP_MS. */
  sample: () => void
  /** The samples of the last WINDOW_MS, oldest first, and how things are right now; two at least. */
  window: () => readonly Sample[]
}>

/** One more than fits, so that the oldest is as old as the window. */
const KEPT = WINDOW_MS / STEP_MS + 1

/**
 * Bounded: 91 samples of about a kilobyte. The first is taken at once, so that what is counted since is all there was.
 */
export function createHistory ({ read, clock }: Readonly<{ read: () => MetricsRead, clock: Clock }>): History {
  const take = (): Sample => sampleOf(read(), momentOf(clock))
  const kept: Sample[] = [take()]
  return Object.freeze({
    sample () {
      kept.push(take())
      if (kept.length > KEPT) kept.shift()
    },
    window () {
      const now = take()
      // a machine that slept took none meanwhile: half a step, since timers are late
      const recent = kept.filter(({ monotonic }) => now.monotonic - monotonic <= WINDOW_MS + STEP_MS / 2)
      return [...(recent.length === 0 ? kept.slice(-1) : recent), now]
    }
  })
}
