import type { EventEmitter } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { constants, type Http2SecureServer, type Http2Session } from 'node:http2'
import { Server as NetServer, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Http1Socket, isAnswering } from './limits.ts'

export type Drain = Readonly<{
  /** Requests under way get their answer, connections end; what is left after `graceMs` is destroyed. */
  drain: (graceMs: number) => Promise<void>
}>

/** Between checks for connections that have become idle. */
const IDLE_CHECK_INTERVAL_MS = 50
/** After this a session's client is asked to open a new one, so that load spreads over new replicas. */
const SESSION_AGE_MS = 60_000
const SESSION_JITTER = 0.2

/** Deadline for a request's head to arrive after the listener has closed. */
const HEAD_NOTICE_MS = 1000

/** From the GOAWAY to the end of the connection: longer than a round trip to a proxy. */
const GOAWAY_NOTICE_MS = 250

type ListeningServer = Server | Http2SecureServer | NetServer

/**
 * Streams that a client gave up, after which a session is replaced: at 1,000 nghttp2 would end it with an error for
 * everybody behind it.
 */
const MAX_CANCELLED = 500

/**
 * Node ends neither HTTP/2 sessions nor connections that never carried a request: both are tracked here.
 * @param sessionsOf what has the sessions, where it is another than what listens
 */
export function trackConnections (
  server: ListeningServer,
  sessionAgeMs = SESSION_AGE_MS,
  sessionsOf: EventEmitter = server
): Drain {
  const sockets = new Set<Socket>()
  const unused = new Set<Socket>()
  /** Connections that speak HTTP/1.1. */
  const http1 = new Set<Http1Socket>()
  const sessions = new Set<Http2Session>()
  let draining = false
  server.on('connection', isPlainHttp(server)
    ? (socket: Socket) => keep(socket, sockets, http1)
    : (socket: Socket) => keep(socket, sockets))
  // a connection that speaks HTTP/2 is its session's business
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol !== 'h2') keep(socket, unused, http1)
  })
  // over plain HTTP a connection that carried nothing shows by its bytes: no listener of ours on the hot path
  if (speaksTls(server)) {
    server.prependListener('request', (request: IncomingMessage) => {
      if (request.httpVersionMajor === 1) unused.delete(request.socket)
    })
  }
  sessionsOf.on('session', (session: Http2Session) => {
    keepSession(sessions, session, sessionAgeMs)
    if (draining) retire(session)
  })
  return Object.freeze({
    async drain (graceMs: number): Promise<void> {
      draining = true
      server.prependListener('request', (_request, response: ServerResponse) => { response.shouldKeepAlive = false })
      for (const socket of http1) tellLast(socket)
      const closed = new Promise<void>((resolve) => stopListening(server, resolve))
      for (const session of sessions) retire(session)
      for (const socket of unused) socket.destroy()
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
      const late = setTimeout(() => { for (const socket of http1) destroyUnlessAnswering(socket) }, HEAD_NOTICE_MS)
      await endAll(server, sockets, closed, graceMs)
      clearTimeout(late)
    }
  })
}

/**
 * From Node 24 on `Http2SecureServer.close` also closes every session at once, which would be the second GOAWAY without
 * the first.
 */
function stopListening (server: ListeningServer, done: () => void): void {
  NetServer.prototype.close.call(server, done)
}

function speaksTls (server: ListeningServer): boolean {
  return 'setSecureContext' in server
}

function isPlainHttp (server: ListeningServer): boolean {
  return !speaksTls(server) && 'closeIdleConnections' in server
}

/** A client that never finishes a head must not hold up the shutdown. */
function destroyUnlessAnswering (socket: Http1Socket): void {
  if (!isAnswering(socket)) socket.destroy()
}

/** The answer under way says that its connection ends with it, unless it has begun. */
function tellLast ({ _httpMessage: answer }: Http1Socket): void {
  if (answer?.headersSent === false) answer.shouldKeepAlive = false
}

/** By one listener for all sets: Node warns of an eleventh. */
function keep (socket: Socket, ...sets: ReadonlyArray<Set<Socket>>): void {
  for (const set of sets) set.add(socket)
  socket.once('close', () => { for (const set of sets) set.delete(socket) })
}

function keepSession (sessions: Set<Http2Session>, session: Http2Session, ageMs: number): void {
  sessions.add(session)
  const timer = setTimeout(() => retire(session), ageMs * (1 + SESSION_JITTER * (2 * Math.random() - 1)))
  session.once('close', () => { clearTimeout(timer); sessions.delete(session) })
  let cancelled = 0
  session.on('stream', (stream) => stream.once('close', () => {
    if (stream.rstCode === constants.NGHTTP2_CANCEL && ++cancelled === MAX_CANCELLED) retire(session)
  }))
}

/**
 * GOAWAY first and the end of the connection once the client has read it: a closed socket would be a reset, which it
 * may not ask again after. It names the last stream that is answered, since Node answers none that comes after it,
 * whatever it names (RFC 9113, section 6.8): the client asks those again elsewhere, without waiting. A handler may have
 * run for one of those: to ask again must be harmless, as it is for a check.
 */
function retire (session: Http2Session): void {
  if (session.closed || session.destroyed) return
  session.goaway(constants.NGHTTP2_NO_ERROR)
  const timer = setTimeout(() => session.close(), GOAWAY_NOTICE_MS)
  session.once('close', () => clearTimeout(timer))
}

async function endAll (
  server: ListeningServer,
  sockets: Set<Socket>,
  closed: Promise<void>,
  graceMs: number
): Promise<void> {
  const grace = sleep(graceMs, 'over', { ref: false })
  const looks = setInterval(() => {
    if ('closeIdleConnections' in server) server.closeIdleConnections()
  }, IDLE_CHECK_INTERVAL_MS)
  await Promise.race([closed, grace])
  clearInterval(looks)
  for (const socket of sockets) socket.destroy()
  await closed
}
