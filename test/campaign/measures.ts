import type { SituationId } from './situations.mjs'

/** Two or more faults at a time; its bounds are the larger of theirs. */
export type Row = SituationId | 'several'

/** The worst of what was seen in one situation, less what the machine itself stood still. */
export type Measure = {
  /** How often the situation was there. */
  times: number
  /** Milliseconds from the acknowledgement of a revocation to the last request that was still accepted. */
  acceptedMs: number
  revocations: number
  waitMs: number
  answers: number
  unavailable: number
  calls: number
  bursts: number
}
export type Measures = Partial<Record<Row, Measure>>

const NONE: Measure = Object.freeze({
  times: 0, acceptedMs: 0, revocations: 0, waitMs: 0, answers: 0, unavailable: 0, calls: 0, bursts: 0
})
const WORST: ReadonlySet<string> = new Set(['acceptedMs', 'waitMs', 'calls'])

export function measureOf (measures: Measures, row: Row): Measure {
  const measure = measures[row] ?? { ...NONE }
  measures[row] = measure
  return measure
}

export function rowOf (situations: readonly SituationId[]): Row {
  const different = [...new Set(situations)]
  return different.length > 1 ? 'several' : different[0] ?? 'healthy'
}

/** Of two runs: the worse of the worst, and the sum of what was counted. */
export function merged (one: Measures, other: Measures): Measures {
  const rows = [...new Set([...Object.keys(one), ...Object.keys(other)])] as Row[]
  return Object.fromEntries(rows.map((row) => {
    const [a, b] = [one[row] ?? NONE, other[row] ?? NONE]
    const names = Object.keys(NONE) as (keyof Measure)[]
    const both = names.map((name) => [name, WORST.has(name) ? Math.max(a[name], b[name]) : a[name] + b[name]])
    return [row, Object.fromEntries(both)]
  }))
}
