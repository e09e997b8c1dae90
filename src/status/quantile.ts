import { LATENCY_BUCKETS } from '../tally.ts'

/** Seconds, by interpolation within a bucket, as Prometheus' `histogram_quantile` does; undefined where nothing was counted. */
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
