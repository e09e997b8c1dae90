import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { ClientTrace } from '../resolver/resolver.ts'
import { TRACEPARENT } from './trace-ids.ts'

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
