import { COUNTED_ORIGINS } from '../../metrics/metrics.ts'
import { LATENCY_BUCKETS } from '../../metrics/request-counts.ts'
import { type DecisionName, DECISIONS, type Sample, SOURCES, STEP_MS } from './history.ts'

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

type Line = Readonly<{
  /** Unique in its chart; letters, digits and `-`. */
  id: string
  name: string
  /** What is drawn; undefined where there is nothing to say. */
  of: Between<number | undefined>
  /** What the key says of the whole window; `of` where it is left out. */
  total?: Between<number | undefined>
}>

/** How values are written and drawn. */
export type Scale = 'rate' | 'count' | 'share' | 'seconds' | 'state'

export type Chart = Readonly<{
  id: string
  title: string
  scale: Scale
  /** What the key's numbers are, where they are not those of the curve. */
  totals: 'count' | undefined
  lines: readonly Line[]
}>

const seconds: Between<number> = (from, to) => (to.monotonic - from.monotonic) / 1000

/** Counted things: drawn as so many a second, and as their number in the key. */
function counted (id: string, name: string, of: (sample: Sample) => number, per = 1): Line {
  const total: Between<number> = (from, to) => of(to) - of(from)
  return { id, name, total, of: (from, to) => total(from, to) / seconds(from, to) * per }
}

function ratio (id: string, name: string, of: (sample: Sample) => Readonly<{ hits: number, reads: number }>): Line {
  return {
    id,
    name,
    of (from, to) {
      const [before, after] = [of(from), of(to)]
      return after.reads === before.reads ? undefined : (after.hits - before.hits) / (after.reads - before.reads)
    }
  }
}

/** How it was at the end of the interval. */
const state = (id: string, name: string, of: (sample: Sample) => boolean | undefined): Line => ({
  id,
  name,
  of: (_from, to) => asNumber(of(to))
})
const asNumber = (value: boolean | undefined): number | undefined => value === undefined ? undefined : Number(value)

const DECISION_NAMES: Readonly<Record<DecisionName, string>> = {
  allowed: 'allowed (200)',
  unauthenticated: 'not signed in (401)',
  forbidden: 'forbidden (403)',
  unavailable: 'cannot tell (503)',
  elsewhere: 'another path (404)'
}

const LATENCIES: readonly Line[] = SOURCES.flatMap((source) => [0.5, 0.99].map((share) => ({
  id: `${source}-p${share * 100}`,
  name: `${source}, p${share * 100}`,
  of: (from, to) => quantile(share, from.durations[source], to.durations[source])
} satisfies Line)))

const ALWAYS: readonly Chart[] = [
  {
    id: 'requests',
    title: 'Requests by decision',
    scale: 'rate',
    totals: 'count',
    lines: DECISIONS.map((name) => counted(name, DECISION_NAMES[name], ({ requests }) => requests[name]))
  },
  {
    id: 'hits',
    title: 'Hit ratio',
    scale: 'share',
    totals: undefined,
    lines: [ratio('memory', 'memory', ({ memory }) => memory), ratio('redis', 'Redis', ({ redis }) => redis)]
  },
  { id: 'latency', title: 'Latency by source', scale: 'seconds', totals: undefined, lines: LATENCIES },
  {
    id: 'authgear',
    title: 'Requests to Authgear',
    scale: 'rate',
    totals: 'count',
    lines: [
      counted('answered', 'answered', ({ authgear }) => authgear.answered),
      counted('failed', 'failed', ({ authgear }) => authgear.failed),
      counted('rejected', 'not sent', ({ authgear }) => authgear.rejected)
    ]
  },
  {
    id: 'circuit',
    title: 'Authgear asked, or circuit breaker open',
    scale: 'state',
    totals: undefined,
    lines: [state('asked', 'Authgear asked', ({ now }) => !now.circuitOpen)]
  }
]

const WITH_REDIS: readonly Chart[] = [
  {
    id: 'redis',
    title: 'Redis',
    scale: 'state',
    totals: undefined,
    lines: [
      state('up', 'Redis answers', ({ now }) => now.redisUp),
      state('log', 'revocation log followed', ({ now }) => now.logFollowed)
    ]
  },
  {
    id: 'redis-errors',
    title: 'Failed Redis commands',
    scale: 'rate',
    totals: 'count',
    lines: [counted('errors', 'failed or late', ({ redisErrors }) => redisErrors)]
  },
  {
    id: 'replicas',
    title: 'Replicas on the log',
    scale: 'count',
    totals: undefined,
    lines: [
      {
        id: 'seen',
        name: 'replicas',
        of: (_from, to) => to.now.replicasSeen,
        total: (_from, to) => to.now.replicasSeen
      }
    ]
  }
]

const REVOCATIONS: Chart = {
  id: 'revocations',
  title: 'Revocations',
  scale: 'rate',
  totals: 'count',
  lines: [
    ...COUNTED_ORIGINS.map((origin) => counted(origin, origin, ({ revocations }) => revocations[origin])),
    counted('refused', 'webhooks refused', ({ webhooksRefused }) => webhooksRefused)
  ]
}

/** What there is to see of a service with or without Redis. */
export function chartsOf ({ now }: Sample): readonly Chart[] {
  return [...ALWAYS, REVOCATIONS, ...(now.redisUp === undefined ? [] : WITH_REDIS)]
}

/** One row of the tables covers this. */
const ROW_MS = 60_000

export type Point = Readonly<{ from: Sample, to: Sample, value: number | undefined }>

/** A line over the window: its curve, its rows minute by minute (newest first), and what the key says. */
export type Figure = Readonly<{
  line: Line
  curve: readonly Point[]
  rows: readonly Point[]
  total: number | undefined
  latest: number | undefined
}>

export function figuresOf ({ lines }: Chart, samples: readonly Sample[]): readonly Figure[] {
  const [short, long] = [intervals(samples, STEP_MS), intervals(samples, ROW_MS)]
  const [first, last] = [samples[0], samples.at(-1)]
  return lines.map((line) => {
    const along = (pairs: typeof short): Point[] => pairs.map(([from, to]) => ({ from, to, value: line.of(from, to) }))
    const curve = along(short)
    const total = first === undefined || last === undefined ? undefined : (line.total ?? line.of)(first, last)
    return { line, curve, rows: along(long).toReversed(), total, latest: curve.at(-1)?.value }
  })
}

/**
 * Cuts the window into intervals of `length` milliseconds, backwards from now; a rest at its beginning counts from half
 * of that on, or if it is all there is.
 */
function intervals (samples: readonly Sample[], length: number): ReadonlyArray<readonly [from: Sample, to: Sample]> {
  const pairs: Array<readonly [Sample, Sample]> = []
  let to = samples.at(-1)
  for (const from of samples.toReversed()) {
    if (to === undefined || to.monotonic - from.monotonic < length * 0.95) continue
    pairs.push([from, to])
    to = from
  }
  const first = samples[0]
  if (
    first !== undefined &&
    to !== undefined &&
    (pairs.length === 0 || to.monotonic - first.monotonic >= length / 2) &&
    to.monotonic > first.monotonic
  ) {
    pairs.push([first, to])
  }
  return pairs.toReversed()
}
