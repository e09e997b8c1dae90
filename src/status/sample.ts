import type { Moment } from '../clock.ts'
import type { Reading } from '../metrics.ts'
import type { GaugeReading } from '../metrics/gauges.ts'

export const DECISIONS = ['allowed', 'unauthenticated', 'forbidden', 'unavailable', 'elsewhere'] as const
export type DecisionName = (typeof DECISIONS)[number]
export const SOURCES = ['memory', 'redis', 'authgear'] as const
export type SourceName = (typeof SOURCES)[number]
export type OriginName = keyof Reading['revocations']

type Reads = Readonly<{ hits: number, reads: number }>

/** What of a reading the status page shows: some hundred numbers since the start, so that a quarter of an hour is small. */
export type Sample = Moment & Readonly<{
  requests: Readonly<Record<DecisionName, number>>
  memory: Reads
  redis: Reads
  /** By source: how many took at most as long as each bound of LATENCY_BUCKETS; the last is all. */
  durations: Readonly<Record<SourceName, readonly number[]>>
  authgear: Readonly<{ answered: number, failed: number, rejected: number }>
  redisErrors: number
  revocations: Reading['revocations']
  now: GaugeReading
}>

export function sampleOf ({ requests, durations, reads: { memory, redis }, authgear, redisErrors, revocations, now }: Reading, moment: Moment): Sample {
  return {
    ...moment,
    requests: byDecision(requests),
    memory: { hits: memory.hit, reads: memory.hit + memory.miss },
    redis: { hits: redis.hit, reads: redis.hit + redis.miss + redis.rejected },
    durations: { memory: durations.memory, redis: durations.redis, authgear: durations.authgear },
    authgear: { answered: authgear.valid + authgear.invalid, failed: authgear.error + authgear.timeout, rejected: authgear.rejected },
    redisErrors: Object.values(redisErrors).reduce((sum, count) => sum + count, 0),
    revocations,
    now
  }
}

const BY_STATUS: Readonly<Record<number, DecisionName>> = { 200: 'allowed', 401: 'unauthenticated', 403: 'forbidden', 503: 'unavailable', 404: 'elsewhere' }

/** `/identify` decides nothing. */
function byDecision (requests: Reading['requests']): Record<DecisionName, number> {
  const counts: Record<DecisionName, number> = { allowed: 0, unauthenticated: 0, forbidden: 0, unavailable: 0, elsewhere: 0 }
  for (const { labels: { endpoint, status }, count } of requests) {
    const decision = BY_STATUS[status]
    if (decision !== undefined && endpoint !== 'identify') counts[decision] += count
  }
  return counts
}
