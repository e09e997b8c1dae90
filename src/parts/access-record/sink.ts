import { close as closeFd, closeSync, fstatSync, openSync, readSync, stat } from 'node:fs'
import { ServiceError } from '../../base/errors.ts'
import type { WritePiece } from '../../base/logging/log.ts'
import { createQueue, type SinkObserver, type Target, toDescriptor } from './queue.ts'

export type Sink = Readonly<{
  /** @returns false where there is no room, or it is closed: the line is not taken */
  write: (line: string) => boolean
  /** True if a line would be taken, and nothing says that it will be lost. */
  isWritable: () => boolean
  /** Tries again what failed, and looks whether the file was moved. */
  look: () => void
  /** Opens the file again, as after `logrotate`. */
  reopen: () => void
  /** Writes what is there, for so many milliseconds at most, and takes no more. */
  close: (withinMs: number) => Promise<unknown>
}>

/** The bytes that a pipe takes in one piece (POSIX, PIPE_BUF on Linux). */
const PIPE_BYTES = 4096
/** Between the log's own: so much that a busy log does not hold the record up. */
const SHARED_BYTES = 64 * 1024
const FILE_BYTES = 256 * 1024

/** @param write the log's own, where it is a pipe: two writers would cut each other's lines */
export function createStdoutSink (observer: SinkObserver, write?: WritePiece): Sink {
  const target = { write: write ?? toDescriptor(1), isNew: false }
  const queue = createQueue(() => target, write === undefined ? PIPE_BYTES : SHARED_BYTES, observer)
  const { resume, ...rest } = queue
  return Object.freeze({ ...rest, look: resume, reopen: resume })
}

/** @throws {ServiceError} where the file cannot be opened */
export function createFileSink (file: string, observer: SinkObserver): Sink {
  let fd = open(file)
  let write = appendTo(file, fd)
  let isReopenWanted = false
  /** The file was deleted, and there is no other yet: nobody would read what is written. */
  let isGone = false
  let isTold = false
  /** True once closed: a later finding concerns nobody. */
  let isClosed = false

  /** A file that was moved stays in use where no new one can be opened: nothing is lost. */
  function current (): Target | undefined {
    if (!isReopenWanted) return isGone ? undefined : { write, isNew: false }
    isReopenWanted = false
    try {
      const before = fd
      fd = open(file)
      write = appendTo(file, fd)
      closeFd(before, () => {})
      if (isTold) observer.failing(undefined)
      isGone = isTold = false
      return { write, isNew: true }
    } catch (error) {
      if (!isTold) observer.failing(error as NodeJS.ErrnoException)
      isTold = true
      isGone = fstatSync(fd).nlink === 0
      return isGone ? undefined : { write, isNew: false }
    }
  }

  const queue = createQueue(current, FILE_BYTES, observer)
  function reopen (): void {
    if (isClosed) return
    isReopenWanted = true
    queue.resume()
  }

  return Object.freeze({
    write: queue.write,
    isWritable: () => !isGone && queue.isWritable(),
    look (): void {
      if (isClosed) return
      queue.resume()
      ifMoved(file, fd, reopen)
    },
    reopen,
    async close (withinMs: number): Promise<void> {
      if (isClosed) return
      const isIdle = await queue.close(withinMs)
      isClosed = true
      if (isIdle) closeFd(fd, () => {})
    }
  })
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

const NEWLINE = Buffer.from('\n')

/**
 * Appends to a file. A process that was killed, or a full disk, may have left a part of a line: a newline ends it, so
 * that the first line of this process is whole.
 */
function appendTo (file: string, fd: number): WritePiece {
  const write = toDescriptor(fd)
  let isTorn = endsTorn(file)
  return (piece, done) => {
    if (!isTorn) return write(piece, done)
    write(NEWLINE, (error) => {
      if (error !== null) return done(error, 0)
      isTorn = false
      write(piece, done)
    })
  }
}

function endsTorn (file: string): boolean {
  try {
    const fd = openSync(file, 'r')
    try {
      const stats = fstatSync(fd)
      const last = Buffer.alloc(1)
      return stats.isFile() && stats.size > 0 && readSync(fd, last, 0, 1, stats.size - 1) === 1 && !last.equals(NEWLINE)
    } finally {
      closeSync(fd)
    }
  } catch {
    return false // it may be written and not read
  }
}
