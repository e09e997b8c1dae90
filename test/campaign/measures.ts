import type { Measure } from '../../docs/campaign.ts'
import type { SituationId } from './situations.ts'

/** Two or more faults at a time; its bounds are the larger of theirs. */
export type Row = SituationId | 'several'

export type Measures = Partial<Record<Row, Measure>>

const NONE: Measure = Object.freeze({
  times: 0, acceptedMs: 0, revocations: 0, waitMs: 0, answers: 0, unavailable: 0, calls: 0, bursts: 0
})

export function measureOf (measures: Measures, row: Row): Measure {
  const measure = measures[row] ?? { ...NONE }
  measures[row] = measure
  return measure
}

export function rowOf (situations: readonly SituationId[]): Row {
  const different = [...new Set(situations)]
  return different.length > 1 ? 'several' : different[0] ?? 'healthy'
}
