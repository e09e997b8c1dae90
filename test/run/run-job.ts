import { mkdirSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join, resolve } from 'node:path'
import { type Ended, LIMIT_S, runToEnd } from './child.ts'
import type { Job } from './jobs.ts'
import { readTap, type Outcome } from './read-tap.ts'

export interface Result extends Outcome {
  readonly job: Job
  readonly seconds: number
  /** Processes that wanted a core in the last minute, as it ended. */
  readonly load: number
  /** All that it said: a file. */
  readonly record: string | undefined
  /** What repeats it, where that is no `npm test -- FILE`. */
  readonly again: string | undefined
}

/** What it says when it ends without TAP: the last lines are the error. */
const MAX_ERROR_LINES = 30
const RECORDS = join('.tap', 'records')
/** What V8 made of each file: the next process need not make it again. */
const COMPILED = resolve('.tap', 'compiled')

/**
 * @param place a number that no other test has now: test/helpers/free-port.ts gives each ports of its own
 * @param env on top of ours
 */
export async function runJob (job: Job, place: number, env: Readonly<Record<string, string>> = {}): Promise<Result> {
  const began = performance.now()
  const record = recordOf(job)
  const { result, ended } = await runToEnd({
    file: process.execPath, args: argumentsOf(job), env: { ...environmentOf(job, place), ...env }, record
  }, readTap)
  const seconds = (performance.now() - began) / 1000
  return { ...judge(job, result, ended), job, record, again: undefined, seconds, load: loadavg()[0] ?? 0 }
}

/** What tap's library would get from tap's runner, what together.ts reads, and what Node reads. */
const environmentOf = ({ files }: Job, place: number): Readonly<Record<string, string>> => ({
  TAP: '1',
  TAP_TIMEOUT: String(LIMIT_S),
  TAP_JOB_ID: String(place),
  TEST_FILES: files.join(),
  NODE_COMPILE_CACHE: COMPILED
})

const argumentsOf = ({ name, files }: Job): readonly string[] =>
  files.length === 1 ? files : [join('test', 'run', 'together.ts'), name]

function recordOf ({ name }: Job): string {
  mkdirSync(RECORDS, { recursive: true })
  return join(RECORDS, `${name.replaceAll(/[/ ]/g, '-')}.tap`)
}

/** A process that a signal kills, or that asserts nothing, has failed, though no assertion says so. */
function judge (job: Job, outcome: Outcome, { code, signal, errors }: Ended): Outcome {
  const { passed, failures, skipped } = outcome
  const why = signal !== null
    ? `${signal} ended it`
    : code !== 0 && failures.length === 0
      ? `it ended with ${code}`
      : passed + failures.length + skipped.length === 0 ? 'it asserts nothing' : undefined
  if (why === undefined) return outcome
  const detail = errors.trimEnd().split('\n').slice(-MAX_ERROR_LINES)
  return { ...outcome, failures: [...failures, { test: `${job.name}: ${why}`, at: undefined, detail }] }
}
