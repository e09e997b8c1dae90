import { availableParallelism } from 'node:os'
import type { Failure } from './read-tap.ts'
import type { Result } from './run-job.ts'

const SLOWEST = 20
/** What repeats a random test: set for this run, it is set for the next. */
const SEEDS = ['FUZZ_SEED', 'REVOCATION_SEED', 'CAMPAIGN_SEED', 'OWN_SESSION_SEED', 'RANDOM_TIMES']

/** A line for a file that ended: `ok  12/180  3.2 s  test/unit/core (2411)`. */
export function lineOf ({ job, passed, failures, skipped, seconds }: Result, done: number, all: number): string {
  const left = skipped.length === 0 ? '' : `, ${skipped.length} skipped`
  const counts = failures.length === 0 ? `${passed} passed${left}` : `${passed} passed, ${failures.length} failed${left}`
  const mark = failures.length === 0 ? 'ok ' : 'not ok'
  return `${mark} ${String(done).padStart(3)}/${all} ${seconds.toFixed(1).padStart(6)} s  ${job.name} (${counts})`
}

/** Why a run is red: each assertion, its seed, the machine's load, and what repeats it. */
export function failuresOf (results: readonly Result[], env: NodeJS.ProcessEnv): readonly string[] {
  return results.filter(({ failures }) => failures.length > 0).flatMap((result) => [
    '',
    `== ${result.job.name} failed (load ${result.load.toFixed(1)} on ${availableParallelism()} cores)`,
    ...result.failures.flatMap(describe),
    ...result.record === undefined ? [] : [`   all that it said: ${result.record}`],
    `   again: ${result.again ?? `${seedsOf(env)}npm test -- ${filesOf(result).join(' ')}`}`
  ])
}

const describe = ({ test, at, detail }: Failure): readonly string[] =>
  [` - ${test}`, ...at === undefined ? [] : [`   at ${at}`], ...detail.map((line) => `     ${line}`)]

/** Of a folder of unit tests: only the files that failed. */
function filesOf ({ job, failures }: Result): readonly string[] {
  const named = failures.map(({ at = '' }) => at.replace(/:\d+$/, ''))
  return named.every((file) => job.files.includes(file)) ? [...new Set(named)] : job.files
}

const seedsOf = (env: NodeJS.ProcessEnv): string =>
  SEEDS.filter((name) => env[name] !== undefined).map((name) => `${name}=${env[name]} `).join('')

export function slowestOf (results: readonly Result[]): readonly string[] {
  const sorted = [...results].sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST)
  return ['== slowest', ...sorted.map(({ job, seconds }) => `${seconds.toFixed(1).padStart(6)} s  ${job.name}`)]
}

export const skippedOf = (results: readonly Result[]): readonly string[] =>
  results.flatMap(({ skipped }) => skipped).map((one) => `skipped: ${one}`)
