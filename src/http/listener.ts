import { METHODS, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Endpoint } from '../core/reason.ts'
import { trackConnections, type Drain } from './drain.ts'
import { applyHttp1Limits, HTTP1_OPTIONS, HTTP2_OPTIONS, HTTP2_SESSION_TIMEOUT } from './limits.ts'
import { contextOf, type TlsMaterial } from './tls.ts'
import { endAndLinger } from './respond.ts'
import { stopParsing, trackAbandonedInputs } from './unread-body.ts'
import { createBodyExchange, createExchange, type BodyTaker, type ExchangeDeps } from './exchange.ts'
import { LOGIN_ROUTES, type LoginRoute } from '../login/settings.ts'
import type { LoginRoutes } from '../login/routes.ts'
import type { Answerer } from './types.ts'
import { canonicalIdentifyPath, canonicalLoginPath, canonicalVerifyPath, LOGIN_PATHS, PATHS } from './paths.ts'

export type AppDeps = ExchangeDeps & Readonly<{
  /** Undefined = plain HTTP/1.1; else TLS with HTTP/2 and HTTP/1.1 by ALPN. */
  tls: TlsMaterial | undefined
}>

export type App = Readonly<{ fastify: FastifyInstance, drain: Drain }>

/** The main listener: a verifier of foreign requests. Opens nothing; nothing but the two verify routes and a signed webhook ever answers 2xx. */
export function buildApp (deps: AppDeps, verify: Answerer, more: Readonly<{ webhook?: BodyTaker | undefined, login?: LoginRoutes | undefined }> = {}): App {
  const { webhook, login } = more
  const routes: Route[] = [[PATHS.verify, 'verify', verify], [PATHS.extAuthz, 'ext-authz', verify]]
  if (login === undefined) return build(deps, canonicalVerifyPath, routes, webhook)
  const ways: Route[] = LOGIN_ROUTES.map((route) => [LOGIN_PATHS[route], 'login', login.answerers[route], LOGIN_METHODS[route]])
  return build(deps, canonicalLoginPath(login.prefix), [...routes, ...ways], webhook)
}

/** The listener of `/identify` and nothing else: its 200 for nobody must never be within a proxy's reach by accident. */
export function buildIdentifyApp (deps: AppDeps, identify: Answerer): App {
  return build(deps, canonicalIdentifyPath, [[PATHS.identify, 'identify', identify]])
}

/** Where a HEAD does the same as a GET; a sign-out is no such thing, and what comes back from Authgear is a GET. */
const LOGIN_METHODS: Readonly<Record<LoginRoute, readonly string[]>> = { login: ['GET', 'HEAD'], callback: ['GET'], logout: ['GET'], 'logged-out': ['GET'] }

/** @param methods all that Node's parser knows, where nothing else is said */
type Route = readonly [path: string, endpoint: Endpoint, answerer: Answerer, methods?: readonly string[]]

function build (deps: AppDeps, canonicalPath: (request: Pick<IncomingMessage, 'url'>) => string, routes: readonly Route[], webhook?: BodyTaker): App {
  const app = fastify({ ...optionsOf(deps), rewriteUrl: canonicalPath })
  applyHttp1Limits(app.server)
  // an `Expect` is answered as any request is: a body is never asked for, and Node's own 417 would go on parsing after one
  for (const event of ['checkContinue', 'checkExpectation']) app.server.on(event, (request, response) => { app.server.emit('request', request, response) })
  const method = METHODS.filter((name) => name !== 'CONNECT')
  // no method has a body here, so that Fastify never looks for one
  for (const name of method) app.addHttpMethod(name, { hasBody: false, overrideExisting: true })
  const abandoned = trackAbandonedInputs()
  const exchange = createExchange(deps, abandoned)
  for (const [url, endpoint, answerer, methods = method] of routes) app.route({ method: [...methods], url, exposeHeadRoute: false, handler: exchange(endpoint, answerer) })
  if (webhook !== undefined) app.route({ method: 'POST', url: PATHS.webhook, handler: createBodyExchange(deps, abandoned, webhook) })
  const elsewhere = exchange('other')
  app.setNotFoundHandler(elsewhere)
  app.setErrorHandler((_error, request, reply) => elsewhere(request, reply))
  return Object.freeze({ fastify: app, drain: trackConnections(app.server) })
}

function optionsOf ({ tls }: AppDeps): FastifyServerOptions {
  const common: FastifyServerOptions = {
    logger: false,
    genReqId: () => '',
    // nothing of the URL is read but by our own code
    routerOptions: { querystringParser: () => ({}) },
    return503OnClosing: false,
    forceCloseConnections: false,
    clientErrorHandler: refuseUnreadable
  }
  if (tls === undefined) return { ...common, ...HTTP1_OPTIONS }
  const https = { ...HTTP2_OPTIONS, ...contextOf(tls), ...(tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }) }
  return { ...common, http2: true, https, http2SessionTimeout: HTTP2_SESSION_TIMEOUT } as FastifyServerOptions
}

const UNREADABLE: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout'
}

/** What is not HTTP gets one short answer and no second chance. */
function refuseUnreadable (error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) { socket.destroy(); return }
  const status = UNREADABLE[error.code ?? ''] ?? '400 Bad Request'
  stopParsing(socket)
  endAndLinger(socket, `HTTP/1.1 ${status}\r\nCache-Control: no-store\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
}
