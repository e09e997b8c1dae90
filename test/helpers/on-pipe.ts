import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from './free-port.ts'
import { ask } from './request.ts'
import { tempDir } from './temp-dir.ts'
import { until } from './until.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')

type Env = Readonly<Record<string, string>>

export interface OnPipe {
  readonly port: number
  signal (name: NodeJS.Signals): void
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>
}

/**
 * A replica (`npm run build` comes first) whose standard output is a pipe that is open, though nobody reads.
 * @returns `pipe`: where it can be read
 */
export async function startOnPipe (t: Test, env: Env): Promise<OnPipe & Readonly<{ pipe: string }>> {
  const pipe = join(tempDir(t, 'pipe'), 'out')
  execFileSync('mkfifo', [pipe])
  // opened for reading and writing
  const words = ['-c', 'exec "$0" "$1" 1<>"$2"', process.execPath, MAIN, pipe]
  return { pipe, ...await start(t, env, (all) => spawn('bash', words, { env: all, stdio: 'inherit' })) }
}

/**
 * A replica whose standard output is appended to a file.
 * @param limit a line of bash before it starts, such as `ulimit -f 1`
 */
export function startOnFile (t: Test, env: Env, file: string, limit = ':'): Promise<OnPipe> {
  const words = ['-c', `${limit}; exec "$0" "$1" >>"$2"`, process.execPath, MAIN, file]
  return start(t, env, (all) => spawn('bash', words, { env: all, stdio: 'inherit' }))
}

/** A replica whose standard output nobody can read any more. */
export function startOnClosedPipe (t: Test, env: Env): Promise<OnPipe> {
  return start(t, env, (all) => {
    const child = spawn(process.execPath, [MAIN], { env: all, stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.destroy()
    return child
  })
}

async function start (t: Test, env: Env, run: (env: NodeJS.ProcessEnv) => ChildProcess): Promise<OnPipe> {
  const [port, managementPort] = [await freePort(), await freePort()]
  const [LISTEN, MANAGEMENT_LISTEN] = [`127.0.0.1:${port}`, `127.0.0.1:${managementPort}`]
  const child = run({ ...process.env, LISTEN, MANAGEMENT_LISTEN, ...env })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  t.teardown(() => child.kill('SIGKILL'))
  await until('it is ready',
    () => ask(managementPort, { path: '/readyz' }).then(({ status }) => status === 200, () => false))
  return { port, signal: (name) => { child.kill(name) }, ended }
}
