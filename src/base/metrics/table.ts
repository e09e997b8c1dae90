import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

type Named = Readonly<{ name: string, help: string }>
type GaugeRow = Named & Readonly<{ type: 'gauge' }>
type LabelledGaugeRow = Named & Readonly<{ type: 'gauges', label: string, values: readonly string[] }>
type CounterRow = Named & Readonly<{ type: 'counter' }>
type OpenCounterRow = Named & Readonly<{ type: 'open counter', label: string }>
type ClosedCounterRow<Value extends string> =
  Named & Readonly<{ type: 'closed counter', label: string, values: readonly Value[] }>
type HistogramRow = Named & Readonly<{ type: 'histogram', buckets: readonly number[] }>
type Row = GaugeRow | LabelledGaugeRow | CounterRow | OpenCounterRow | ClosedCounterRow<string> | HistogramRow

/** The metrics of one feature, as data. A row has one label at most. */
export type MetricTable = Readonly<Record<string, Row>>

export function gauge (name: string, help: string): GaugeRow
export function gauge (name: string, help: string, label: string, values: readonly string[]): LabelledGaugeRow
export function gauge (name: string, help: string, label?: string, values: readonly string[] = []) {
  return label === undefined ? { type: 'gauge', name, help } : { type: 'gauges', name, help, label, values }
}

/**
 * With `values`, all that the label can have, each of them is shown from the start, at 0: Prometheus' `increase` does
 * not see a series' first value.
 */
export function counter (name: string, help: string): CounterRow
export function counter (name: string, help: string, label: string): OpenCounterRow
export function counter<const Value extends string> (
  name: string, help: string, label: string, values: readonly Value[]
): ClosedCounterRow<Value>
export function counter (name: string, help: string, label?: string, values?: readonly string[]) {
  if (label === undefined) return { type: 'counter', name, help }
  return values === undefined
    ? { type: 'open counter', name, help, label }
    : { type: 'closed counter', name, help, label, values }
}

export const histogram = (name: string, help: string, buckets: readonly number[]): HistogramRow =>
  ({ type: 'histogram', name, help, buckets })

/** A counter without a label. */
type Count = Readonly<{ add: (count?: number) => void, counted: () => number }>

/** A counter by one label whose values are all known. */
type ClosedCounter<Value extends string> = Readonly<{
  /** @param count one where it is left out */
  add: (value: Value, count?: number) => void
  /** The counts since the start. */
  counts: () => Readonly<Record<Value, number>>
}>

type IsGauge = Readonly<{ type: 'gauge' | 'gauges' }>
type CountOf<R> =
  R extends ClosedCounterRow<infer Value> ? ClosedCounter<Value>
    : R extends OpenCounterRow ? (value: string, count?: number) => void
      : R extends HistogramRow ? (value: number) => void : Count

/** The counters of a table, by the key of each row. */
export type CountsOf<Table> = {
  readonly [Key in keyof Table as Table[Key] extends IsGauge ? never : Key]: CountOf<Table[Key]>
}

/** The readers of a table's gauges: one without a reader does not compile. */
export type ReadersOf<Table> = {
  readonly [Key in keyof Table as Table[Key] extends IsGauge ? Key : never]:
  Table[Key] extends LabelledGaugeRow ? () => ReadonlyMap<string, number> : () => number
}

type Reading = number | ReadonlyMap<string, number> | undefined

export type Registered<Table> = Readonly<{
  count: CountsOf<Table>
  /** Says what the gauges are read from; until then they show 0. */
  read: (readers: ReadersOf<Table>) => void
}>

export function register<const Table extends MetricTable> (registry: Registry, table: Table): Registered<Table> {
  const readers: Record<string, () => Reading> = {}
  const counts = Object.entries(table).map(([key, row]) => [key, registerRow(registry, row, () => readers[key]?.())])
  // each row's type says what it became
  const count = Object.fromEntries(counts) as CountsOf<Table>
  return Object.freeze({ count, read: (by: ReadersOf<Table>) => { Object.assign(readers, by) } })
}

/** @returns what counts it; undefined for a gauge */
function registerRow (registry: Registry, row: Row, read: () => Reading): unknown {
  const { name, help } = row
  const labelNames = 'label' in row ? [row.label] : []
  const common = { registers: [registry], name, help, labelNames }
  switch (row.type) {
    case 'gauge':
    case 'gauges':
      new Gauge({ ...common, collect () { show(this, row, read()) } })
      return undefined
    case 'histogram': {
      const shown = new Histogram({ ...common, buckets: [...row.buckets] })
      return (value: number) => shown.observe(value)
    }
    case 'open counter': {
      const shown = new Counter(common)
      return (value: string, count = 1) => shown.inc({ [row.label]: value }, count)
    }
    case 'counter': {
      const counts = { all: 0 }
      new Counter({ ...common, collect () { this.reset(); this.inc(counts.all) } })
      return { add: (count = 1) => { counts.all += count }, counted: () => counts.all } satisfies Count
    }
    case 'closed counter': return closedCounter(common, row)
  }
}

function show (gauge: Gauge, row: GaugeRow | LabelledGaugeRow, now: Reading): void {
  if (row.type === 'gauge') return typeof now === 'number' ? gauge.set(now) : undefined
  for (const value of row.values) gauge.set({ [row.label]: value }, now instanceof Map ? now.get(value) ?? 0 : 0)
}

/** Plain numbers, read at each scrape: on the hot path a counter of the library costs eight times as much. */
function closedCounter (
  common: Readonly<{ registers: Registry[], name: string, help: string, labelNames: string[] }>,
  { label, values }: ClosedCounterRow<string>
): ClosedCounter<string> {
  const counts: Record<string, number> = Object.fromEntries(values.map((value) => [value, 0]))
  new Counter({
    ...common,
    collect () {
      this.reset()
      for (const value of values) this.inc({ [label]: value }, counts[value])
    }
  })
  return Object.freeze({
    add (value: string, count = 1) { counts[value] = (counts[value] ?? 0) + count }, counts: () => ({ ...counts })
  })
}
