import type { AnswerSource, Endpoint, KeySetReason, LoginOutcome, Reason } from '../core/reason.ts'

/** Upper bounds in seconds, 50 µs to 5 s. */
export const LATENCY_BUCKETS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5
] as const

export type RequestLabels = Readonly<{
  endpoint: Endpoint
  status: number
  /** `favicon`: a browser's own question, with which nobody signs in. */
  reason: Reason | LoginOutcome | 'favicon' | 'metadata' | KeySetReason | 'not_found' | 'unreadable'
  source: AnswerSource
}>

type Cell = { readonly labels: RequestLabels, count: number }

/**
 * Counts by a closed set of label sets, each made when it is first seen, or begun at 0. Plain integers, collected on
 * scrape: on the hot path a labelled counter and histogram cost eight times as much.
 */
class RequestTally {
  readonly #cells = new Map<Endpoint, Map<string, Map<AnswerSource, Cell>>>()
  readonly #seconds = new Map<string, Cell>()

  add (endpoint: Endpoint, status: number, reason: RequestLabels['reason'], source: AnswerSource): void {
    const cell = this.#cells.get(endpoint)?.get(reason)?.get(source)
    if (cell?.labels.status === status) cell.count++
    else if (cell === undefined) this.#make({ endpoint, status, reason, source }, 1)
    else this.#addSecond({ endpoint, status, reason, source })
  }

  /** Another status of the same reason: people are sent to log in, programs are refused. */
  #addSecond (labels: RequestLabels): void {
    const name = Object.values(labels).join(' ')
    const cell = this.#seconds.get(name)
    if (cell === undefined) this.#seconds.set(name, { labels, count: 1 })
    else cell.count++
  }

  /** Is shown from now on, at 0. */
  begin (labels: RequestLabels): void {
    this.#make(labels, 0)
  }

  * entries (): Iterable<Readonly<{ labels: RequestLabels, count: number }>> {
    for (const reasons of this.#cells.values()) for (const sources of reasons.values()) yield * sources.values()
    yield * this.#seconds.values()
  }

  #make (labels: RequestLabels, count: number): void {
    const reasons = this.#cells.get(labels.endpoint) ?? new Map()
    const sources = reasons.get(labels.reason) ?? new Map()
    this.#cells.set(labels.endpoint, reasons.set(labels.reason, sources.set(labels.source, { labels, count })))
  }
}

/** One histogram's numbers; `counts` has one more place for what is over the last bound. */
export class LatencyTally {
  readonly bounds: readonly number[]
  readonly counts: number[]
  sum = 0

  /** @param bounds upper ones in seconds, ascending */
  constructor (bounds: readonly number[] = LATENCY_BUCKETS) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  add (seconds: number): void {
    let index = 0
    while (index < this.bounds.length && seconds > (this.bounds[index] ?? 0)) index++
    this.counts[index] = (this.counts[index] ?? 0) + 1
    this.sum += seconds
  }

  /** Cumulative counts, one for each bound; the last counts all. */
  cumulative (): number[] {
    let total = 0
    return this.counts.map((count) => { total += count; return total })
  }
}

/** The counts of one request: the answer with its time, and the look-up in each tier. Called on the hot path. */
export type RequestCounts = Readonly<{
  tally: RequestTally
  durations: Readonly<Record<AnswerSource, LatencyTally>>
  reads: Readonly<{
    memory: Record<'hit' | 'miss', number>
    redis: Record<'hit' | 'miss' | 'rejected' | 'unreachable', number>
  }>
  request: (
    endpoint: Endpoint,
    status: number,
    reason: RequestLabels['reason'],
    source: AnswerSource,
    seconds: number
  ) => void
  memoryRead: (outcome: 'hit' | 'miss') => void
}>

export function createRequestCounts (): RequestCounts {
  const tally = new RequestTally()
  const durations = {
    memory: new LatencyTally(), redis: new LatencyTally(), authgear: new LatencyTally(), none: new LatencyTally()
  }
  const reads = { memory: { hit: 0, miss: 0 }, redis: { hit: 0, miss: 0, rejected: 0, unreachable: 0 } }
  return {
    tally,
    durations,
    reads,
    request: (endpoint, status, reason, source, seconds) => {
      tally.add(endpoint, status, reason, source)
      durations[source].add(seconds)
    },
    memoryRead: (outcome) => { reads.memory[outcome]++ }
  }
}
