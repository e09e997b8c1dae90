import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Test } from 'tap'
import { until } from './until.ts'

export interface ChildOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  /** Added to this process's own environment, which carries tap's NODE_V8_COVERAGE. */
  readonly env?: Readonly<Record<string, string>>
  /** The child is started when this is true; it is given what the child printed so far. */
  readonly ready: (output: string) => Promise<boolean> | boolean
}

export interface Child {
  readonly pid: number
  /** Everything that it printed, both streams. */
  output (): string
  signal (name: NodeJS.Signals): void
  /** Ends it and waits for its end; harmless when it has ended. */
  stop (name?: NodeJS.Signals): Promise<void>
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>
}

const SETPRIV = '/usr/bin/setpriv'
/** Of a machine that does twenty other things. */
const START_DEADLINE_MS = 180_000
const STOP_DEADLINE_MS = 120_000
/** Its last words may come after its end; a child of its own may hold its streams for ever. */
const LAST_WORDS_MS = 2000

/** Starts a server as a child that cannot outlive this process; its output is shown when the test fails. */
export async function startChild (t: Test, options: ChildOptions): Promise<Child> {
  const child = launch(options)
  const text = collect(child)
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('exit', (code, signal) => {
      const end = (): void => { clearTimeout(late); resolve(code ?? signal ?? 'unknown') }
      const late = setTimeout(end, LAST_WORDS_MS)
      child.once('close', end)
    })
    child.once('error', reject)
  })
  t.teardown(async () => {
    await stop(child, ended, 'SIGTERM')
    if (!t.passing()) t.comment(`${options.name} printed:\n${text().slice(-4_000)}`)
  })
  await startOf(options, ended, text)
  return Object.freeze({
    pid: child.pid ?? 0,
    output: text,
    signal: (name: NodeJS.Signals) => { child.kill(name) },
    stop: (name: NodeJS.Signals = 'SIGTERM') => stop(child, ended, name),
    ended
  })
}

/**
 * setpriv lets the kernel kill the child when this process dies, however it dies. It execs: the pid is the server's.
 */
function launch ({ command, args, cwd, env }: ChildOptions): ChildProcess {
  const tied = existsSync(SETPRIV)
  return spawn(tied ? SETPRIV : command, tied ? ['--pdeathsig', 'KILL', command, ...args] : args, {
    cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe']
  })
}

function collect (child: ChildProcess): () => string {
  const parts: string[] = []
  child.stdout?.on('data', (data: Buffer) => parts.push(data.toString()))
  child.stderr?.on('data', (data: Buffer) => parts.push(data.toString()))
  return () => parts.join('')
}

async function startOf (options: ChildOptions, ended: Promise<number | string>, text: () => string): Promise<void> {
  let end: number | string | undefined
  ended.then(how => { end = how }, (error: Error) => { end = error.message })
  await until(`${options.name} starts`, () => end !== undefined || options.ready(text()), START_DEADLINE_MS)
    .catch((error: Error) => { throw new Error(`${error.message}; it printed:\n${text()}`) })
  if (end !== undefined) throw new Error(`${options.name} ended at its start (${end}); it printed:\n${text()}`)
}

async function stop (child: ChildProcess, ended: Promise<number | string>, name: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(name)
  child.kill('SIGCONT') // a frozen process takes no other signal
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
  await ended.catch(() => undefined).finally(() => clearTimeout(late))
}
