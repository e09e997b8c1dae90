import type { Server as NetServer, Socket } from 'node:net'
import type { RequestListener, Server } from 'node:http'
import { createSecureServer } from 'node:http2'
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { endIdle } from './idle.ts'
import { applyHttp1Limits, boundConnections, HTTP1_OPTIONS, HTTP2_OPTIONS, WITHOUT_SCHEMAS } from './limits.ts'
import { trackConnections, type Drain } from './drain.ts'
import { createServer } from './node-http.ts'
import { serverContextOf, type TlsMaterial } from './tls.ts'
import { endAndLinger } from './respond.ts'
import { type AbandonedInputs, stopParsing } from './body.ts'
import { boundHeads } from './unfinished-heads.ts'
import { boundStreams } from './unfinished-streams.ts'
import type { Unfinished } from './unfinished.ts'
import {
  answerRoutes, type BodyTaker, byFastify, createBodyExchange, createExchange, endOnError, type ExchangeDeps,
  type FastifyHandler
} from './exchange.ts'
import { ALL_METHODS, routerPathOf, WEBHOOK_PATH, type Route } from './paths.ts'

export type ListenerDeps = ExchangeDeps & Readonly<{
  /** Undefined = plain HTTP/1.1; else TLS with HTTP/2 and HTTP/1.1 by ALPN. */
  tls: TlsMaterial | undefined
  bounds: ListenerBounds
}>

export type ListenerBounds = Readonly<{
  /** The budget of all listeners together. */
  unfinished: Unfinished
  /** The limit of one listener without TLS; a quarter with it: each keeps keys, buffers and a session of HTTP/2. */
  maxConnections: number
  /** See `streamDeadlineMs`. */
  streamMs: number
}>

export type Listener = Readonly<{ fastify: FastifyInstance, drain: Drain }>

export type ListenAt = Readonly<{ host: string, port: number } | { path: string }>

/** A listener of any make, as a replica opens it, renews its certificate and drains it. */
export type AnyListener = Readonly<{
  listen: (at: ListenAt) => Promise<unknown>
  /** The server that listens: it has `setSecureContext` where it speaks TLS. */
  server: NetServer
  drain: Drain
}>

export const anyListener = ({ fastify, drain }: Listener): AnyListener =>
  Object.freeze({ listen: (at: ListenAt) => fastify.listen(at), server: fastify.server, drain })

/**
 * Builds a listener for these routes without opening it. On the main listener only an allowed request, a signed
 * webhook, public documents (metadata of resources, the key set) and the page after a sign-out may be a 2xx.
 */
export function buildListener (deps: ListenerDeps, routes: readonly Route[], webhook?: BodyTaker): Listener {
  const abandoned: AbandonedInputs = new WeakSet()
  const exchange = createExchange(deps, abandoned)
  const app = fastify({
    ...OPTIONS, serverFactory: (otherwise) => serverOf(deps.tls, answerRoutes(routes, exchange, otherwise))
  })
  applyHttp1Limits(app.server)
  answerExpectations(app.server)
  addFallbacks(app, deps, exchange('other'), webhook && createBodyExchange(deps, abandoned, webhook))
  boundPeers(app.server, deps)
  return Object.freeze({ fastify: app, drain: trackConnections(app.server) })
}

/** As any request: a body is never asked for, and Node's own 417 would go on parsing after one. */
function answerExpectations (server: FastifyInstance['server']): void {
  for (const event of ['checkContinue', 'checkExpectation']) {
    server.on(event, (request, response) => { server.emit('request', request, response) })
  }
}

/** What no route takes: the webhook, and the rest. No method has a body here, so that Fastify never looks for one. */
function addFallbacks (
  app: FastifyInstance, deps: ListenerDeps, other: RequestListener, webhook: FastifyHandler | undefined
): void {
  for (const name of ALL_METHODS) app.addHttpMethod(name, { hasBody: false, overrideExisting: true })
  if (webhook !== undefined) app.route({ method: 'POST', url: WEBHOOK_PATH, handler: webhook })
  const notFound = byFastify(other)
  app.setNotFoundHandler(notFound)
  app.setErrorHandler(endOnError(deps, notFound))
}

/** Peers need no session to reach a listener: what all of them together make it hold is bounded. */
function boundPeers (
  server: FastifyInstance['server'],
  { tls, bounds: { unfinished, maxConnections, streamMs } }: ListenerDeps
): void {
  const event = tls === undefined ? 'connection' : 'secureConnection'
  boundHeads(server, unfinished)
  if (tls !== undefined) boundStreams(server, unfinished, streamMs)
  boundConnections(server, event, tls === undefined ? maxConnections : maxConnections / 4)
  endIdle(server, event)
}

const OPTIONS = {
  ...WITHOUT_SCHEMAS,
  logger: false,
  return503OnClosing: false,
  forceCloseConnections: false,
  clientErrorHandler: refuseUnreadable,
  rewriteUrl: routerPathOf
} satisfies FastifyServerOptions

const UNREADABLE: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout'
}

/** A connection that does not speak HTTP gets one short answer and no second chance. */
function refuseUnreadable (error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) { socket.destroy(); return }
  const status = UNREADABLE[error.code ?? ''] ?? '400 Bad Request'
  stopParsing(socket)
  endAndLinger(
    socket,
    `HTTP/1.1 ${status}\r\nCache-Control: no-store\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
  )
}

type SecureListener = Parameters<typeof createSecureServer>[1]

/**
 * Node's server of a listener; one of HTTP/2 has the members of HTTP/1.1's that are used here. `trackConnections` ends
 * its sessions: Node's own time-out would keep each in memory until it fires, even one that has ended.
 * @param tls undefined: plain HTTP/1.1
 */
export function serverOf (tls: TlsMaterial | undefined, answer: RequestListener): Server {
  if (tls === undefined) return createServer(HTTP1_OPTIONS, answer)
  const server = createSecureServer({ ...HTTP2_OPTIONS, ...serverContextOf(tls) }, answer as unknown as SecureListener)
  return server as unknown as Server
}
