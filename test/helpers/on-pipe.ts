import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from './free-port.ts'
import { ask } from './request.ts'
import { tempDir } from './temp-dir.ts'
import { until } from './until.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')

export interface OnPipe {
  readonly port: number
  /** Where its standard output can be read. */
  readonly pipe: string
  signal (name: NodeJS.Signals): void
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>
}

/** A replica (`npm run build` comes first) whose standard output is a pipe that is open, though nobody reads. */
export async function startOnPipe (t: Test, env: Readonly<Record<string, string>>): Promise<OnPipe> {
  const pipe = join(tempDir(t, 'pipe'), 'out')
  execFileSync('mkfifo', [pipe])
  const [port, managementPort] = [await freePort(), await freePort()]
  // opened for reading and writing
  const child = spawn('bash', ['-c', 'exec "$0" "$1" 1<>"$2"', process.execPath, MAIN, pipe], {
    env: {
      ...process.env,
      LISTEN: `127.0.0.1:${port}`,
      MANAGEMENT_LISTEN: `127.0.0.1:${managementPort}`,
      ...env
    },
    stdio: 'inherit'
  })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  t.teardown(() => child.kill('SIGKILL'))
  await until(
    'it is ready',
    () => ask(managementPort, { path: '/readyz' }).then(({ status }) => status === 200, () => false)
  )
  return { port, pipe, signal: (name) => { child.kill(name) }, ended }
}
