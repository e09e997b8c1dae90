import { randomBytes } from 'node:crypto'
import { METHODS, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify'
import { trackConnections, type Drain } from './listener/drain.ts'
import { applyHttp1Limits, HTTP1_OPTIONS, HTTP2_OPTIONS, HTTP2_SESSION_TIMEOUT } from './listener/http-options.ts'
import { respond, respondAndLeave } from './listener/respond.ts'
import { contextOf, type TlsMaterial } from './listener/tls.ts'
import type { TrustProxy } from './listener/trusted-proxies.ts'
import { trackAbandonedInputs, type AbandonedInputs } from './listener/unread-body.ts'
import { NOT_FOUND, type Answer } from './routes/answer.ts'
import { clientTraceOf } from './routes/client-trace.ts'
import { readProxyRequest } from './routes/proxy-request.ts'
import type { Report } from './routes/report.ts'
import { canonicalPath, PATHS, verifyQuery } from './routes/routing.ts'
import type { Verify } from './routes/verify.ts'
import type { Metrics } from './metrics.ts'

export type AppDeps = Readonly<{
  verify: Verify
  report: Report
  count: Metrics['request']
  trustProxy: TrustProxy
  /** Undefined = plain HTTP/1.1; else TLS with HTTP/2 and HTTP/1.1 by ALPN. */
  tls: TlsMaterial | undefined
}>

export type App = Readonly<{ fastify: FastifyInstance, drain: Drain }>

/** The main listener: a verifier of foreign requests. Opens nothing; nothing but the two verify routes ever answers 2xx. */
export function buildApp (deps: AppDeps): App {
  const app = fastify(optionsOf(deps))
  applyHttp1Limits(app.server)
  app.server.on('checkContinue', invite(app))
  for (const method of METHODS) if (method !== 'CONNECT') app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  const method = METHODS.filter((name) => name !== 'CONNECT')
  const exchange = createExchange(deps)
  app.route({ method, url: PATHS.verify, exposeHeadRoute: false, handler: exchange('verify') })
  app.route({ method, url: PATHS.extAuthz, exposeHeadRoute: false, handler: exchange('ext-authz') })
  app.setNotFoundHandler(exchange('other'))
  app.setErrorHandler((_error, request, reply) => exchange('other')(request, reply))
  return Object.freeze({ fastify: app, drain: trackConnections(app.server) })
}

function optionsOf ({ tls, trustProxy }: AppDeps): FastifyServerOptions {
  const common: FastifyServerOptions = {
    logger: false,
    genReqId: () => '',
    rewriteUrl: canonicalPath,
    // nothing of the URL is read but by our own code
    routerOptions: { querystringParser: () => ({}) },
    trustProxy,
    return503OnClosing: false,
    forceCloseConnections: false,
    clientErrorHandler: refuseUnreadable
  }
  if (tls === undefined) return { ...common, ...HTTP1_OPTIONS }
  const https = { ...HTTP2_OPTIONS, ...contextOf(tls), ...(tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }) }
  return { ...common, http2: true, https, http2SessionTimeout: HTTP2_SESSION_TIMEOUT } as FastifyServerOptions
}

/** `Expect: 100-continue` is answered at once: a body is never asked for. */
function invite (app: FastifyInstance): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => { app.server.emit('request', request, response) }
}

type Kind = 'verify' | 'ext-authz' | 'other'

function createExchange ({ verify, report, count }: AppDeps): (kind: Kind) => (request: FastifyRequest, reply: FastifyReply) => void {
  const abandoned = trackAbandonedInputs()
  const nextId = requestIds()
  return (kind) => (request, reply) => {
    reply.hijack()
    const startedAt = performance.now()
    const { raw } = request
    const proxy = readProxyRequest(raw.rawHeaders)
    const requestId = proxy.requestId ?? nextId()
    const send = receive(abandoned, raw, reply.raw, proxy.declaresBody, requestId)
    if (send === undefined) return
    if (kind === 'other') {
      count('other', 404, 'not_found', 'none', (performance.now() - startedAt) / 1000)
      return send(NOT_FOUND)
    }
    const query = kind === 'verify' ? verifyQuery(request.originalUrl) : undefined
    const verdict = verify({ rawHeaders: raw.rawHeaders, proxy, query, trace: () => clientTraceOf(request) })
    if (!(verdict instanceof Promise)) {
      send(verdict.answer)
      return report(kind, verdict, request, requestId, startedAt)
    }
    verdict.then((late) => { send(late.answer); report(kind, late, request, requestId, startedAt) }, (error: unknown) => { throw error })
  }
}

/** @returns how to answer; undefined on a connection that is owed no further one */
function receive (abandoned: AbandonedInputs, request: IncomingMessage, response: ServerResponse, declaresBody: boolean, requestId: string): ((answer: Answer) => void) | undefined {
  if (request.httpVersionMajor !== 1) return (answer) => respond(response, answer, requestId)
  if (abandoned.has(request.socket)) return undefined
  if (!declaresBody) return (answer) => respond(response, answer, requestId)
  abandoned.abandon(request.socket)
  return (answer) => respondAndLeave(request, response, answer, requestId)
}

/** Ids for requests whose proxy names none: unique among replicas, and nothing of the request in them. */
function requestIds (): () => string {
  const prefix = randomBytes(6).toString('hex')
  let count = 0
  return () => `${prefix}-${(++count).toString(36)}`
}

const UNREADABLE: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout'
}

/** What is not HTTP gets one short answer and no second chance. */
function refuseUnreadable (error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) { socket.destroy(); return }
  const status = UNREADABLE[error.code ?? ''] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nCache-Control: no-store\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`, () => socket.destroy())
}
