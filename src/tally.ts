import type { Reason } from './core/reason.ts'

/** Plain integers, collected on scrape: on the hot path a labelled counter and histogram cost eight times as much (style.md). */
export type AnswerSource = 'memory' | 'redis' | 'authgear' | 'none'
export type Endpoint = 'verify' | 'ext-authz' | 'identify' | 'other'

/** Upper bounds in seconds, 50 µs to 5 s. */
export const LATENCY_BUCKETS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const

export type RequestLabels = Readonly<{ endpoint: Endpoint, status: number, reason: Reason | 'not_found', source: AnswerSource }>

/** Counts by a closed set of label sets, each made when it is first seen, or begun at 0. */
export class RequestTally {
  readonly #cells = new Map<Endpoint, Map<string, Map<AnswerSource, { readonly labels: RequestLabels, count: number }>>>()

  add (endpoint: Endpoint, status: number, reason: RequestLabels['reason'], source: AnswerSource): void {
    const cell = this.#cells.get(endpoint)?.get(reason)?.get(source)
    if (cell === undefined) this.#make({ endpoint, status, reason, source }, 1)
    else cell.count++
  }

  /** Is shown from now on, at 0. */
  begin (labels: RequestLabels): void {
    this.#make(labels, 0)
  }

  * entries (): Iterable<Readonly<{ labels: RequestLabels, count: number }>> {
    for (const reasons of this.#cells.values()) for (const sources of reasons.values()) yield * sources.values()
  }

  #make (labels: RequestLabels, count: number): void {
    const reasons = this.#cells.get(labels.endpoint) ?? new Map()
    const sources = reasons.get(labels.reason) ?? new Map()
    this.#cells.set(labels.endpoint, reasons.set(labels.reason, sources.set(labels.source, { labels, count })))
  }
}

/** One histogram's numbers; `counts` has one more place for what is over the last bound. */
export class LatencyTally {
  readonly counts: number[] = new Array<number>(LATENCY_BUCKETS.length + 1).fill(0)
  sum = 0

  add (seconds: number): void {
    let index = 0
    while (index < LATENCY_BUCKETS.length && seconds > (LATENCY_BUCKETS[index] ?? 0)) index++
    this.counts[index] = (this.counts[index] ?? 0) + 1
    this.sum += seconds
  }

  /** How many were at most as long as each bound; the last is all. */
  cumulative (): number[] {
    let total = 0
    return this.counts.map((count) => { total += count; return total })
  }
}
