import { BoundedMap } from '../../base/revocation/bounded-map.ts'
import {
  compareIds, FIRST_ID, type LogReader, type Origin, type Revocation, type StreamId, type Target
} from '../../base/revocation/types.ts'

/** The news of a revocation; `at`: milliseconds since 1970 by Redis' clock. */
export type News = Readonly<{ target: Target, origin: Origin, at: number }>

/**
 * Authgear told that a user signed in, which has no quiet time (webhook-events.ts, activity-types.ts): what is
 * remembered is stale, and nothing that is open ends.
 */
export const isSignIn = ({ target, origin, quietMs, ends }: Revocation): boolean =>
  target.kind === 'user' && quietMs === 0 && ends === undefined && (origin === 'webhook' || origin === 'audit')

/** The same as the log has it. `hasPlace`: a reader that received it has missed nothing before it. */
type Told = News & Readonly<{ id: StreamId, hasPlace: boolean }>

/** Position of a reader: the last event it received, and in which log. */
export type Place = Readonly<{ log: string, id: StreamId }>

/** `reset`: what was missed nobody can say. */
type FeedListener = Readonly<{ told: () => void, reset: () => void }>

export type Feed = ReturnType<typeof createFeed>

const MAX_TOLD = 10_000
/** One `everything` may stand for many revocations, and is named after the newest of them (ledger.ts). */
const OF_ALL = /^all /

/**
 * The newest revocations in the order of the log, as many as there is room for: what readers receive, and receive again
 * when they come back. Pure but for its listener.
 * @param room how many are kept
 */
export function createFeed (room = MAX_TOLD) {
  let log = ''
  /** The newest that was read, and the newest after which a reader can continue. */
  let [seen, newest]: [StreamId, StreamId] = [FIRST_ID, FIRST_ID]
  /** A reader that received this one, or a later one, can continue. */
  let covered: StreamId = FIRST_ID
  let coveredAt = 0
  /** An entry was skipped: what is read after it gives nobody a place behind it. */
  let isUnsure = false
  let [start, end] = [0, 0]
  const told: Told[] = []
  let listener: FeedListener | undefined
  /** When each revocation was read first, by its name: a new log has copies of what the old one had. */
  const firstRead = new BoundedMap<number>(room)

  function cover (id: StreamId, at: number): void {
    covered = id
    coveredAt = Math.max(coveredAt, at)
  }
  function reset (id: StreamId, at: number): void {
    start = end
    isUnsure = false
    cover(id, at)
    listener?.reset()
  }
  /** A copy keeps its time, so that a session that began after the revocation is none of those it ended. */
  function timeOf (of: string | undefined, at: number): number {
    if (of === undefined) return at
    const first = Math.min(at, firstRead.get(of.replace(OF_ALL, '')) ?? at)
    firstRead.set(of, first)
    return first
  }
  function passed (id: StreamId): void {
    seen = id
    if (!isUnsure) newest = id
  }
  return Object.freeze({
    /** @param first a reader that received this one can continue */
    begins (name: string, since: number, first: StreamId = `${Math.floor(since)}-0`): void {
      log = name
      seen = newest = FIRST_ID
      reset(first, since)
    },
    read ({ id, of, revocation }: Parameters<LogReader['read']>[0], readAt: number): void {
      passed(id)
      if (isSignIn(revocation)) return
      const { target, origin } = revocation
      const at = timeOf(of, readAt)
      if (end - start === room) {
        const oldest = told[start % room]
        if (oldest !== undefined) cover(oldest.id, oldest.at)
        start++
      }
      told[end++ % room] = { id, target, origin, at, hasPlace: !isUnsure }
      listener?.told()
    },
    passed,
    skipped (id: StreamId): void {
      seen = id
      isUnsure = true
    },
    lost (at: number): void {
      newest = seen
      reset(newest, at)
    },
    /** Number of events since the start. */
    end: () => end,
    /** The oldest number that can be sent again. */
    start: () => start,
    at: (number: number): Told | undefined => number >= start && number < end ? told[number % room] : undefined,
    /** Position of a reader that has received everything. */
    place: (): Place => ({ log, id: newest }),
    /** @returns the number to continue with; undefined if missed events are gone */
    after ({ log: name, id }: Place): number | undefined {
      const isCovered = name === log && !isUnsure && compareIds(id, covered) >= 0 && compareIds(id, newest) <= 0
      return isCovered ? firstAfter(id) : undefined
    },
    /** Milliseconds since 1970 from which on all are here. */
    coversSince: () => coveredAt,
    listen (one: FeedListener): void { listener = one }
  })

  /** By halves: ids only rise. */
  function firstAfter (id: StreamId): number {
    let [low, high] = [start, end]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const one = told[middle % room]
      if (one !== undefined && compareIds(one.id, id) > 0) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** A place as text: of which secret the names are, the log, the id. */
export function writePlace (secret: string, { log, id }: Place): string {
  return `${secret}.${log}.${id}`
}

const PLACE = /^([0-9a-f]{16})\.([0-9a-f]{1,64})\.(\d{1,20}-\d{1,20})$/

/** @returns undefined if malformed, or under another secret, whose names are not sent here */
export function readPlace (secret: string, text: string): Place | undefined {
  const [, own, log, id] = PLACE.exec(text) ?? []
  return own !== secret || log === undefined || id === undefined ? undefined : { log, id: plain(id) }
}

/** Without leading zeros, as Redis writes it. */
const plain = (id: string): StreamId => id.split('-').map((part) => String(BigInt(part))).join('-')
