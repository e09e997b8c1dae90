import type { Http2Session } from 'node:http2'
import { HEADERS_TIMEOUT_MS, MAX_HEADER_BYTES } from './limits.ts'
import type { Held, Owner, Unfinished } from './unfinished.ts'

/** Of a session, fewer bytes are not asked about. */
const FEW_BYTES = 4 * 1024
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
    const more = Math.min(bytes - provenBytes, MAX_HEADER_BYTES) - held.bytes
    if (more > 0) { unfinished.feed(held); unfinished.grow(held, more) }
    if (now() - asked.at > HEADERS_TIMEOUT_MS) session.destroy()
  }
}
