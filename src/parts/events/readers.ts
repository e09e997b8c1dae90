import type { ServerResponse } from 'node:http'
import { type CutReason, type EventsObserver, eventsOf } from './event.ts'
import { type Feed, readPlace, type News } from './feed.ts'
import type { SessionNames } from './session-names.ts'
import { createFrames } from './frames.ts'

/** The response that is written to: of HTTP/1.1, or of a stream of HTTP/2. */
export type Out = Pick<ServerResponse, 'write' | 'end' | 'destroy' | 'once' | 'on' | 'writableLength'>

export type ReadersDeps = Readonly<{
  feed: Feed
  names: SessionNames
  /** The most apps. */
  apps: number
  /** True if the revocation log is followed: otherwise revocations of other replicas are missing. */
  isFollowing: () => boolean
  observer: EventsObserver
  /** Calls back when others had their turn: `setImmediate` but in tests. */
  soon?: (run: () => void) => void
}>

export type Readers = Readonly<{
  hasRoom: (app: string) => boolean
  /** @param place of the last event that it received, if any */
  add: (app: string, out: Out, place: string | undefined) => void
  /** Streams of each app that has some. */
  counts: () => ReadonlyMap<string, number>
  /** A revocation applied here but not yet written to Redis; sent again with its place once it is written. */
  tellPending: (news: News) => void
  /** Tells whether the log is followed, where that has changed. Called twice a second. */
  look: () => void
  /** A comment, so that a connection that is dead shows; who read nothing since the last one is cut. */
  beat: () => void
  /** Everybody is sent elsewhere, and nobody comes any more. */
  move: () => void
}>

export const MAX_READERS = 1000
/** Bytes that wait for one reader; the events themselves are kept once for all. */
const MAX_WAITING = 32 * 1024

/** `following`: the last state of the log that was sent to it. */
type Reader = {
  readonly app: string
  readonly out: Out
  next: number
  following: boolean
  flushed: number
  beaten: number
}

/** Tells each reader what its app has to know, as fast as it reads; nobody waits for it. */
export function createReaders (deps: ReadersDeps): Readers {
  const { feed, names, apps, isFollowing, observer, soon = setImmediate } = deps
  const readers = new Set<Reader>()
  const frames = createFrames(feed, names)
  const count = createCount(deps)
  const pumpAll = createRounds(readers, pump, soon)
  let isMoving = false

  function write (reader: Reader, text: string | Buffer): void {
    if (text.length === 0) return
    if (reader.out.writableLength > 2 * MAX_WAITING) return cut(reader, 'slow')
    reader.out.write(text, () => { reader.flushed++ })
  }
  function cut (reader: Reader, reason: CutReason): void {
    readers.delete(reader)
    observer.cut(reason)
    reader.out.destroy()
  }
  function pump (reader: Reader): void {
    while (reader.next < feed.end() && readers.has(reader)) {
      if (reader.next < feed.start()) return cut(reader, 'behind')
      if (reader.out.writableLength > MAX_WAITING) return // goes on when it has read
      const { next, bytes } = frames.batch(reader.app, reader.next)
      reader.next = next
      write(reader, bytes)
    }
  }
  feed.listen({
    told () {
      count()
      if (readers.size > 0) pumpAll()
    },
    reset () {
      const following = isFollowing()
      for (const reader of readers) {
        Object.assign(reader, { next: feed.end(), following })
        write(reader, frames.reset(following))
      }
    }
  })
  return Object.freeze({
    // one app that comes without end leaves the others half
    hasRoom: (app: string) => !isMoving && readers.size < MAX_READERS &&
      (apps < 2 || (countByApp(readers).get(app) ?? 0) < MAX_READERS / 2),
    add (app: string, out: Out, place: string | undefined): void {
      const now = isFollowing()
      const from = place === undefined ? undefined : readPlace(names.secret, place)
      const next = from === undefined ? undefined : feed.after(from)
      const reader: Reader = { app, out, next: next ?? feed.end(), following: now, flushed: 0, beaten: -1 }
      readers.add(reader)
      observer.opened(app)
      out.once('close', () => readers.delete(reader))
      out.on('drain', () => { if (readers.has(reader)) pump(reader) })
      write(reader, place === undefined || next !== undefined ? frames.connected(now, place) : frames.reset(now))
      pump(reader)
    },
    counts: () => countByApp(readers),
    tellPending (news: News): void {
      for (const reader of readers) write(reader, frames.pending(reader.app, news))
    },
    look () {
      const following = isFollowing()
      for (const reader of readers) {
        if (reader.following === following) continue
        reader.following = following
        write(reader, frames.state(following))
      }
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
  } satisfies Readers)
}

function countByApp (readers: ReadonlySet<Reader>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { app } of readers) counts.set(app, (counts.get(app) ?? 0) + 1)
  return counts
}

/** Counts each event once, however many readers there are; events from before the start are not sent. */
function createCount ({ feed, names, isFollowing, observer }: ReadersDeps): () => void {
  let next = 0
  return () => {
    const isNews = isFollowing()
    for (; next < feed.end(); next++) {
      const told = isNews ? feed.at(next) : undefined
      if (told !== undefined) for (const { kind } of eventsOf(names, '', told).slice(0, 1)) observer.told(kind)
    }
  }
}

/** The readers of one turn: some milliseconds, after which others have theirs. */
const TURN = 100

/**
 * Gives each of many a turn, a hundred at once, so that nobody waits for all of them.
 * @returns begins a round, or sees to it that another one comes after the one under way
 */
function createRounds<One> (all: ReadonlySet<One>, act: (one: One) => void, soon: (run: () => void) => void) {
  let isUnderWay = false
  let isWanted = false
  function turn (left: Iterator<One>): void {
    for (let n = 0; n < TURN; n++) {
      const { value, done } = left.next()
      if (done === true) return end()
      act(value)
    }
    soon(() => turn(left))
  }
  function begin (): void {
    isUnderWay = true
    isWanted = false
    soon(() => turn(all.values()))
  }
  function end (): void {
    isUnderWay = false
    if (isWanted) begin()
  }
  return (): void => {
    if (isUnderWay) isWanted = true
    else begin()
  }
}
