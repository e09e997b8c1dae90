import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Readable } from 'node:stream'

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A file that gets all that it says. */
  readonly record?: string
}

export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  /** The last that it said on stderr. */
  readonly errors: string
}

/** A slow machine takes five minutes for what takes one elsewhere; the worst load of `test:busy` ten. */
export const LIMIT_S = 1200
/** tap's own time-out comes first, and says which test it was. */
const KILL_AFTER_MS = (LIMIT_S + 60) * 1000
/** After its end: for the last of its output, which a process that it left behind may hold open for ever. */
const LAST_WORDS_MS = 5000
const MAX_ERRORS = 16_384

/** Runs it to its end. @param read gets its standard output, whose `close` comes in any case */
export async function runToEnd<T> (
  { file, args, env, record }: Command,
  read: (output: Readable) => Promise<T>
): Promise<Readonly<{ result: T, ended: Ended }>> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const copy = record === undefined ? undefined : createWriteStream(record)
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => { copy?.write(chunk) })
  child.stderr.on('data', (chunk: Buffer) => {
    copy?.write(chunk)
    errors = (errors + chunk.toString()).slice(-MAX_ERRORS)
  })
  const limit = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
  child.once('exit', () => setTimeout(() => { child.stdout.destroy(); child.stderr.destroy() }, LAST_WORDS_MS).unref())
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  const [result, [code, signal]] = await Promise.all([read(child.stdout), closed])
  clearTimeout(limit)
  copy?.end()
  return { result, ended: { code, signal, errors } }
}
