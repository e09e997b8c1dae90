import type { Server as NetServer, Socket } from 'node:net'
import type { Http2SecureServer } from 'node:http2'
import fastify, { type FastifyHttp2SecureOptions, type FastifyInstance, type FastifyServerOptions } from 'fastify'
import {
  applyHttp1Limits, boundConnections, HTTP1_OPTIONS, HTTP2_OPTIONS, HTTP2_SESSION_TIMEOUT, WITHOUT_SCHEMAS
} from './limits.ts'
import { trackConnections, type Drain } from './drain.ts'
import { METHODS } from './node-http.ts'
import { serverContextOf, type TlsMaterial } from './tls.ts'
import { requestIds } from './request.ts'
import { endAndLinger } from './respond.ts'
import { type AbandonedInputs, stopParsing } from './body.ts'
import { boundHeads } from './unfinished-heads.ts'
import { boundStreams } from './unfinished-streams.ts'
import type { Unfinished } from './unfinished.ts'
import { createBodyExchange, createExchange, endOnError, type BodyTaker, type ExchangeDeps } from './exchange.ts'
import { createCanonicalPath, routerPathOf, WEBHOOK_PATH, type Route } from './paths.ts'

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
 * webhook and public documents (metadata of resources, the key set) may be answered with 2xx.
 */
export function buildListener (deps: ListenerDeps, routes: readonly Route[], webhook?: BodyTaker): Listener {
  // the router sees no query: nothing of the URL is read but by our own code
  const app = fastify({ ...optionsOf(deps), rewriteUrl: createCanonicalPath(routes) })
  applyHttp1Limits(app.server)
  answerExpectations(app.server)
  addRoutes(app, deps, routes, webhook)
  boundPeers(app.server, deps)
  return Object.freeze({ fastify: app, drain: trackConnections(app.server) })
}

/** As any request: a body is never asked for, and Node's own 417 would go on parsing after one. */
function answerExpectations (server: FastifyInstance['server']): void {
  for (const event of ['checkContinue', 'checkExpectation']) {
    server.on(event, (request, response) => { server.emit('request', request, response) })
  }
}

/** No method has a body here, so that Fastify never looks for one. */
function addRoutes (app: FastifyInstance, deps: ListenerDeps, routes: readonly Route[], webhook?: BodyTaker): void {
  const all = METHODS.filter((name) => name !== 'CONNECT')
  for (const name of all) app.addHttpMethod(name, { hasBody: false, overrideExisting: true })
  const abandoned: AbandonedInputs = new WeakSet()
  const exchange = createExchange(deps, abandoned)
  for (const [index, { endpoint, handler, methods = all }] of routes.entries()) {
    const [method, url] = [[...methods], routerPathOf(index)]
    app.route({ method, url, exposeHeadRoute: false, handler: exchange(endpoint, handler) })
  }
  if (webhook !== undefined) {
    app.route({ method: 'POST', url: WEBHOOK_PATH, handler: createBodyExchange(deps, abandoned, webhook) })
  }
  const notFound = exchange('other')
  app.setNotFoundHandler(notFound)
  app.setErrorHandler(endOnError(deps, notFound))
}

/** Peers need no session to reach a listener: what all of them together make it hold is bounded. */
function boundPeers (
  server: FastifyInstance['server'],
  { tls, bounds: { unfinished, maxConnections, streamMs } }: ListenerDeps
): void {
  boundHeads(server, unfinished)
  if (tls === undefined) return boundConnections(server, 'connection', maxConnections)
  boundStreams(server, unfinished, streamMs)
  boundConnections(server, 'secureConnection', maxConnections / 4)
}

type Http2Options = FastifyHttp2SecureOptions<Http2SecureServer>

function optionsOf ({ tls }: ListenerDeps): FastifyServerOptions {
  const common = {
    ...WITHOUT_SCHEMAS,
    logger: false,
    genReqId: requestIds(),
    return503OnClosing: false,
    forceCloseConnections: false,
    clientErrorHandler: refuseUnreadable
  } satisfies FastifyServerOptions
  if (tls === undefined) return { ...common, ...HTTP1_OPTIONS }
  const https = { ...HTTP2_OPTIONS, ...serverContextOf(tls) }
  const secure = { ...common, http2: true, https, http2SessionTimeout: HTTP2_SESSION_TIMEOUT } satisfies Http2Options
  return secure
}

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
