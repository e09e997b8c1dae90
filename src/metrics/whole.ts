import { AggregatorRegistry, Counter, type Registry } from 'prom-client'
import { gaugeOf } from './instruments.ts'
import { createRegistry, jsonOf, type MetricJson, WORKERS, WORKERS_HELP } from './metrics.ts'

/** What a replica of several processes counts of itself. */
export type WholeMetrics = Readonly<{
  contentType: string
  /** @param workers what each living worker says @param ended what those said that are no more */
  render: (workers: ReadonlyArray<readonly MetricJson[]>, ended: readonly MetricJson[]) => Promise<string>
  /** Adds up what only ever grows, so that a scrape never sees it shrink when a worker dies. */
  keep: (ended: readonly MetricJson[], last: readonly MetricJson[]) => Promise<readonly MetricJson[]>
  replaced: () => void
}>

/** @param running how many workers serve */
export function createWholeMetrics (wanted: number, running: () => number): WholeMetrics {
  const registry = createRegistry()
  gaugeOf(registry, WORKERS, WORKERS_HELP, running, 'first')
  const wantedHelp = 'How many of them there should be (WORKERS).'
  gaugeOf(registry, 'forward_auth_workers_wanted', wantedHelp, () => wanted, 'first')
  const replaced = new Counter({
    registers: [registry],
    name: 'forward_auth_workers_replaced_total',
    help: 'Worker processes that ended without being asked to, and were replaced.'
  })
  return Object.freeze({
    contentType: registry.contentType,
    async render (workers: ReadonlyArray<readonly MetricJson[]>, ended: readonly MetricJson[]) {
      // the first one says how a figure is made of many: the start of a replica is that of its primary
      const own = (await jsonOf(registry))
        .map((one) => one.aggregator === 'omit' ? { ...one, aggregator: 'first' } : one)
      return await aggregate([own, ...workers, ended]).metrics()
    },
    keep: async (ended: readonly MetricJson[], last: readonly MetricJson[]) =>
      await jsonOf(aggregate([ended, last.filter(({ type }) => GROWING.has(String(type)))])),
    replaced: () => replaced.inc()
  })
}

const GROWING: ReadonlySet<string> = new Set(['counter', 'histogram'])

function aggregate (all: ReadonlyArray<readonly MetricJson[]>): Registry {
  return AggregatorRegistry.aggregate(all as unknown as object[])
}
