import type { EventEmitter } from 'node:events'
import { constants, type Http2Session, type ServerHttp2Stream } from 'node:http2'
import { createCollector } from './external-memory.ts'
import { createHeadBlockCheck } from './unfinished-head-blocks.ts'
import { type Held, ownerOf, type Unfinished } from './unfinished.ts'

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
      let bytes = BYTES_PER_STREAM
      for (const text of rawHeaders) bytes += text.length * BYTES_PER_HEAD_BYTE
      const held = unfinished.hold(owner, bytes)
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

/** Where nobody reads, not even this is sent: what is still there at the next look takes its session with it. */
function endStream (stream: ServerHttp2Stream): void {
  if (stream.closed) stream.session?.destroy()
  else stream.close(constants.NGHTTP2_CANCEL)
}
