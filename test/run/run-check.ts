import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { text } from 'node:stream/consumers'
import type { Result } from './run-job.ts'

/** Lines of its output that are shown. */
const MAX_LINES = 60

/** A command that only passes or fails. @param name of a script in package.json, with what follows it */
export async function runCheck (name: string): Promise<Result> {
  const began = performance.now()
  const child = spawn('npm', ['run', '--silent', ...name.split(' ')], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const lines = `${output}${errors}`.trimEnd().split('\n').slice(-MAX_LINES)
  const failed = code !== 0
  return {
    job: { name, files: [] },
    again: `npm run ${name}`,
    seconds: (performance.now() - began) / 1000,
    load: loadavg()[0] ?? 0,
    passed: failed ? 0 : 1,
    failures: failed ? [{ test: `npm run ${name} ends with ${code}`, at: undefined, detail: lines }] : [],
    skipped: [],
    record: undefined
  }
}
