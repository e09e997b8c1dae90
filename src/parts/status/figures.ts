import { COUNTED_ORIGINS } from '../../base/metrics/metrics.ts'
import { LATENCY_BUCKETS } from '../../base/metrics/request-counts.ts'
import type { PartFigure } from '../../base/parts/figures.ts'
import { type DecisionName, DECISIONS, endsOf, replicasIn, type Sample, SOURCES, STEP_MS } from './history.ts'
import { partFigures, type Parts } from './of-parts.ts'

/**
 * Seconds, by interpolation within a bucket, as Prometheus' `histogram_quantile` does; undefined where nothing was
 * counted.
 */
export function quantile (share: number, from: readonly number[], to: readonly number[]): number | undefined {
  const counts = to.map((count, index) => count - (from[index] ?? 0))
  const rank = share * (counts.at(-1) ?? 0)
  if (rank === 0) return undefined
  const index = counts.findIndex((count) => count >= rank)
  const upper = LATENCY_BUCKETS[index]
  if (upper === undefined) return LATENCY_BUCKETS.at(-1)
  const [lower, below] = [LATENCY_BUCKETS[index - 1] ?? 0, counts[index - 1] ?? 0]
  return lower + (upper - lower) * (rank - below) / ((counts[index] ?? 0) - below)
}

type Between<T> = (from: Sample, to: Sample) => T
export type Interval = readonly [from: Sample, to: Sample]

export type Figure = Readonly<{
  /** Unique in its group; letters, digits, `-`, and what an app may have in its name. */
  id: string
  name: string
  /** Over an interval; undefined where there is nothing to say. */
  of: Between<number | undefined>
  /** Over the whole window, where it is not `of`. */
  total?: Between<number>
}>

/** The way in which values are written. */
export type Scale = 'rate' | 'count' | 'share' | 'seconds' | 'state'

export type Group = Readonly<{ id: string, title: string, scale: Scale, figures: readonly Figure[] }>

const seconds: Between<number> = (from, to) => (to.monotonic - from.monotonic) / 1000

/** So many a second in an interval, and their number in the window. */
export function counted (id: string, name: string, of: (sample: Sample) => number): Figure {
  const total: Between<number> = (from, to) => of(to) - of(from)
  return { id, name, total, of: (from, to) => total(from, to) / seconds(from, to) }
}

export function ratio (
  id: string,
  name: string,
  of: (sample: Sample) => Readonly<{ hits: number, reads: number }>
): Figure {
  return {
    id,
    name,
    of (from, to) {
      const [before, after] = [of(from), of(to)]
      return after.reads === before.reads ? undefined : (after.hits - before.hits) / (after.reads - before.reads)
    }
  }
}

/** A state, as it was at the end of the interval. */
const state = (id: string, name: string, of: (sample: Sample) => boolean | undefined): Figure => ({
  id,
  name,
  of: (_from, to) => asNumber(of(to))
})
const asNumber = (value: boolean | undefined): number | undefined => value === undefined ? undefined : Number(value)

const DECISION_NAMES: Readonly<Record<DecisionName, string>> = {
  allowed: 'allowed (200)',
  unauthenticated: 'not signed in (401)',
  forbidden: 'forbidden (403)',
  unavailable: 'unavailable (503)',
  elsewhere: 'unknown path (404)'
}

const LATENCIES: readonly Figure[] = SOURCES.flatMap((source) => [0.5, 0.99].map((share) => ({
  id: `${source}-p${share * 100}`,
  name: `${source}, p${share * 100}`,
  of: (from, to) => quantile(share, from.durations[source], to.durations[source])
} satisfies Figure)))

const GROUPS: readonly Group[] = [
  {
    id: 'circuit',
    title: 'Circuit breaker',
    scale: 'state',
    figures: [state('asked', 'closed', ({ now }) => !now.circuitOpen)]
  },
  {
    id: 'redis',
    title: 'Redis',
    scale: 'state',
    figures: [
      state('up', 'Redis reachable', ({ now }) => now.redisUp),
      state('log', 'revocation log followed', ({ now }) => now.logFollowed)
    ]
  },
  {
    id: 'requests',
    title: 'Requests by decision',
    scale: 'rate',
    figures: DECISIONS.map((name) => counted(name, DECISION_NAMES[name], ({ requests }) => requests[name]))
  },
  {
    id: 'hits',
    title: 'Hit ratio',
    scale: 'share',
    figures: [ratio('memory', 'memory', ({ memory }) => memory), ratio('redis', 'Redis', ({ redis }) => redis)]
  },
  { id: 'latency', title: 'Latency by source', scale: 'seconds', figures: LATENCIES },
  {
    id: 'authgear',
    title: 'Requests to Authgear',
    scale: 'rate',
    figures: [
      counted('answered', 'answered', ({ authgear }) => authgear.answered),
      counted('failed', 'failed', ({ authgear }) => authgear.failed),
      counted('rejected', 'not sent', ({ authgear }) => authgear.rejected)
    ]
  },
  {
    id: 'revocations',
    title: 'Revocations',
    scale: 'rate',
    figures: [
      ...COUNTED_ORIGINS.map((origin) => counted(origin, origin, ({ revocations }) => revocations[origin])),
      counted('refused', 'webhooks refused', ({ webhooksRefused }) => webhooksRefused)
    ]
  },
  {
    id: 'redis-errors',
    title: 'Failed Redis commands',
    scale: 'rate',
    figures: [counted('errors', 'failed or timed out', ({ redisErrors }) => redisErrors)]
  },
  {
    id: 'replicas',
    title: 'Replicas on the log',
    scale: 'count',
    figures: [{ id: 'seen', name: 'replicas', of: (_from, to) => replicasIn(to) }]
  }
]
const WITH_REDIS: ReadonlySet<string> = new Set(['redis', 'redis-errors', 'replicas'])

/** All that there is to see of a service with or without Redis, and of the parts that are on. */
export const groupsOf = ({ now }: Sample, parts: Parts): readonly Group[] => [
  ...GROUPS.filter(({ id }) => now.redisUp !== undefined || !WITH_REDIS.has(id)),
  ...partFigures(parts, now).map(({ part, id, title, figures }): Group => ({
    id, title, scale: 'count', figures: figures.map((figure) => figureOf(part, figure))
  }))
]

function figureOf (part: string, { id, name, number, isCounted = false }: PartFigure): Figure {
  const at = ({ now }: Sample): number | undefined => now.parts[part]?.[number]
  return { id, name, of: (from, to) => isCounted ? (at(to) ?? 0) - (at(from) ?? 0) : at(to) }
}

const MINUTE_MS = 60_000

/** A figure over the window: as a whole, in its last seconds, and minute by minute (newest first). */
export type Values = Readonly<{
  id: string
  name: string
  total: number | undefined
  latest: number | undefined
  minutes: ReadonlyArray<number | undefined>
}>

export function valuesOf ({ figures }: Group, samples: readonly Sample[]): readonly Values[] {
  const [first, last] = endsOf(samples)
  const [newest, minutes] = [intervals(samples, STEP_MS)[0], intervals(samples, MINUTE_MS)]
  return figures.map(({ id, name, of, total = of }) => ({
    id,
    name,
    total: total(first, last),
    latest: newest === undefined ? undefined : of(...newest),
    minutes: minutes.map(([from, to]) => of(from, to))
  }))
}

/** Undefined before the second sample. */
export const lastMinute = (samples: readonly Sample[]): Interval | undefined => intervals(samples, MINUTE_MS)[0]

/** The end of each minute, the newest first. */
export const minuteEnds = (samples: readonly Sample[]): readonly Sample[] =>
  intervals(samples, MINUTE_MS).map(([, to]) => to)

/**
 * Cuts the window into intervals of `length` milliseconds, backwards from now; a rest at its beginning counts from half
 * of that on, or if it is all there is.
 */
export function intervals (samples: readonly Sample[], length: number): readonly Interval[] {
  const pairs: Interval[] = []
  let to = samples.at(-1)
  for (const from of samples.toReversed()) {
    if (to === undefined || to.monotonic - from.monotonic < length * 0.95) continue
    pairs.push([from, to])
    to = from
  }
  const first = samples[0]
  if (first === undefined || to === undefined) return pairs
  const restMs = to.monotonic - first.monotonic
  if (restMs > 0 && (pairs.length === 0 || restMs >= length / 2)) pairs.push([first, to])
  return pairs
}
