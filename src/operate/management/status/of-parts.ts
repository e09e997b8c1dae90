import { parts } from '../../../parts/index.ts'
import type { PartFigures, PartProblem } from '../../../parts/status.ts'
import type { GaugeReading } from '../../metrics/gauges.ts'

/** A problem with the name of its part. */
export type NamedProblem = PartProblem & Readonly<{ part: string }>

export const partProblems: readonly NamedProblem[] =
  parts.flatMap(({ name, status }) => (status.problems ?? []).map((problem) => ({ ...problem, part: name })))

/** The reasons for a 503 that parts explain. */
export const partReasons: readonly string[] = partProblems.flatMap(({ reason }) => reason ?? [])

type Now = Pick<GaugeReading, 'parts'>

/** The rows of the list of facts. */
export function partFacts ({ parts: numbers }: Now): ReadonlyArray<readonly [string, string, boolean]> {
  return parts.flatMap(({ name, status }) => {
    const now = numbers[name]
    return now === undefined ? [] : status.facts?.(now) ?? []
  })
}

/** The groups of figures, with the names of their parts. */
export function partFigures ({ parts: numbers }: Now): ReadonlyArray<PartFigures & Readonly<{ part: string }>> {
  return parts.flatMap(({ name, status }) => {
    const now = numbers[name]
    return now === undefined || status.figures === undefined ? [] : [{ ...status.figures(now), part: name }]
  })
}

/** The members of `now` in /status.json: of parts by their own names. */
export function jsonOf ({ parts: numbers, ...base }: GaugeReading): Readonly<Record<string, unknown>> {
  const ofParts = parts.map(({ name, status }) => {
    const now = numbers[name]
    return now === undefined ? {} : status.json?.(now)
  })
  return Object.assign({}, base, ...ofParts) as Readonly<Record<string, unknown>>
}
