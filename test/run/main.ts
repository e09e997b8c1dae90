// `npm test`, `npm run test:all` (--all, also lint and parts), `npm run check` (--changed), `npm test -- PATH…`: a line
// for each file or folder that ends.
// The last line is "N passed, N failed, N skipped"; with `CI` set a skipped test is a failure.
import { existsSync, rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { pathsOfCheck } from './changed.ts'
import { jobsOf, type Job } from './jobs.ts'
import { runPool } from './pool.ts'
import { startProgress } from './progress.mjs'
import { runCheck } from './run-check.ts'
import { runJob, type Result } from './run-job.ts'
import { failuresOf, lineOf, skippedOf, slowestOf } from './screen.ts'

/** V8's records of the tests and of every process that they start: test/coverage.mjs reads them. */
const COVERAGE = '.tap/coverage'
/** Random cases for each one of `npm test` (test/helpers/runs.ts). */
const RANDOM_TIMES = '4'
/** A record of an earlier run must not stand for a test that is gone. */
const RECORDS = ['artifacts/e2e', 'artifacts/hostile', COVERAGE]

const { values: { all = false, changed = false }, positionals } = parseArgs({
  options: { all: { type: 'boolean' }, changed: { type: 'boolean' } },
  allowPositionals: true
})
const paths = changed ? pathsOfCheck() : positionals
const whole = paths.length === 0
const present = paths.filter((path) => existsSync(path))
const missing = paths.filter((path) => !present.includes(path))
const random: Readonly<Record<string, string>> = whole && all ? { RANDOM_TIMES } : {}
const results: Result[] = []
const say = (...lines: readonly string[]): void => { for (const line of lines) process.stdout.write(`${line}\n`) }

type Run = Readonly<{ name: string, run: (place: number) => Promise<Result> }>

async function runAll (runs: readonly Run[]): Promise<void> {
  const total = results.length + runs.length
  const running = new Set<string>()
  const progress = startProgress(() => `${results.length}/${total} done, running: ${[...running].join(', ')}`)
  await runPool(runs.map(({ name, run }) => async (place) => {
    running.add(name)
    const result = await run(place)
    running.delete(name)
    results.push(result)
    progress.line(lineOf(result, results.length, total))
  })).finally(progress.stop)
}

const check = (name: string): Run => ({ name, run: () => runCheck(name) })
const test = (job: Job, env?: Readonly<Record<string, string>>): Run =>
  ({ name: job.name, run: (place) => runJob(job, place, env) })

/** They say nothing of lint, types or coverage. */
const runNamed = (): Promise<void> =>
  runAll(present.length === 0 ? [] : jobsOf({ all, paths: present }).map((job) => test(job)))

async function runWhole (): Promise<void> {
  for (const folder of RECORDS) rmSync(folder, { recursive: true, force: true })
  // V8 counts code that it took from its cache less exactly
  const env = { ...random, ...all ? { NODE_V8_COVERAGE: COVERAGE, NODE_DISABLE_COMPILE_CACHE: '1' } : {} }
  const tests = jobsOf({ all, paths }).map((job) => test(job, env))
  await runAll(all ? [check('lint'), check('parts'), ...tests] : tests)
  // without one of the proxies a column of the tables would be empty
  const skips = skippedOf(results).length
  if (all) await runAll([check('coverage'), ...skips > 0 ? [] : [check('docs:behaviour -- --check')]])
}

await (whole ? runWhole() : runNamed())

const sum = (count: (result: Result) => number): number => results.reduce((total, result) => total + count(result), 0)
const skips = skippedOf(results)
const refused = process.env['CI'] ? skips.length : 0
const none = results.length === 0 && missing.length === 0
const failed = sum(({ failures }) => failures.length) + refused + missing.length + Number(none)
if (failed === 0 && results.length > 1) say(...slowestOf(results))
say(...skips, ...failuresOf(results, { ...process.env, ...random }), '')
for (const path of missing) say(`there is no ${path}`)
if (none) say(`no test in ${paths.join(' ')}${all ? '' : ': is it one of npm run test:all? Name the file, or add --all'}`)
if (refused > 0) say('CI allows no skipped test')
say(`${sum(({ passed }) => passed)} passed, ${failed} failed, ${skips.length - refused} skipped`)
process.exitCode = failed === 0 ? 0 : 1
