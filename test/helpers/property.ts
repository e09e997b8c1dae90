import fc from 'fast-check'
import type { Test } from 'tap'
import { runs } from './runs.ts'

type Property<T> = fc.IAsyncProperty<T> | fc.IProperty<T>
/** The seed, and of a reported violation its path. */
type Start = Readonly<{ seed: number, path?: string }>
/** Of a violation: its smallest case, and a report with seed, path and error. */
type Checked<T> = Readonly<{ cases: number, smallest: T | undefined, report: string | undefined }>

const number = (name: string): number | undefined =>
  process.env[name] === undefined ? undefined : Number(process.env[name])

/** The same cases each time; `npm run fuzz` sets FUZZ_SECONDS (a property), FUZZ_RUNS, FUZZ_SEED. */
const START: Start = { seed: number('FUZZ_SEED') ?? 20_261_124 }
const SECONDS = number('FUZZ_SECONDS')
const RUNS = number('FUZZ_RUNS')

/**
 * The property throws or returns false. An assertion of `t` does neither, so ESLint forbids it there.
 * @param count cases in `npm test`
 */
export async function holds<T> (t: Test, property: Property<T>, count = 2000): Promise<void> {
  t.setTimeout(((SECONDS ?? 0) + 1200) * 1000)
  const { cases, report } = await check(property, runs(count))
  t.comment(`fuzz: seed ${START.seed}, ${cases} cases, ${report === undefined ? 0 : 1} violations`)
  t.ok(report === undefined, report ?? 'no violation')
}

/** For what `holds` does not fit: properties that have to be broken, other seeds. */
export async function check<T> (property: Property<T>, count: number, start = START): Promise<Checked<T>> {
  const limit = SECONDS === undefined ? {} : { interruptAfterTimeLimit: SECONDS * 1000, markInterruptAsFailure: false }
  // eslint-disable-next-line no-restricted-syntax -- here it is printed
  const result = await fc.check(property as fc.IAsyncProperty<T>, {
    ...start, numRuns: RUNS ?? (SECONDS === undefined ? count : 1e9), ...limit
  })
  const { numRuns: cases, counterexample, errorInstance } = result
  // fast-check 4 leaves the error out of its report
  const report = [fc.defaultReportMessage(result as fc.RunDetails<unknown>), errorInstance].filter(Boolean).join('\n')
  return { cases, smallest: counterexample ?? undefined, report: result.failed ? report : undefined }
}
