import { type EventEmitter, once } from 'node:events'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import {
  createServer as createHttp2Server, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream
} from 'node:http2'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { trackConnections } from '../../base/http/drain.ts'
import { boundConnections, HANDSHAKE_TIMEOUT_MS, HTTP2_OPTIONS } from '../../base/http/limits.ts'
import type { AnyListener, ListenAt, ListenerBounds } from '../../base/http/listener.ts'
import { boundHandshakes } from '../../base/http/unfinished-heads.ts'
import { boundStreams } from '../../base/http/unfinished-streams.ts'
import type { Unfinished } from '../../base/http/unfinished.ts'
import { serverContextOf, type TlsMaterial } from '../../base/http/tls.ts'
import type { GrpcExchange } from './exchange.ts'
import type { Health } from './health.ts'
import { NO_SERVICE, serveUnary, type Unary } from './unary.ts'

export type GrpcListenerDeps = Readonly<{
  exchange: GrpcExchange
  health: Health
  tls: TlsMaterial | undefined
  bounds: ListenerBounds
}>

/** Shorter limits of tests, which cannot wait for the usual ones. */
export type GrpcLimits = Readonly<{ streamMs?: number, sessionMs?: number, pingMs?: number }>

export const CHECK_PATH = '/envoy.service.auth.v3.Authorization/Check'
const HEALTH_PATH = '/grpc.health.v1.Health/Check'

/** An Envoy opens one for each of its threads. */
const MAX_CONNECTIONS = 1024
/** Between PINGs to a peer. */
const PING_INTERVAL_MS = 15_000
/** In a row: an answer that came while this process stood still is read before the second. */
const MAX_UNANSWERED_PINGS = 2

/** `envoy.service.auth.v3.Authorization` and `grpc.health.v1.Health`; listens nowhere yet. */
export function buildGrpcListener (
  { exchange, health, tls, bounds }: GrpcListenerDeps, limits: GrpcLimits = {}
): AnyListener {
  const unaries = new Map<string, Unary>([
    [CHECK_PATH, exchange],
    [HEALTH_PATH, (message) => health.check(message) ?? NO_SERVICE]
  ])
  const sessions = sessionsOf(unaries, bounds.unfinished, limits.streamMs ?? bounds.streamMs)
  endDeadSessions(sessions, limits.pingMs ?? PING_INTERVAL_MS)
  const server = front(tls, (socket) => sessions.emit('connection', socket))
  if (tls !== undefined) boundHandshakes(server, bounds.unfinished)
  const event = tls === undefined ? 'connection' : 'secureConnection'
  boundConnections(server, event, Math.min(MAX_CONNECTIONS, bounds.maxConnections / 2))
  return Object.freeze({
    listen: (at: ListenAt) => once(server.listen(at), 'listening'),
    server,
    drain: trackConnections(server, limits.sessionMs, sessions)
  })
}

/** TLS is ours too, so that its files are read again, and its limits are those of the main listener. */
function front (tls: TlsMaterial | undefined, inject: (socket: Socket) => void): NetServer | TlsServer {
  if (tls === undefined) return createServer({ noDelay: true }, inject)
  return createTlsServer({
    ...serverContextOf(tls),
    ALPNProtocols: ['h2'],
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    noDelay: true
    // without ALPN Node would read it as HTTP/1.1, which this server has not: the process would end
  }, (socket) => socket.alpnProtocol === 'h2' ? inject(socket) : socket.destroy())
}

/** HTTP/2 over the connections that are emitted on it, with the main listener's bounds. */
function sessionsOf (unaries: ReadonlyMap<string, Unary>, unfinished: Unfinished, streamMs: number): EventEmitter {
  const sessions = createHttp2Server(HTTP2_OPTIONS)
  const count = boundStreams(sessions, unfinished, streamMs)
  /** Kept, since a session that has ended throws where it is asked. */
  const peers = new WeakMap<Http2Session, string | undefined>()
  sessions.on('session', (session: Http2Session) => peers.set(session, session.socket.remoteAddress))
  return sessions.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const unary = isCall(headers) ? unaries.get(headers[':path'] ?? '') : undefined
    if (unary === undefined || stream.session === undefined) return refuse(stream)
    const peer = peers.get(stream.session)
    serveUnary(stream, headers, (message) => unary(message, peer), (bytes) => count(stream, bytes))
  })
}

/** A peer that disappeared silently is noticed within a minute. */
function endDeadSessions (sessions: EventEmitter, intervalMs: number): void {
  sessions.on('session', (session: Http2Session) => {
    let unanswered = 0
    const timer = setInterval(() => {
      // one that is closing is asked nothing, and its streams have a deadline
      if (session.closed || session.destroyed) return
      if (unanswered === MAX_UNANSWERED_PINGS) return session.destroy()
      unanswered++
      session.ping((error: Error | null) => { if (error === null) unanswered = 0 })
    }, intervalMs).unref()
    session.once('close', () => clearInterval(timer))
  })
}

const GRPC = /^application\/grpc(?:$|[+;])/

/** Any gRPC answer, an error too, is 200 to a proxy that asks by HTTP: it must not reach one. */
function isCall ({ ':method': method, 'content-type': type = '', te }: IncomingHttpHeaders): boolean {
  return method === 'POST' && GRPC.test(type) && te === 'trailers'
}

function refuse (stream: ServerHttp2Stream): void {
  stream.on('error', () => {})
  if (stream.destroyed) return
  stream.respond({ ':status': 404, 'cache-control': 'no-store' }, { endStream: true })
  stream.resume()
}
