import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { MISNAMED, type MetricJson, WORKERS, WORKERS_HELP } from './metrics.ts'

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
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({ registers: [registry], name, help, aggregator: 'first', collect () { this.set(read()) } })
  gauge(WORKERS, WORKERS_HELP, running)
  gauge('forward_auth_workers_wanted', 'How many of them there should be (WORKERS).', () => wanted)
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

const jsonOf = async (registry: Registry): Promise<readonly MetricJson[]> =>
  await registry.getMetricsAsJSON() as unknown as readonly MetricJson[]

function aggregate (all: ReadonlyArray<readonly MetricJson[]>): Registry {
  return AggregatorRegistry.aggregate(all as unknown as object[])
}
