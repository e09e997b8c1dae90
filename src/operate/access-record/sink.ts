import { close as closeFd, fstatSync, openSync, stat, write as writeFd } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '../../errors.ts'

export type SinkObserver = Readonly<{
  /** Lines that nobody will read. */
  lost: (lines: number) => void
  /** Nothing can be written any more, or it can again. */
  failing: (error: NodeJS.ErrnoException | undefined) => void
}>

export type Sink = Readonly<{
  /** @returns false where there is no room: the line is not taken */
  write: (line: string) => boolean
  /** Whether a line would be taken, and nothing says that it will be lost. */
  isWritable: () => boolean
  /** Tries again what failed, and looks whether the file was moved. */
  look: () => void
  /** Opens the file again, as after `logrotate`. */
  reopen: () => void
  /** Writes what is there, for so many milliseconds at most. */
  close: (withinMs: number) => Promise<void>
}>

/** Bytes that wait to be written. */
const MAX_WAITING = 4 * 2 ** 20
/** What a pipe takes in one piece (POSIX, PIPE_BUF on Linux): lines of the log stand between ours. */
const PIPE_BYTES = 4096
const FILE_BYTES = 256 * 1024
/** A pipe that is full is looked at again, milliseconds. */
const FULL_PIPE_MS = 20
/** The reader of standard output is gone for good. */
const GONE = new Set(['EPIPE', 'EBADF'])

/** @param file undefined: standard output @throws {ServiceError} where the file cannot be opened */
export function createSink (file: string | undefined, observer: SinkObserver): Sink {
  let fd = file === undefined ? 1 : open(file)
  let isReopenWanted = false
  /** The file was deleted, and there is no other yet: nobody would read what is written. */
  let isGone = false
  let isTold = false

  /** A file that was moved stays in use where no new one can be opened: nothing is lost. */
  function current (): Target | undefined {
    if (!isReopenWanted || file === undefined) return isGone ? undefined : { fd, isNew: false }
    isReopenWanted = false
    try {
      const before = fd
      fd = open(file)
      closeFd(before, () => {})
      if (isTold) observer.failing(undefined)
      isGone = isTold = false
      return { fd, isNew: true }
    } catch (error) {
      if (!isTold) observer.failing(error as NodeJS.ErrnoException)
      isTold = true
      isGone = fstatSync(fd).nlink === 0
      return isGone ? undefined : { fd, isNew: false }
    }
  }

  const queue = createQueue(current, file === undefined ? PIPE_BYTES : FILE_BYTES, observer)
  function reopen (): void {
    isReopenWanted = true
    queue.resume()
  }

  return Object.freeze({
    write: queue.write,
    isWritable: () => !isGone && queue.isWritable(),
    look (): void {
      queue.resume()
      if (file !== undefined) ifMoved(file, fd, reopen)
    },
    reopen,
    async close (withinMs: number): Promise<void> {
      await queue.close(withinMs)
      if (file !== undefined) closeFd(fd, () => {})
    }
  })
}

/** `isNew`: nothing of ours is in it yet. */
type Target = Readonly<{ fd: number, isNew: boolean }>

/**
 * Lines that wait, and one write at a time.
 * @param target asked before each write, while no other is under way; undefined: there is none now
 * @param atOnce bytes of a write
 */
function createQueue (target: () => Target | undefined, atOnce: number, observer: SinkObserver) {
  const lines: Buffer[] = []
  /** Bytes of the first line that are written. */
  let torn = 0
  let waiting = 0
  let isBusy = false
  let isPaused = false
  /** From a failure until something is written again. */
  let isFailing = false
  let idle: (() => void) | undefined

  function pump (): void {
    if (isBusy || isPaused) return
    const to = target()
    if (to?.isNew === true) torn = 0
    if (lines.length === 0) return idle?.()
    if (to === undefined) return
    isBusy = true
    const piece = pieceOf(lines, atOnce).subarray(torn)
    writeFd(to.fd, piece, 0, piece.length, null, (error, written) => {
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
      const bytes = Buffer.from(`${line}\n`)
      if (waiting + bytes.length > MAX_WAITING) return false
      lines.push(bytes)
      waiting += bytes.length
      pump()
      return true
    },
    isWritable: () => !isFailing && waiting <= MAX_WAITING / 2,
    async close (withinMs: number): Promise<void> {
      const ended = new Promise<void>((resolve) => { idle = resolve })
      const tooLate = new AbortController()
      resume()
      if (waiting > 0) await Promise.race([ended, sleep(withinMs, undefined, { signal: tooLate.signal })])
      tooLate.abort()
      loseAll()
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

function ifMoved (file: string, fd: number, moved: () => void): void {
  const mine = fstatSync(fd)
  stat(file, (error, there) => {
    if (error !== null || there.ino !== mine.ino || there.dev !== mine.dev) moved()
  })
}

/** Readable by its owner and its group: it says who did what. */
function open (file: string): number {
  try {
    return openSync(file, 'a', 0o640)
  } catch (error) {
    throw new ServiceError(
      'ACCESS_RECORD', `ACCESS_RECORD: ${file} cannot be opened for writing: ${(error as Error).message}`, error
    )
  }
}
