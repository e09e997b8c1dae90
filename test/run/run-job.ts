import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Job } from './jobs.ts'
import { readTap, type Outcome } from './read-tap.ts'

export interface Result extends Outcome {
  readonly job: Job
  readonly seconds: number
  /** Processes that wanted a core in the last minute, as it ended. */
  readonly load: number
  /** Its TAP, whole: a file. */
  readonly record: string | undefined
  /** What repeats it, where that is no `npm test -- FILE`. */
  readonly again: string | undefined
}

/** A slow machine takes five minutes for what takes one elsewhere; the worst load of `test:busy` ten. */
const LIMIT_S = 1200
/** What it says when it ends without TAP: the last lines are the error. */
const MAX_ERROR_LINES = 30
const RECORDS = join('.tap', 'records')

/**
 * @param place a number that no other test has now: test/helpers/free-port.ts gives each ports of its own
 * @param env on top of ours
 */
export async function runJob (job: Job, place: number, env: Readonly<Record<string, string>> = {}): Promise<Result> {
  const began = performance.now()
  const record = recordOf(job)
  const child = spawn(process.execPath, argumentsOf(job), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environmentOf(job, place), ...env }
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), (LIMIT_S + 60) * 1000)
  child.stdout.pipe(createWriteStream(record))
  const [outcome, errors, [code, signal]] = await Promise.all([
    readTap(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number | null, string | null]>
  ])
  clearTimeout(timer)
  const seconds = (performance.now() - began) / 1000
  const judged = judge(job, outcome, ending(code, signal), errors)
  return { ...judged, job, record, again: undefined, seconds, load: loadavg()[0] ?? 0 }
}

/** What tap's library would get from tap's runner, and what together.ts reads. */
const environmentOf = ({ files }: Job, place: number): Readonly<Record<string, string>> =>
  ({ TAP: '1', TAP_TIMEOUT: String(LIMIT_S), TAP_JOB_ID: String(place), TEST_FILES: files.join() })

const argumentsOf = ({ name, files }: Job): readonly string[] =>
  files.length === 1 ? files : [join('test', 'run', 'together.ts'), name]

function recordOf ({ name }: Job): string {
  mkdirSync(RECORDS, { recursive: true })
  return join(RECORDS, `${name.replaceAll('/', '-')}.tap`)
}

const ending = (code: number | null, signal: string | null): string | undefined =>
  code === 0 ? undefined : signal === null ? `it ended with ${code}` : `${signal} ended it`

/** A process that a signal kills, or that asserts nothing, has failed, though no assertion says so. */
function judge (job: Job, outcome: Outcome, end: string | undefined, errors: string): Outcome {
  const asserts = outcome.passed + outcome.failures.length + outcome.skipped.length > 0
  if (outcome.failures.length > 0 || (end === undefined && asserts)) return outcome
  const detail = errors.trimEnd().split('\n').slice(-MAX_ERROR_LINES)
  const failure = { test: `${job.name}: ${end ?? 'it asserts nothing'}`, at: undefined, detail }
  return { ...outcome, failures: [failure] }
}
