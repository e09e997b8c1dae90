import type { Chart, Line } from './charts.ts'
import { STEP } from './history.ts'
import type { Sample } from './sample.ts'

/** Milliseconds of one row of the tables. */
const ROW = 60_000

export type Point = Readonly<{ from: Sample, to: Sample, value: number | undefined }>

/** A line over the window: its curve, its rows minute by minute (newest first), and what the key says. */
export type Figure = Readonly<{ line: Line, curve: readonly Point[], rows: readonly Point[], total: number | undefined, latest: number | undefined }>

export function figuresOf ({ lines }: Chart, samples: readonly Sample[]): readonly Figure[] {
  const [short, long] = [intervals(samples, STEP), intervals(samples, ROW)]
  const [first, last] = [samples[0], samples.at(-1)]
  return lines.map((line) => {
    const along = (pairs: typeof short): Point[] => pairs.map(([from, to]) => ({ from, to, value: line.of(from, to) }))
    const curve = along(short)
    const total = first === undefined || last === undefined ? undefined : (line.total ?? line.of)(first, last)
    return { line, curve, rows: along(long).toReversed(), total, latest: curve.at(-1)?.value }
  })
}

/** Cuts the window into intervals of `length` milliseconds, backwards from now; a rest at its beginning counts from half of that on, or if it is all there is. */
function intervals (samples: readonly Sample[], length: number): ReadonlyArray<readonly [from: Sample, to: Sample]> {
  const pairs: Array<readonly [Sample, Sample]> = []
  let to = samples.at(-1)
  for (const from of samples.toReversed()) {
    if (to === undefined || to.monotonic - from.monotonic < length * 0.95) continue
    pairs.push([from, to])
    to = from
  }
  const first = samples[0]
  if (first !== undefined && to !== undefined && (pairs.length === 0 || to.monotonic - first.monotonic >= length / 2) && to.monotonic > first.monotonic) pairs.push([first, to])
  return pairs.toReversed()
}
