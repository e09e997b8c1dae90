import type { EventEmitter } from 'node:events'
import { constants, type Http2Session, type ServerHttp2Stream } from 'node:http2'
import { type Held, type Owner, ownerOf, type Unfinished } from './unfinished.ts'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { HEADERS_TIMEOUT_MS, headSize, HTTP2_BYTES_PER_TEXT, MAX_HEADER_BYTES } from './limits.ts'

/** Measured: 7.6 kB of heap for a request under way; its head is held as a string and once more in the session. */
const BYTES_PER_STREAM = 8 * 1024
const BYTES_PER_HEAD_BYTE = 2
/** Between looks for streams that are over their deadline, and for frames that nobody reads. */
const LOOK_INTERVAL_MS = 100
/** Frames that a session may owe, unread: answers, and refusals of more streams, of which no event tells. */
const MAX_OWED_FRAMES = 1000

type Open = Readonly<{ held: Held, begunAt: number }>

/**
 * Streams of HTTP/2 that are not over: unfinished requests, and answers that nobody reads. One ends by the deadline,
 * whatever progress it makes.
 * @param sessions what emits `session`
 * @param deadlineMs see `streamDeadlineMs`
 * @returns for what a stream sends beside its head
 */
export function boundStreams (
  sessions: EventEmitter,
  unfinished: Unfinished,
  deadlineMs: number
): (stream: ServerHttp2Stream, bytes: number) => void {
  const open = new Map<ServerHttp2Stream, Open>()
  const living = new Map<Http2Session, () => void>()
  sessions.on('session', (session: Http2Session) => {
    // kept, since a session that is destroyed has no socket any more
    const owner = ownerOf(session.socket?.remoteAddress, () => session.destroy())
    living.set(session, createHeadBlockCheck(session, owner, unfinished))
    session.once('close', () => {
      living.delete(session)
      for (const held of owner.holds) unfinished.release(held)
    })
    session.on('stream', (stream: ServerHttp2Stream, _headers, _flags, rawHeaders: readonly string[]) => {
      const held = unfinished.hold(owner, streamBytes(rawHeaders))
      open.set(stream, { held, begunAt: performance.now() })
      stream.once('close', () => { open.delete(stream); unfinished.release(held) })
    })
  })
  const collect = createCollector(unfinished.maxBytes)
  const look = (): void => {
    if (living.size > 0) collect()
    const oldest = performance.now() - deadlineMs
    for (const [stream, { begunAt }] of open) {
      if (begunAt > oldest) break
      endStream(stream)
    }
    for (const [session, checkHead] of living) {
      checkHead()
      if ((session.state.outboundQueueSize ?? 0) > MAX_OWED_FRAMES) session.destroy()
    }
  }
  setInterval(look, Math.min(LOOK_INTERVAL_MS, deadlineMs / 2)).unref()
  return (stream, bytes) => {
    const known = open.get(stream)
    if (known !== undefined) unfinished.grow(known.held, bytes)
  }
}

/** The bytes of a stream with such a head. */
export const streamBytes = (rawHeaders: readonly string[]): number =>
  BYTES_PER_STREAM + headSize(rawHeaders, HTTP2_BYTES_PER_TEXT, BYTES_PER_HEAD_BYTE)

/** A peer that does not read gets no reset either: a stream that remains at the next check closes its session. */
function endStream (stream: ServerHttp2Stream): void {
  if (stream.closed) stream.session?.destroy()
  else stream.close(constants.NGHTTP2_CANCEL)
}

/** From here on V8 does so automatically. */
const BY_ITSELF_BYTES = 64 * 2 ** 20
/** A collection stops everything for some 50 ms in a small heap: a stranger can cause one a second. */
const INTERVAL_MS = 1000

/**
 * Heads of HTTP/2 are strings outside of V8's heap, and V8 collects for their sake after 64 MiB only: half of a small
 * container. This collects earlier.
 * @returns to call from time to time
 */
function createCollector (maxGrowthBytes: number, now = () => performance.now()): () => void {
  if (maxGrowthBytes >= BY_ITSELF_BYTES) return () => {}
  let least = Infinity
  let collectedAt = -Infinity
  let collect: (() => void) | undefined
  return () => {
    const bytes = getHeapStatistics().external_memory
    least = Math.min(least, bytes)
    if (bytes - least <= maxGrowthBytes || now() - collectedAt < INTERVAL_MS) return
    collect ??= garbageCollector()
    collect()
    collectedAt = now()
    least = getHeapStatistics().external_memory
  }
}

/** Without a flag at the start V8 gives it to new contexts alone. */
function garbageCollector (): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

/** Sessions with fewer bytes are not asked about: they hold some 50 KiB in lines. */
const FEW_BYTES = 512
/** A line with texts of its own takes no fewer (RFC 7541, section 6.2.2), and counts 32 more in the bound. */
const [LEAST_BYTES_OF_LINE, MOST_LINES] = [4, MAX_HEADER_BYTES / 34]
/** An answer that came while this process stood still is read before the second look. */
const LOOKS_BEFORE_COUNTED = 2

type Peer =
  & Pick<Http2Session, 'closed' | 'destroyed' | 'ping' | 'destroy'>
  & Readonly<{ socket?: { bytesRead: number } }>
type Asked = { readonly bytes: number, readonly at: number, looks: number }

/**
 * A head of HTTP/2 that does not end: no event tells of its frames, of which nghttp2 takes nine and Node keeps 64 KiB.
 * Nothing else may come within it (RFC 9113, section 6.10): who answers a PING has ended each head that came before.
 * @returns to call from time to time
 */
export function createHeadBlockCheck (
  session: Peer,
  owner: Owner,
  unfinished: Unfinished,
  now = () => performance.now()
): () => void {
  let provenBytes = 0
  let asked: Asked | undefined
  let held: Held | undefined
  const settle = (bytes: number): void => {
    if (held !== undefined) unfinished.release(held)
    held = asked = undefined
    provenBytes = bytes
  }
  return () => {
    const bytes = session.socket?.bytesRead ?? 0
    if (session.closed) return settle(bytes) // it takes no new head, and answers no PING
    if (session.destroyed || bytes - provenBytes < FEW_BYTES) return
    if (asked === undefined) {
      asked = { bytes, at: now(), looks: 0 }
      session.ping((error: Error | null) => { if (error === null) settle(bytes) })
      return
    }
    if (++asked.looks < LOOKS_BEFORE_COUNTED) return
    held ??= unfinished.hold(owner, 0)
    const more = headBlockBytes(bytes - provenBytes) - held.bytes
    if (more > 0) { unfinished.feed(held); unfinished.grow(held, more) }
    if (now() - asked.at > HEADERS_TIMEOUT_MS) session.destroy()
  }
}

/** The most that a head of so many bytes may take: nothing tells how many lines it has. */
function headBlockBytes (bytes: number): number {
  const lines = Math.min(bytes / LEAST_BYTES_OF_LINE, MOST_LINES)
  return Math.min(bytes, MAX_HEADER_BYTES) + Math.floor(lines) * 2 * HTTP2_BYTES_PER_TEXT
}
