import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Endpoint } from '../core/reason.ts'
import { BYTES_PER_TEXT, HTTP2_BYTES_PER_TEXT, MAX_HEADER_LINES, waitingHeadBytes } from './limits.ts'
import { NOT_FOUND, TOO_MANY_LINES } from './answers.ts'
import { respond, respondAndLeave } from './respond.ts'
import { abandon, type AbandonedInputs } from './body.ts'
import type { ClientTrace } from '../authgear/resolver/types.ts'
import type { TraceIds } from '../tracing/types.ts'
import {
  type Client, type ClientDeps, clientOf, clientTraceOf, hostOf, readProxyRequest, requestIds, traceIdsOf,
  TRUSTS_NOBODY
} from './request.ts'
import type { Report } from './access-log.ts'
import { clientPathOf, findRoute, pathPolicyOf, queryOf, type Route } from './paths.ts'
import type { Handler, HandlerResult, HttpResponse, Location, ProxyRequest, Status, VerifyRequest } from './types.ts'
import { isClientError } from './unexpected.ts'

/** The fields that name a request in every line about it. */
export type LineContext = Readonly<{ requestId: string }> & Partial<TraceIds>

/** The refusal that replaces an allowing answer while a part vetoes it. */
export type Veto =
  (request: Pick<VerifyRequest, 'rawHeaders' | 'requestId'>) => Pick<HandlerResult, 'response' | 'reason'> | undefined

export type ExchangeDeps = ClientDeps & Readonly<{
  /** EXT_AUTHZ_LOCATION, of the prefix. `request`: nobody's X-Forwarded-* is believed there. */
  extAuthzLocation?: 'forwarded' | 'request'
  report: Report
  vetoes?: Veto | undefined
  /** Counts and logs a request to another path, which a proxy with a wrong address asks for everybody. */
  notFound: (request: LineContext, seconds: number) => void
  /** A defect: the connection is closed without an answer, which no proxy takes for "allowed". */
  unexpectedError: (error: unknown) => void
}>

/** The part of the request that the proxy writes: elsewhere the query is the client's, or is not read. */
const OWN_WORDS: Readonly<Record<Endpoint, 'query' | 'path' | 'none'>> = {
  verify: 'query',
  resource: 'query',
  'resource-or-session': 'query',
  login: 'query',
  'ext-authz': 'path',
  metadata: 'none',
  jwks: 'none',
  identify: 'none',
  other: 'none'
}

function ownWordsOf (endpoint: Endpoint, url: string): string | undefined {
  switch (OWN_WORDS[endpoint]) {
    case 'query': return queryOf(url)
    case 'path': return pathPolicyOf(url)
    case 'none': return undefined
  }
}

/** Takes over a request whose body is read: the answer has a status and nothing else. */
export type BodyTaker = (
  request: FastifyRequest['raw'],
  context: LineContext,
  sender: string
) => Promise<Readonly<{ status: Status, isWhole: boolean }>>

export type FastifyHandler = (request: FastifyRequest, reply: FastifyReply) => void

/** The webhook's exchange: the one request on this listener whose body is read. */
export function createBodyExchange (deps: ExchangeDeps, abandoned: AbandonedInputs, take: BodyTaker): FastifyHandler {
  async function answer (request: FastifyRequest, response: ServerResponse): Promise<void> {
    const { raw } = request
    const requestId = readProxyRequest(raw.rawHeaders).requestId ?? 'webhook'
    if (raw.httpVersionMajor === 1 && abandoned.has(raw.socket)) return
    const sender = clientOf(raw, deps).address ?? ''
    const { status, isWhole } = await take(raw, { requestId, ...traceIdsOf(request) }, sender)
    const empty: HttpResponse = { status, headers: status === 204 ? [] : ['content-length', '0'], body: '' }
    const isInOrder = isWhole && raw.headers.upgrade === undefined
    if (isInOrder || raw.httpVersionMajor !== 1) return respond(response, empty, requestId)
    abandon(abandoned, raw.socket)
    respondAndLeave(raw, response, empty, requestId)
  }
  return (request, reply) => {
    reply.hijack()
    answer(request, reply.raw).catch((error: unknown) => fail(deps, reply.raw, error))
  }
}

/**
 * Fastify hands an error over where no handler of ours was reached: its own answer would name a status. An error of the
 * client's, such as a method that Node does not know over HTTP/2, is an unknown path.
 */
export function endOnError (deps: Pick<ExchangeDeps, 'unexpectedError'>, notFound: FastifyHandler) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    if (isClientError(error)) return notFound(request, reply)
    reply.hijack()
    fail(deps, reply.raw, error)
  }
}

/**
 * One request and its answer, over either protocol; synchronous to the end where memory knows. No closure is made for a
 * hit.
 */
export function createExchange (
  deps: ExchangeDeps,
  abandoned: AbandonedInputs
): (endpoint: Endpoint, handler?: Handler) => RequestListener {
  const nextId = requestIds()
  return (endpoint, handler) => (raw, response) => {
    try {
      const incoming = new IncomingVerifyRequest(deps, endpoint, raw, response, nextId)
      if (!receive(abandoned, incoming)) return
      if (handler === undefined) return sendNotFound(deps, incoming)
      const result = handler(incoming)
      if (result instanceof Promise) concludeLater(deps, incoming, result)
      else conclude(deps, incoming, result)
    } catch (error) {
      fail(deps, response, error)
    }
  }
}

/** Answers the known routes; any other request is for `otherwise`, which is Fastify. */
export function answerRoutes (
  routes: readonly Route[], exchange: ReturnType<typeof createExchange>, otherwise: RequestListener
): RequestListener {
  const known = routes.map((route) => ({ ...route, answer: exchange(route.endpoint, route.handler) }))
  return (request, response) => {
    const route = findRoute(known, request)
    if (route === undefined) otherwise(request, response)
    else route.answer(request, response)
  }
}

/** An exchange that Fastify hands over. */
export function byFastify (exchange: RequestListener): FastifyHandler {
  return (request, reply) => {
    reply.hijack() // from here on an error is answered by nobody else
    exchange(request.raw, reply.raw)
  }
}

/** A request, with the connection that its answer goes to. */
class IncomingVerifyRequest implements VerifyRequest {
  readonly endpoint: Endpoint
  readonly raw: IncomingMessage
  readonly response: ServerResponse
  readonly method: string
  readonly rawHeaders: readonly string[]
  readonly query: string | undefined
  readonly proxy: ProxyRequest
  readonly requestId: string
  readonly startedAt = performance.now()
  /** Its answer is the last on its connection, whose input was abandoned. */
  isLast = false

  readonly #deps: ExchangeDeps
  #client: Client | undefined

  constructor (
    deps: ExchangeDeps, endpoint: Endpoint, raw: IncomingMessage, response: ServerResponse, nextId: () => string
  ) {
    const { method = '', url = '', rawHeaders } = raw
    this.#deps = deps
    this.endpoint = endpoint
    this.raw = raw
    this.response = response
    this.method = method
    this.rawHeaders = rawHeaders
    this.query = ownWordsOf(endpoint, url)
    this.proxy = readProxyRequest(rawHeaders)
    this.requestId = this.proxy.requestId ?? nextId()
  }

  get socket (): Socket { return this.raw.socket }

  client (): Client {
    this.#client ??= clientOf(this.raw, this.#vouchesByRequest() ? TRUSTS_NOBODY : this.#deps)
    return this.#client
  }

  location (): Location | undefined {
    if (!this.#vouchesByRequest()) return undefined
    return { host: hostOf(this.rawHeaders), uri: clientPathOf(this.raw.url ?? '') }
  }

  headBytes (): number {
    const { url = '', httpVersionMajor: version } = this.raw
    return url.length + waitingHeadBytes(this.rawHeaders, version === 2 ? HTTP2_BYTES_PER_TEXT : BYTES_PER_TEXT)
  }

  trace (): ClientTrace { return clientTraceOf(this.raw, this.client()) }
  traceIds (): TraceIds | undefined { return traceIdsOf(this.raw) }

  #vouchesByRequest (): boolean { return this.endpoint === 'ext-authz' && this.#deps.extAuthzLocation === 'request' }

  send (answer: HttpResponse): void {
    if (this.isLast) respondAndLeave(this.raw, this.response, answer, this.requestId)
    else respond(this.response, answer, this.requestId)
  }
}

function conclude (deps: ExchangeDeps, incoming: IncomingVerifyRequest, result: HandlerResult): void {
  const said = unlessVetoed(result, incoming, deps.vetoes)
  incoming.send(said.response)
  deps.report(incoming, said)
}

/** The answer, or the 503 of a part that vetoes an allowing answer; public documents are not vetoed. */
export function unlessVetoed (
  result: HandlerResult, request: VerifyRequest, vetoes: Veto | undefined
): HandlerResult {
  if (vetoes === undefined || result.response.status !== 200 || IS_DOCUMENT.has(result.reason)) return result
  const refusal = vetoes(request)
  return refusal === undefined ? result : { ...result, ...refusal }
}

const IS_DOCUMENT: ReadonlySet<HandlerResult['reason']> = new Set<HandlerResult['reason']>(['metadata', 'key_set'])

function concludeLater (deps: ExchangeDeps, incoming: IncomingVerifyRequest, result: Promise<HandlerResult>): void {
  result.then((ready) => conclude(deps, incoming, ready))
    .catch((error: unknown) => fail(deps, incoming.response, error))
}

function fail (
  { unexpectedError }: Pick<ExchangeDeps, 'unexpectedError'>, response: ServerResponse, error: unknown
): void {
  unexpectedError(error)
  response.destroy()
}

function sendNotFound ({ notFound }: ExchangeDeps, incoming: IncomingVerifyRequest): void {
  incoming.send(NOT_FOUND)
  const { requestId, startedAt } = incoming
  notFound({ requestId, ...incoming.traceIds() }, (performance.now() - startedAt) / 1000)
}

/**
 * @returns whether an answer is to be made: none on a connection that is owed no further one, nor where lines may be
 * missing
 */
function receive (abandoned: AbandonedInputs, incoming: IncomingVerifyRequest): boolean {
  const { raw } = incoming
  if (raw.httpVersionMajor !== 1) return true
  if (abandoned.has(raw.socket)) return false
  // a policy or a declared body may be among the lines that are missing: Node hands over as many as it keeps
  const isCut = raw.rawHeaders.length >= 2 * MAX_HEADER_LINES
  if (!incoming.proxy.endsInput && !isCut) return true
  abandon(abandoned, raw.socket)
  incoming.isLast = true
  if (isCut) incoming.send(TOO_MANY_LINES)
  return !isCut
}
