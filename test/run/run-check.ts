import { loadavg } from 'node:os'
import type { Readable } from 'node:stream'
import { runToEnd } from './child.ts'
import type { Result } from './run-job.ts'

/** Lines of its output that are shown. */
const MAX_LINES = 60

/** A command that only passes or fails. @param name of a script in package.json, with what follows it */
export async function runCheck (name: string): Promise<Result> {
  const began = performance.now()
  const args = ['run', '--silent', ...name.split(' ')]
  const { result, ended } = await runToEnd({ file: 'npm', args }, readAll)
  const lines = `${result}${ended.errors}`.trimEnd().split('\n').slice(-MAX_LINES)
  const failed = ended.code !== 0
  return {
    job: { name, files: [] },
    again: `npm run ${name}`,
    seconds: (performance.now() - began) / 1000,
    load: loadavg()[0] ?? 0,
    passed: failed ? 0 : 1,
    failures: failed ? [{ test: `npm run ${name} ends with ${ended.code}`, at: undefined, detail: lines }] : [],
    skipped: [],
    record: undefined
  }
}

async function readAll (output: Readable): Promise<string> {
  let all = ''
  output.on('data', (chunk: Buffer) => { all += chunk.toString() })
  await new Promise((resolve) => output.once('close', resolve))
  return all
}
