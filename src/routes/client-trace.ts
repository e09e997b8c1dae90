import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { ClientTrace } from '../resolver/resolver.ts'

/** W3C Trace Context, version 00 and what later ones keep of it. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const MAX_TRACESTATE = 512

/** Read only when Authgear is asked: `request.ip` is the client's address as far as TRUSTED_PROXIES vouch for it. */
export function clientTraceOf (request: FastifyRequest): ClientTrace {
  const { 'user-agent': userAgent, traceparent, tracestate } = request.headers
  return {
    address: clientAddressOf(request),
    isNamed: (request.ips?.length ?? 0) > 1,
    userAgent: userAgent === '' ? undefined : userAgent,
    traceparent: typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined,
    tracestate: typeof tracestate === 'string' && tracestate.length <= MAX_TRACESTATE ? tracestate : undefined
  }
}

/** @returns undefined for a peer on a unix socket that names nobody, and for text that is no address */
export function clientAddressOf (request: FastifyRequest): string | undefined {
  const address: string | undefined = request.ip
  return address !== undefined && isIP(address) !== 0 ? address : undefined
}
