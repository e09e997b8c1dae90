import { isIP } from 'node:net'
import type { ClientTrace } from '../../base/authgear/resolver/types.ts'
import type { Endpoint } from '../../base/core/reason.ts'
import { waitingHeadBytes } from '../../base/http/limits.ts'
import { type Client, clientTraceOf, readProxyRequest, traceIdsOf } from '../../base/http/request.ts'
import type { TrustProxy } from '../../base/http/trusted-proxies.ts'
import type { ProxyRequest, VerifyRequest } from '../../base/http/types.ts'
import type { TraceIds } from '../../base/tracing/types.ts'
import type { CheckRequest } from './check-request.ts'

/** The endpoints that a route may name by `context_extensions["endpoint"]`. */
export type GrpcEndpoint = Extract<Endpoint, 'verify' | 'resource' | 'resource-or-session' | 'identify'>

export type Route = Readonly<{ endpoint: GrpcEndpoint, policy: string | undefined }>

const ENDPOINTS: readonly GrpcEndpoint[] = ['verify', 'resource', 'resource-or-session', 'identify']
const KNOWN = new Set(['policy', 'endpoint'])
/** No policy's name, so that a misspelt one refuses instead of protecting nothing. */
const NOT_UNDERSTOOD = 'unknown_context_extension='

/** The operator's words alone choose; @returns undefined for an endpoint that there is not */
export function routeOf ({ extensions }: Pick<CheckRequest, 'extensions'>): Route | undefined {
  const named = extensions.get('endpoint') ?? 'verify'
  const endpoint = ENDPOINTS.find((one) => one === named)
  if (endpoint === undefined) return undefined
  const isUnderstood = [...extensions.keys()].every((key) => KNOWN.has(key))
  return { endpoint, policy: isUnderstood ? extensions.get('policy') : NOT_UNDERSTOOD }
}

const NO_POLICIES: readonly string[] = Object.freeze([])
/** Headers that only a proxy may set: Envoy has attributes for them, so a header is the client's. */
const FORWARDED = /^x-forwarded-/i

/** A request as Envoy describes it, to be judged as one over HTTP is. */
export class GrpcVerifyRequest implements VerifyRequest {
  readonly endpoint: GrpcEndpoint
  readonly method: string
  readonly rawHeaders: readonly string[]
  readonly socket: VerifyRequest['socket']
  readonly proxy: ProxyRequest
  readonly query: string | undefined
  readonly requestId: string
  readonly startedAt: number

  readonly #check: CheckRequest
  readonly #trustProxy: TrustProxy
  #client: Client | undefined

  constructor (check: CheckRequest, route: Route, given: Arrival) {
    this.endpoint = route.endpoint
    this.method = check.method
    this.rawHeaders = linesOf(check)
    this.socket = { remoteAddress: given.peer }
    // no header is a policy; on /identify any policy is refused
    const policies = route.endpoint === 'identify' && route.policy !== undefined ? [route.policy] : NO_POLICIES
    const { requestId } = readProxyRequest(check.id === '' ? check.headers : ['x-request-id', check.id])
    this.proxy = { policies, requestId, endsInput: false }
    this.query = route.policy ?? ''
    this.requestId = requestId ?? given.nextId()
    this.startedAt = given.startedAt
    this.#check = check
    this.#trustProxy = given.trustProxy
  }

  /** Envoy's peer, as far as TRUSTED_PROXIES vouch for Envoy; what `X-Forwarded-For` says is Envoy's to judge. */
  client (): Client {
    this.#client ??= this.#readClient()
    return this.#client
  }

  headBytes (): number {
    return this.#check.path.length + waitingHeadBytes(this.rawHeaders)
  }

  trace (): ClientTrace { return clientTraceOf({ headers: this.#traceHeaders() }, this.client()) }

  traceIds (): TraceIds | undefined { return traceIdsOf({ headers: this.#traceHeaders() }) }

  #readClient (): Client {
    const { remoteAddress } = this.socket
    const { source } = this.#check
    const isNamed = source !== undefined && this.#trustProxy(remoteAddress, 0)
    const address = isNamed ? source : remoteAddress
    return { address: address !== undefined && isIP(address) !== 0 ? address : undefined, isNamed }
  }

  #traceHeaders (): Readonly<Record<string, string>> {
    const headers: Record<string, string> = {}
    for (let i = 0; i + 1 < this.rawHeaders.length; i += 2) {
      const name = this.rawHeaders[i]?.toLowerCase() ?? ''
      if (name !== 'user-agent' && name !== 'traceparent' && name !== 'tracestate') continue
      const [known, value = ''] = [headers[name], this.rawHeaders[i + 1]]
      // as Node joins them: the first agent counts, and two traces are none
      headers[name] = known === undefined ? value : name === 'user-agent' ? known : `${known}, ${value}`
    }
    return headers
  }
}

export type Arrival = Readonly<{
  /** Envoy's address; undefined on a unix socket. */
  peer: string | undefined
  trustProxy: TrustProxy
  nextId: () => string
  startedAt: number
}>

/** The client's lines, with host and path as our configurations for HTTP name them. */
function linesOf ({ headers, host, path }: CheckRequest): readonly string[] {
  const lines: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name = '', value = ''] = [headers[i], headers[i + 1]]
    if (!FORWARDED.test(name)) lines.push(name, value)
  }
  lines.push('x-forwarded-host', host, 'x-forwarded-uri', path)
  return lines
}
