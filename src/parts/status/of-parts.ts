import type { NamedFigures, PartFigures } from '../../base/parts/figures.ts'
import type { GaugeReading } from '../../base/metrics/gauges.ts'

/** Parts by their names, with what they say of themselves. */
export type Parts = readonly NamedFigures[]

type Now = Pick<GaugeReading, 'parts'>

/** The parts that are on, with their numbers. */
const partsIn = (parts: Parts, { parts: numbers }: Now) => parts.flatMap(({ name, status }) => {
  const now = numbers[name]
  return now === undefined ? [] : [{ name, status, now }]
})

/** The rows of the list of facts. */
export const partFacts = (parts: Parts, reading: Now): ReadonlyArray<readonly [string, string, boolean]> =>
  partsIn(parts, reading).flatMap(({ status, now }) => status.facts?.(now) ?? [])

/** The groups of figures, with the names of their parts. */
export const partFigures = (parts: Parts, reading: Now): ReadonlyArray<PartFigures & Readonly<{ part: string }>> =>
  partsIn(parts, reading).flatMap(({ name, status, now }) =>
    status.figures === undefined ? [] : [{ ...status.figures(now), part: name }])

/** The members of `now` in /status.json: of parts by their own names. */
export function jsonOf (parts: Parts, reading: GaugeReading): Readonly<Record<string, unknown>> {
  const { parts: _numbers, ...base } = reading
  const ofParts = partsIn(parts, reading).map(({ status, now }) => status.json?.(now))
  return Object.assign({}, base, ...ofParts) as Readonly<Record<string, unknown>>
}
