import { Counter, type Registry } from 'prom-client'

export type ClosedCounter<Value extends string> = Readonly<{
  add: (value: Value) => void
  /** Since the start. */
  counts: () => Readonly<Record<Value, number>>
}>

/** A counter by one label whose values are all known. Each is shown from the start, at 0: Prometheus' `increase` does not see a series' first value. */
export function closedCounter<Value extends string> (registry: Registry, name: string, help: string, label: string, values: readonly Value[]): ClosedCounter<Value> {
  const counts = Object.fromEntries(values.map((value) => [value, 0])) as Record<Value, number>
  new Counter({
    registers: [registry],
    name,
    help,
    labelNames: [label],
    collect () {
      this.reset()
      for (const value of values) this.inc({ [label]: value }, counts[value])
    }
  })
  return Object.freeze({ add: (value: Value) => { counts[value]++ }, counts: () => ({ ...counts }) })
}
