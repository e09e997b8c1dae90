import type { Report } from '../../base/http/access-log.ts'
import { type LineContext, unlessVetoed, type Veto } from '../../base/http/exchange.ts'
import { requestIds } from '../../base/http/request.ts'
import { BROKEN, NOT_FOUND, TOO_MANY_LINES, UNREADABLE } from '../../base/http/answers.ts'
import type { TrustProxy } from '../../base/http/trusted-proxies.ts'
import type { HandlerResult, HttpResponse } from '../../base/http/types.ts'
import type { Handlers } from '../../base/parts/feature.ts'
import { type CheckRequest, readCheckRequest } from './check-request.ts'
import { createWriteCheckResponse } from './check-response.ts'
import { GrpcVerifyRequest, routeOf } from './incoming.ts'
import { Unreadable } from './protobuf.ts'

export type GrpcExchangeDeps = Readonly<{
  handlers: Handlers
  /** Every name that an app may take an identity from, lower case. */
  identityNames: readonly string[]
  trustProxy: TrustProxy
  report: Report
  vetoes?: Veto | undefined
  /** Counts and logs a route of Envoy's that asks for an endpoint that is off or unknown. */
  notFound: (request: LineContext, seconds: number) => void
  /** Counts and logs a message that Envoy never sends. */
  unreadable: (request: LineContext, why: string, status: number, seconds: number) => void
  /** A defect: refused with 503. */
  unexpectedError: (error: unknown) => void
}>

/** A `CheckRequest` in, a `CheckResponse` out; synchronous where memory knows. Neither throws nor rejects. */
export type GrpcExchange = (bytes: Buffer, peer: string | undefined) => Buffer | Promise<Buffer>

/** Bytes of a request; Envoy gets a refusal for a longer one. */
const MAX_BYTES = 64 * 1024

/**
 * One decision for both protocols: only the edges differ. Whatever goes wrong is a refusal with a status: Envoy
 * allows on a gRPC error if so configured (`failure_mode_allow`).
 */
export function createGrpcExchange (deps: GrpcExchangeDeps): GrpcExchange {
  const { handlers, report, vetoes, trustProxy, unexpectedError } = deps
  const nextId = requestIds()
  const write = createWriteCheckResponse(deps.identityNames)
  const refuse = (response: HttpResponse, requestId: string): Buffer => {
    const reason = response === NOT_FOUND ? 'not_found' : response === BROKEN ? 'authgear_unavailable' : 'unreadable'
    return write({ response, reason, source: 'none', who: undefined }, { rawHeaders: [], requestId })
  }

  function fail (request: GrpcVerifyRequest, error: unknown): Buffer {
    unexpectedError(error)
    return refuse(BROKEN, request.requestId)
  }
  function conclude (request: GrpcVerifyRequest, result: HandlerResult): Buffer {
    const said = unlessVetoed(result, request, vetoes)
    const bytes = write(said, request)
    report(request, said)
    return bytes
  }
  function unreadable (error: unknown, isTooLong: boolean, startedAt: number): Buffer {
    const [requestId, response] = [nextId(), isTooLong ? TOO_MANY_LINES : UNREADABLE]
    const why = error instanceof Error ? error.message : 'it is longer than 64 KiB'
    deps.unreadable({ requestId }, why, response.status, (performance.now() - startedAt) / 1000)
    return refuse(response, requestId)
  }
  function judge (check: CheckRequest, peer: string | undefined, startedAt: number): Buffer | Promise<Buffer> {
    const route = routeOf(check)
    const handler = route && handlers[route.endpoint]
    const given = { peer, trustProxy, nextId, startedAt }
    const request = new GrpcVerifyRequest(check, route ?? { endpoint: 'verify', policy: undefined }, given)
    if (handler === undefined) {
      deps.notFound({ requestId: request.requestId, ...request.traceIds() }, (performance.now() - startedAt) / 1000)
      return refuse(NOT_FOUND, request.requestId)
    }
    try {
      const result = handler(request)
      if (!(result instanceof Promise)) return conclude(request, result)
      return result.then((ready) => conclude(request, ready)).catch((error: unknown) => fail(request, error))
    } catch (error) {
      return fail(request, error)
    }
  }

  return (bytes, peer) => {
    const startedAt = performance.now()
    if (bytes.length > MAX_BYTES) return unreadable(undefined, true, startedAt)
    let check: CheckRequest
    try {
      check = readCheckRequest(bytes)
    } catch (error) {
      if (!(error instanceof Unreadable)) unexpectedError(error)
      return unreadable(error, false, startedAt)
    }
    try {
      return judge(check, peer, startedAt)
    } catch (error) {
      unexpectedError(error)
      return refuse(BROKEN, nextId())
    }
  }
}
