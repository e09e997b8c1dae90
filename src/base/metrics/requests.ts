import { Counter, Histogram, type Registry } from 'prom-client'
import { REFUSALS } from '../core/reason.ts'
import { createRequestCounts, type LatencyTally, type RequestCounts, type RequestLabels } from './request-counts.ts'

/** @returns what is counted; the registry shows it, and the tiers' look-ups */
export function registerRequests (registry: Registry): RequestCounts {
  const counts = createRequestCounts()
  const { tally, durations } = counts
  for (const labels of WATCHED) tally.begin(labels)
  new Counter({
    registers: [registry],
    name: 'forward_auth_requests_total',
    help: 'Answers to proxies.',
    labelNames: ['endpoint', 'status', 'reason', 'source'],
    collect () {
      this.reset()
      for (const { labels, count } of tally.entries()) this.inc({ ...labels }, count)
    }
  })
  new TalliedHistogram(registry, {
    name: 'forward_auth_request_duration_seconds',
    help: 'Time from the request line to the answer, by source.',
    tallies: Object.entries(durations).map(([source, durations]) => [{ source }, durations])
  })
  registerCacheReads(registry, counts.reads)
  return counts
}

function registerCacheReads (registry: Registry, reads: RequestCounts['reads']): void {
  new Counter({
    registers: [registry],
    name: 'forward_auth_cache_reads_total',
    help: 'Cache reads by tier; rejected = an entry that cannot be trusted.',
    labelNames: ['tier', 'outcome'],
    collect () {
      this.reset()
      for (const [tier, outcomes] of Object.entries(reads)) {
        for (const [outcome, count] of Object.entries(outcomes)) this.inc({ tier, outcome }, count)
      }
    }
  })
}

/** Series that alerts watch are there from the start: `increase` does not see the first value of a series. */
const WATCHED: readonly RequestLabels[] = [
  { endpoint: 'other', status: 404, reason: 'not_found', source: 'none' },
  ...(['verify', 'ext-authz'] as const).flatMap((endpoint) => [
    ...(['memory', 'redis', 'authgear'] as const).map(
      (source) => ({ endpoint, status: 200, reason: 'allowed', source }) as const
    ),
    ...(['none', 'memory', 'redis', 'authgear'] as const).map(
      (source) => ({ endpoint, status: 403, reason: 'bad_policy', source }) as const
    ),
    ...(['authgear_unavailable', 'authgear_misconfigured', 'overloaded'] as const).map(
      (reason) => ({ endpoint, status: REFUSALS[reason].status, reason, source: 'authgear' }) as const
    )
  ])
]

type Tallied = Readonly<{
  name: string
  help: string
  tallies: ReadonlyArray<readonly [labels: Readonly<Record<string, string>>, tally: LatencyTally]>
}>

/** Shows tallies as a histogram: prom-client has no way to set one. */
export class TalliedHistogram extends Histogram {
  readonly #tallied: Tallied

  constructor (registry: Registry, tallied: Tallied) {
    super({ registers: [registry], name: tallied.name, help: tallied.help })
    this.#tallied = tallied
  }

  /** The registry calls this for its text format. */
  async getForPromString () {
    const { name, help, tallies } = this.#tallied
    const values = tallies.flatMap(([labels, tally]) => seriesOf(name, labels, tally))
    return { name, help, type: 'histogram', aggregator: 'sum', values }
  }
}

function seriesOf (name: string, labels: Readonly<Record<string, string>>, tally: LatencyTally) {
  const buckets = tally
    .cumulative()
    .map((value, index) => ({
      metricName: `${name}_bucket`,
      labels: { le: tally.bounds[index] ?? '+Inf', ...labels },
      value
    }))
  const count = buckets.at(-1)?.value ?? 0
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: tally.sum },
    { metricName: `${name}_count`, labels, value: count }
  ]
}
