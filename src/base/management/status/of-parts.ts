import { parts } from '../../../parts/index.ts'
import type { PartFigures, PartProblem } from '../../parts/figures.ts'
import type { GaugeReading } from '../../metrics/gauges.ts'

/** A problem with the name of its part. */
export type NamedProblem = PartProblem & Readonly<{ part: string }>

export const partProblems: readonly NamedProblem[] =
  parts.flatMap(({ name, status }) => (status.problems ?? []).map((problem) => ({ ...problem, part: name })))

/** The reasons for a 503 that parts explain. */
export const partReasons: readonly string[] = partProblems.flatMap(({ reason }) => reason ?? [])

type Now = Pick<GaugeReading, 'parts'>

/** The parts that are on, with their numbers. */
const partsIn = ({ parts: numbers }: Now) => parts.flatMap(({ name, status }) => {
  const now = numbers[name]
  return now === undefined ? [] : [{ name, status, now }]
})

/** The rows of the list of facts. */
export const partFacts = (reading: Now): ReadonlyArray<readonly [string, string, boolean]> =>
  partsIn(reading).flatMap(({ status, now }) => status.facts?.(now) ?? [])

/** The groups of figures, with the names of their parts. */
export const partFigures = (reading: Now): ReadonlyArray<PartFigures & Readonly<{ part: string }>> =>
  partsIn(reading).flatMap(({ name, status, now }) =>
    status.figures === undefined ? [] : [{ ...status.figures(now), part: name }])

/** The members of `now` in /status.json: of parts by their own names. */
export function jsonOf (reading: GaugeReading): Readonly<Record<string, unknown>> {
  const { parts: _parts, ...base } = reading
  const ofParts = partsIn(reading).map(({ status, now }) => status.json?.(now))
  return Object.assign({}, base, ...ofParts) as Readonly<Record<string, unknown>>
}
