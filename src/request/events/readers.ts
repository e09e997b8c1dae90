import type { ServerResponse } from 'node:http'
import { eventOf } from '../../shared/events/event.ts'
import { type Feed, readPlace, type Told } from '../../shared/events/feed.ts'
import type { SessionNames } from '../../shared/events/session-names.ts'
import type { CutReason, EventsObserver } from '../../shared/events/types.ts'
import { createFrames } from './frames.ts'

/** What is written to: of HTTP/1.1, or of a stream of HTTP/2. */
export type Out = Pick<ServerResponse, 'write' | 'end' | 'destroy' | 'once' | 'on' | 'writableLength'>

export type ReadersDeps = Readonly<{
  feed: Feed
  names: SessionNames
  /** Whether the revocation log is followed: else nothing is told that other replicas know. */
  isFollowing: () => boolean
  observer: EventsObserver
}>

export type Readers = Readonly<{
  hasRoom: () => boolean
  /** @param place of the last event that it was told, where there is one */
  add: (app: string, out: Out, place: string | undefined) => void
  /** Streams of each app that has some. */
  counts: () => ReadonlyMap<string, number>
  /** A revocation that holds here and that Redis does not take yet: told again, with its place, when it does. */
  tellPending: (told: Omit<Told, 'id'>) => void
  /** Tells whether the log is followed, where that has changed. Called twice a second. */
  look: () => void
  /** A comment, so that a connection that is dead shows; who read nothing since the last one is cut. */
  beat: () => void
  /** Everybody is sent elsewhere, and nobody comes any more. */
  move: () => void
}>

export const MAX_READERS = 1000
/** Bytes that wait for one reader; the events themselves are kept once for all. */
const MAX_WAITING = 64 * 1024

type Reader = { readonly app: string, readonly out: Out, next: number, flushed: number, beaten: number }

/** Tells each reader what its app has to know, as fast as it reads; nobody waits for it. */
export function createReaders ({ feed, names, isFollowing, observer }: ReadersDeps): Readers {
  const readers = new Set<Reader>()
  const frames = createFrames(feed, names)
  const count = createCount(feed, names, observer)
  /** Undefined until the first look: the log is opened later. */
  let wasFollowing: boolean | undefined
  let isMoving = false

  function write (reader: Reader, text: string | Buffer): void {
    reader.out.write(text, () => { reader.flushed++ })
  }
  function cut (reader: Reader, reason: CutReason): void {
    readers.delete(reader)
    observer.cut(reason)
    reader.out.destroy()
  }
  function pump (reader: Reader): void {
    while (reader.next < feed.end()) {
      if (reader.next < feed.start()) return cut(reader, 'behind')
      if (reader.out.writableLength > MAX_WAITING) return // goes on when it has read
      const frame = frames.of(reader.app, reader.next++)
      if (frame !== undefined) write(reader, frame)
    }
  }
  feed.listen({
    told () {
      count()
      for (const reader of readers) pump(reader)
    },
    reset () {
      for (const reader of readers) {
        reader.next = feed.end()
        write(reader, frames.reset())
      }
    }
  })
  return Object.freeze({
    hasRoom: () => !isMoving && readers.size < MAX_READERS,
    add (app: string, out: Out, place: string | undefined): void {
      const from = place === undefined ? undefined : readPlace(names.secret, place)
      const next = from === undefined ? undefined : feed.after(from)
      const reader: Reader = { app, out, next: next ?? feed.end(), flushed: 0, beaten: -1 }
      readers.add(reader)
      observer.opened(app)
      out.once('close', () => readers.delete(reader))
      out.on('drain', () => { if (readers.has(reader)) pump(reader) })
      const isFresh = place === undefined
      write(reader, isFresh || next !== undefined ? frames.connected(isFollowing(), place) : frames.reset())
      pump(reader)
    },
    counts () {
      const counts = new Map<string, number>()
      for (const { app } of readers) counts.set(app, (counts.get(app) ?? 0) + 1)
      return counts
    },
    tellPending (told: Omit<Told, 'id'>): void {
      for (const reader of readers) {
        const event = eventOf(names, reader.app, told)
        if (event !== undefined && event !== 'reset') write(reader, frames.pending(event))
      }
    },
    look () {
      const now = isFollowing()
      const was = wasFollowing
      if (now === was) return
      wasFollowing = now
      if (was === undefined) return
      for (const reader of readers) write(reader, frames.state(now))
    },
    beat () {
      for (const reader of readers) {
        if (reader.out.writableLength > 0 && reader.flushed === reader.beaten) cut(reader, 'slow')
        else if (reader.out.writableLength <= MAX_WAITING) write(reader, ':\n\n')
        reader.beaten = reader.flushed
      }
    },
    move () {
      isMoving = true
      for (const { out } of readers) out.end('event: moving\ndata: {}\n\n')
      readers.clear()
    }
  })
}

/** Counts what is told once, however many readers there are. */
function createCount (feed: Feed, names: SessionNames, observer: EventsObserver): () => void {
  let next = 0
  return () => {
    for (; next < feed.end(); next++) {
      const told = feed.at(next)
      const event = told === undefined ? undefined : eventOf(names, '', told)
      if (event !== undefined && event !== 'reset') observer.told(event.kind)
    }
  }
}
