import fc from 'fast-check'
import type { Test } from 'tap'
import { runs } from '../../helpers/runs.ts'

const number = (name: string): number | undefined =>
  process.env[name] === undefined ? undefined : Number(process.env[name])

/** The same cases each time; `npm run fuzz` sets FUZZ_SECONDS (a property), FUZZ_RUNS, FUZZ_SEED. */
const SEED = number('FUZZ_SEED') ?? 20_261_125
const SECONDS = number('FUZZ_SECONDS')
const RUNS = number('FUZZ_RUNS')

/** Longest that one case may take to end by itself, in milliseconds; what is not over then hangs. */
const HANG = 120_000

/** Runs a property and says so in a line that `npm run fuzz` adds up. A violation comes with its smallest case. */
export async function campaign<T> (
  t: Test,
  property: fc.IAsyncProperty<T> | fc.IProperty<T>,
  count: number
): Promise<void> {
  t.setTimeout(((SECONDS ?? 0) + 1200) * 1000)
  const limit = SECONDS === undefined ? {} : { interruptAfterTimeLimit: SECONDS * 1000, markInterruptAsFailure: false }
  const result = await fc.check(property as fc.IAsyncProperty<T>, {
    seed: SEED, numRuns: RUNS ?? (SECONDS === undefined ? runs(count) : 1e9), ...limit
  })
  t.comment(`fuzz: seed ${SEED}, ${result.numRuns} cases, ${result.failed ? 1 : 0} violations`)
  const report = fc.defaultReportMessage(result as fc.RunDetails<unknown>) ?? 'no violation'
  // fast-check 4 leaves the error out of its report
  t.notOk(result.failed, result.errorInstance === null ? report : `${report}\n${String(result.errorInstance)}`)
}

/** @throws where a case does not end */
export async function ends<T> (what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs`)), HANG)
  })
  return await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** @returns a check of the lines that came since the last one: a defect that was caught is a violation too */
export function nothingUnforeseen (
  log: ReadonlyArray<Readonly<Record<string, unknown>>>,
  isDefect = ({ level }: Readonly<Record<string, unknown>>): boolean => level === 'error'
): () => void {
  let checked = 0
  return () => {
    const errors = log.slice(checked).filter(isDefect)
    checked = log.length
    if (errors.length > 0) throw new Error(JSON.stringify(errors))
  }
}
