import { write as writeFd } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WritePiece } from '../../base/logging/log.ts'

export type SinkObserver = Readonly<{
  /** Whole lines that are out. */
  written: (lines: number) => void
  /** Lines that nobody will read. */
  lost: (lines: number) => void
  /** Nothing can be written any more, or it can again. */
  failing: (error: NodeJS.ErrnoException | undefined) => void
}>

/** Bytes that wait to be written. */
const MAX_WAITING = 4 * 2 ** 20
/** A pipe that is full is looked at again, milliseconds. */
const FULL_PIPE_MS = 20
/** The reader of standard output is gone permanently. */
const GONE = new Set(['EPIPE', 'EBADF', 'ERR_STREAM_DESTROYED'])

/** @returns what writes to a file that is open; of a pipe without a reader it would hold a thread, and the end */
export const toDescriptor = (fd: number): WritePiece => (piece, done) => {
  writeFd(fd, piece, 0, piece.length, null, done)
}

/** `isNew`: nothing of ours is in it yet. */
export type Target = Readonly<{ write: WritePiece, isNew: boolean }>

/**
 * Lines that wait, and one write at a time.
 * @param target asked before each write, while no other is under way; undefined: there is none now
 * @param atOnce bytes of a write
 */
export function createQueue (target: () => Target | undefined, atOnce: number, observer: SinkObserver) {
  const lines: Buffer[] = []
  /** Bytes of the first line that are written. */
  let torn = 0
  let waiting = 0
  let isBusy = false
  let isPaused = false
  /** From a failure until something is written again. */
  let isFailing = false
  let isClosed = false
  let idle: (() => void) | undefined

  function pump (): void {
    if (isBusy || isPaused || isClosed) return
    const to = target()
    if (to?.isNew === true) torn = 0
    if (lines.length === 0) return idle?.()
    if (to === undefined) return
    isBusy = true
    to.write(pieceOf(lines, atOnce).subarray(torn), (error, written) => {
      isBusy = false
      if (error === null) wrote(written)
      else failed(error)
    })
  }

  function wrote (written: number): void {
    torn += written
    let whole = 0
    for (let line = lines[whole]; line !== undefined && torn >= line.length; line = lines[whole]) {
      torn -= line.length
      waiting -= line.length
      whole++
    }
    lines.splice(0, whole)
    if (whole > 0) observer.written(whole)
    if (isFailing) observer.failing(undefined)
    isFailing = false
    pump()
  }

  function failed (error: NodeJS.ErrnoException): void {
    isPaused = true
    if (error.code === 'EAGAIN') { setTimeout(resume, FULL_PIPE_MS).unref(); return }
    if (!isFailing) observer.failing(error)
    isFailing = true
    if (GONE.has(error.code ?? '')) loseAll()
  }

  function loseAll (): void {
    if (lines.length > 0) observer.lost(lines.length)
    lines.length = waiting = torn = 0
    idle?.()
  }

  function resume (): void {
    isPaused = false
    pump()
  }

  return {
    resume,
    write (line: string): boolean {
      if (isClosed) return false
      const bytes = Buffer.from(`${line}\n`)
      if (waiting + bytes.length > MAX_WAITING) return false
      lines.push(bytes)
      waiting += bytes.length
      pump()
      return true
    },
    isWritable: () => !isFailing && waiting <= MAX_WAITING / 2,
    /** @returns false where a write is still under way: what it writes to must stay open */
    async close (withinMs: number): Promise<boolean> {
      const ended = new Promise<void>((resolve) => { idle = resolve })
      const tooLate = new AbortController()
      resume()
      if (waiting > 0) await Promise.race([ended, sleep(withinMs, undefined, { signal: tooLate.signal })])
      tooLate.abort()
      isClosed = true
      loseAll()
      return !isBusy
    }
  }
}

/** As many whole lines as go out in one piece. */
function pieceOf (lines: readonly Buffer[], atOnce: number): Buffer {
  let bytes = 0
  let count = 0
  for (const line of lines) {
    if (count > 0 && bytes + line.length > atOnce) break
    bytes += line.length
    count++
  }
  return Buffer.concat(lines.slice(0, count))
}
