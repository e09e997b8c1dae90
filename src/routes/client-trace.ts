import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { trimBlanks } from '../core/blanks.ts'
import type { TrustProxy } from '../listener/trusted-proxies.ts'
import type { ClientTrace } from '../resolver/resolver.ts'
import { TRACEPARENT } from './trace-ids.ts'

const MAX_TRACESTATE = 512
/** Of `X-Forwarded-For`, from its end: no chain of proxies is longer, and 3,600 hops took 69 ms to read. */
const MAX_HOPS = 32
const MAX_FORWARDED_BYTES = 2048

export type Client = Readonly<{
  /** Undefined for a peer on a unix socket that names nobody, and for text that is no address. */
  address: string | undefined
  /** Whether a trusted proxy named it; else it is the connection's own. */
  isNamed: boolean
}>

export type ClientDeps = Readonly<{
  trustProxy: TrustProxy
  /** Counts a chain of trusted proxies that is longer than the bounds: the peer then counts as the client. */
  forwardedForIgnored: () => void
}>

/** The client's address as far as TRUSTED_PROXIES vouch for it: the last hop that is not one of them. */
export function clientOf ({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>, deps: ClientDeps): Client {
  const peer: string | undefined = socket.remoteAddress
  const chain = headers['x-forwarded-for']
  const named = typeof chain === 'string' ? lastUntrusted(chain, peer, deps) : undefined
  return { address: addressIn(named ?? peer), isNamed: named !== undefined }
}

/** @returns undefined where nobody is named, or nobody within the bounds */
function lastUntrusted (chain: string, peer: string | undefined, { trustProxy, forwardedForIgnored }: ClientDeps): string | undefined {
  let named: string | undefined
  let end = chain.length
  for (let hop = 0; end > 0 && trustProxy(named ?? peer, hop); hop++) {
    const start = chain.lastIndexOf(',', end - 1) + 1
    if (hop === MAX_HOPS || chain.length - start > MAX_FORWARDED_BYTES) {
      forwardedForIgnored()
      return undefined
    }
    named = trimBlanks(chain, start, end)
    end = start - 1
  }
  return named
}

function addressIn (text: string | undefined): string | undefined {
  return text !== undefined && isIP(text) !== 0 ? text : undefined
}

/** Read only when Authgear is asked. */
export function clientTraceOf ({ headers }: Pick<IncomingMessage, 'headers'>, { address, isNamed }: Client): ClientTrace {
  const { 'user-agent': userAgent, traceparent, tracestate } = headers
  return {
    address,
    isNamed,
    userAgent: userAgent === '' ? undefined : userAgent,
    traceparent: typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined,
    tracestate: typeof tracestate === 'string' && tracestate.length <= MAX_TRACESTATE ? tracestate : undefined
  }
}
