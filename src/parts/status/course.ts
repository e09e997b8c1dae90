import { intervals, lastMinute } from './figures.ts'
import { format } from './format.ts'
import { type Sample, STEP_MS } from './history.ts'
import { TILES } from './tiles.ts'

const DIGITS = 3
const seconds = (ms: number): number => Math.round(ms / 1000)

/** The figures step by step, as data for the charts: no policy forbids it. */
export function coursePart (samples: readonly Sample[]): string {
  const [steps, at] = [intervals(samples, STEP_MS).toReversed(), timeline(samples)]
  const minute = lastMinute(samples)
  const course = {
    at: steps.map(([, to]) => seconds(at(to))),
    series: TILES.map(({ name, scale, of }) => ({
      name,
      scale,
      now: format(minute && of(...minute), scale),
      values: steps.map((step) => rounded(of(...step)))
    }))
  }
  const json = JSON.stringify(course).replaceAll('<', '\\u003c')
  return `<script type="application/json" data-part="course">${json}</script>`
}

const rounded = (value: number | undefined): number | null =>
  value === undefined ? null : Number(value.toPrecision(DIGITS))

/** The time of a sample by today's wall clock, which may have been set meanwhile. */
function timeline (samples: readonly Sample[]): (sample: Sample) => number {
  const { wall = 0, monotonic = 0 } = samples.at(-1) ?? {}
  return (sample) => wall - (monotonic - sample.monotonic)
}
