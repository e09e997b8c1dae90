import { fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { destination, pino, type DestinationStream, type Logger } from 'pino'

/**
 * No token, cookie, secret or header value of Authgear's ever goes in, at any level: callers pass names, numbers and
 * fingerprints.
 */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'isLevelEnabled'>
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Lines beyond this are dropped: neither a full pipe nor a full disk may stop the event loop or end the process. */
const MAX_WAITING_BYTES = 1024 * 1024
/** How long a stopping process waits until its last lines are read. */
const FLUSH_WITHIN_MS = 500

/** Writes a piece whole, with nothing of another writer in it; `written`: bytes that are out. */
export type WritePiece = (piece: Uint8Array, done: (error: Error | null, written: number) => void) => void

export type LogOutput = DestinationStream & Readonly<{
  flushed: () => Promise<void>
  /** The writer of a pipe, for others who write to it; undefined: a file or a terminal. */
  writePiece: WritePiece | undefined
}>

/**
 * A pipe is written to without anybody waiting, and without a thread that could hold up the end; a file or a terminal
 * at once.
 */
export function openLogOutput (fd: number): LogOutput {
  const kind = fstatSync(fd)
  if (kind.isFIFO() || kind.isSocket()) return pipeOutput(new Socket({ fd, readable: false, writable: true }))
  return Object.assign(fileOutput(fd), { flushed: async () => {}, writePiece: undefined })
}

/** Waiting lines are written with the next one after the disk has room again. */
function fileOutput (fd: number): DestinationStream {
  return destination({ fd, sync: true, maxLength: MAX_WAITING_BYTES }).on('error', () => {})
}

function pipeOutput (pipe: Socket): LogOutput {
  pipe.on('error', () => {}).unref() // nobody reads any more: the service goes on
  return {
    write (line: string): void { if (pipe.writableLength < MAX_WAITING_BYTES) pipe.write(line) },
    writePiece (piece, done): void { pipe.write(piece, (error) => done(error ?? null, piece.length)) },
    async flushed (): Promise<void> {
      const flush = new Promise<void>((resolve) => { pipe.write('', () => resolve()) })
      await Promise.race([flush, sleep(FLUSH_WITHIN_MS)])
    }
  }
}

/** JSON lines. */
export function createLog (level: LogLevel, stream: DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`
    },
    stream
  )
}

/** The loggable part of an error: its code and message, and those of what caused it. */
export function describe (error: unknown): Readonly<{ code?: string, message: string, cause?: string }> {
  if (!(error instanceof Error)) return { message: 'a value that is not an Error was thrown' }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  return {
    ...code,
    message: messageOf(error),
    ...(error.cause instanceof Error ? { cause: messageOf(error.cause) } : {})
  }
}

/** ioredis speaks of its own options. */
const NOT_CONNECTED = "Stream isn't writeable and enableOfflineQueue options is false"
/** A Redis that does not know a command repeats its arguments; of AUTH and HELLO those are the password. */
const ARGUMENTS = /,? *with args beginning with.*/s

function messageOf ({ message }: Error): string {
  return message === NOT_CONNECTED ? 'there is no connection to Redis' : message.replace(ARGUMENTS, '')
}
