import type { Server, ServerResponse } from 'node:http'
import type { Http2SecureServer } from 'node:http2'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { WAITING_BYTES_PER_HEAD_BYTE } from '../core/memory-budget.ts'

/** Bytes; Caddy and Traefik let through more than Node's 16 KiB. */
export const MAX_HEADER_BYTES = 64 * 1024
/** Longer than any proxy's (nginx 60 s, Traefik 90 s, Caddy 120 s), so that the proxy closes first. */
export const KEEP_ALIVE_MS = 130_000
/** From the first byte of a connection or request to the end of its head: proxies send a head in one piece. */
export const HEADERS_TIMEOUT_MS = 20_000
/** From the first byte of a request to the end of what it declares. */
const REQUEST_TIMEOUT_MS = 30_000
/**
 * The deadline of a stream of HTTP/2, which is over with its answer.
 * @param timeoutMs AUTHGEAR_TIMEOUT: an answer may take it for another replica's, for our own, and for each once more
 */
export const streamDeadlineMs = (timeoutMs: number): number => REQUEST_TIMEOUT_MS + 4 * timeoutMs
/** Between checks for connections that are over these limits; Node's 30 s would double them. */
const CHECK_INTERVAL_MS = 5000
/** Node's default is 120 s. */
export const HANDSHAKE_TIMEOUT_MS = 10_000
/** Lines of one head. Node's parser silently drops those beyond, so a request with this many is refused. */
export const MAX_HEADER_LINES = 4000

/**
 * A name or a value of a head that is not whole takes so many bytes of V8's heap beside its text: Node's parser hands
 * over 32 lines at a time. Measured: 76 KiB for a head of 8,150 bytes in lines of 7.
 */
export const BYTES_PER_TEXT = 32
/** The most that Node keeps of a head that is not whole. */
export const MAX_HELD_HEAD_BYTES = MAX_HEADER_BYTES + 2 * MAX_HEADER_LINES * BYTES_PER_TEXT
/** The same of a whole head over HTTP/2: 66 of heap (measured), the rest in nghttp2's and Node's buffers. */
export const HTTP2_BYTES_PER_TEXT = 240

/** The bytes of memory that the names and values of a head take. */
export function headSize (rawHeaders: readonly string[], bytesPerText: number, bytesPerCharacter = 1): number {
  let bytes = 0
  for (const text of rawHeaders) bytes += bytesPerText + text.length * bytesPerCharacter
  return bytes
}

/**
 * The bytes of a head for the budget of what waits, which multiplies them: what waits over HTTP/2 is refused before its
 * session is over the budget of what is not finished, and ends.
 */
export const waitingHeadBytes = (rawHeaders: readonly string[], bytesPerText = BYTES_PER_TEXT): number =>
  headSize(rawHeaders, bytesPerText / WAITING_BYTES_PER_HEAD_BYTE)

/** Characters of a host that a stranger may have written, in a line of the log. */
export const LONGEST_HOST = 100

/** The options of a plain server. */
export const HTTP1_OPTIONS = {
  maxHeaderSize: MAX_HEADER_BYTES,
  keepAliveTimeout: KEEP_ALIVE_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  requireHostHeader: true
} as const

/** The limit of one connection: proxies open another one beyond, and what a single one can make us hold is bounded. */
const MAX_STREAMS = 200

/** The options of HTTP/2 beside a certificate: the peer is our proxy, and everybody behind it shares its session. */
export const HTTP2_OPTIONS = {
  allowHTTP1: true,
  handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  // else a line whose value ends in a blank, even a policy's, is silently dropped
  strictFieldWhitespaceValidation: false,
  // Node's 128 make Traefik answer 500 to people with some 115 cookies, since Go splits them; a longer list is refused,
  // not cut
  maxHeaderListPairs: MAX_HEADER_LINES,
  // without it one anonymous request with a 150 kB cookie stalls the session
  settings: { maxHeaderListSize: MAX_HEADER_BYTES, maxConcurrentStreams: MAX_STREAMS },
  // as many heads as those, and what is under way beside them
  maxSessionMemory: 32,
  // a stream that its client gave up counts until Node has forgotten it: one too many is refused alone, and by Node's
  // 100 in a row everybody would lose the session
  maxSessionRejectedStreams: 10_000,
  // clients that hang up would else cost everybody the session
  streamResetBurst: 100_000,
  streamResetRate: 10_000
} as const

/** Sets them before it listens: a server of HTTP/2 passes none on to its side of HTTP/1.1. */
export function applyHttp1Limits (server: FastifyInstance['server']): void {
  Object.assign(server as Server | Http2SecureServer, {
    maxHeaderSize: MAX_HEADER_BYTES,
    maxHeadersCount: MAX_HEADER_LINES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    requireHostHeader: true
  })
}

/** No route has a schema. */
function refuseSchema (): never {
  throw new Error('a route has a schema, and there is nothing that compiles one')
}

/** Its compilers of JSON schemas are not even loaded (docs/inside/decisions/157-of-undici-only-its-pool.md). */
export const WITHOUT_SCHEMAS = {
  schemaController: { compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema } }
} as const satisfies FastifyServerOptions

/** Connections that are looked at to make room for one. */
const MAX_LOOKS = 64

/** Node keeps the answer under way here. */
export type Http1Socket = Socket & { _httpMessage?: ServerResponse | null }

export const isAnswering = ({ _httpMessage: answer }: Http1Socket): boolean => answer != null

/** True until the answer under way is made; from then on it is its client's to read. */
export const isAwaited = ({ _httpMessage: answer }: Http1Socket): boolean => answer?.writableEnded === false

/** Bytes that went either way: they stay as they are while a client sends nothing, and reads nothing of its answers. */
export const movedBytes = ({ bytesRead, bytesWritten, writableLength }: Socket): number =>
  bytesRead + bytesWritten - writableLength

/**
 * So many connections at most: the new one takes the place of one on which nothing moved since it was last looked at,
 * and that waits for no answer. Where there is none, the new one goes.
 * @param event by which a listener says that there is a new one
 */
export function boundConnections (
  server: EventEmitter,
  event: 'connection' | 'secureConnection',
  maxConnections: number
): void {
  /** Bytes that had moved on each, in the order of looks. */
  const known = new Map<Http1Socket, number>()
  function makeRoom (): boolean {
    let looks = Math.min(MAX_LOOKS, known.size)
    for (const [socket, bytes] of known) {
      if (looks-- === 0) return false
      known.delete(socket)
      const moved = movedBytes(socket)
      if (moved === bytes && !isAwaited(socket)) return socket.destroy() !== undefined
      known.set(socket, moved)
    }
    return false
  }
  server.on(event, (socket: Http1Socket) => {
    if (known.size >= maxConnections && !makeRoom()) { socket.destroy(); return }
    known.set(socket, 0)
    socket.once('close', () => known.delete(socket))
  })
}
