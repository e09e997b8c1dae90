import t from 'tap'
import { quantile } from '../../../../src/parts/status/figures.ts'
import { LATENCY_BUCKETS, LatencyTally } from '../../../../src/base/metrics/request-counts.ts'

const countsOf = (...seconds: readonly number[]): number[] => {
  const tally = new LatencyTally()
  for (const one of seconds) tally.add(one)
  return tally.cumulative()
}
const NOTHING = countsOf()

const ROWS: ReadonlyArray<
  readonly [what: string, share: number, from: readonly number[], to: readonly number[], seconds: number | undefined]
> = [
  ['nothing', 0.5, NOTHING, NOTHING, undefined],
  ['nothing new', 0.99, countsOf(1), countsOf(1), undefined],
  ['half of the first bucket', 0.5, NOTHING, countsOf(0.00001, 0.00001), 0.000025],
  ['the end of a bucket', 1, NOTHING, countsOf(0.07), 0.1],
  ['between the bounds of a bucket', 0.5, NOTHING, countsOf(0.0006, 0.0006, 0.0006, 0.0006), 0.00075],
  ['the rest of a bucket below which there is more', 0.75, NOTHING, countsOf(0.0001, 0.0004, 0.0006, 0.0006), 0.00075],
  ['only what is new', 0.5, countsOf(3, 3, 3), countsOf(3, 3, 3, 0.0001), 0.000075],
  ['what is over the last bound is not guessed at', 0.99, NOTHING, countsOf(60), LATENCY_BUCKETS.at(-1)]
]

for (const [what, share, from, to, seconds] of ROWS) {
  t.test(what, async (t) => {
    const found = quantile(share, from, to)
    if (seconds === undefined) t.equal(found, undefined)
    else t.ok(Math.abs((found ?? NaN) - seconds) < 1e-9, `${found} is ${seconds}`)
  })
}
