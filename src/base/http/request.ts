import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { Authentication, CredentialContext } from '../authenticate/types.ts'
import type { ClientTrace } from '../authgear/resolver/types.ts'
import { trimBlanks } from '../core/blanks.ts'
import type { CacheKey, CacheKeys, Keyer, MemoryKey } from '../core/cache-key.ts'
import type { Credentials, CredentialsRead } from '../core/credentials.ts'
import type { TraceIds } from '../tracing/types.ts'
import type { TrustProxy } from './trusted-proxies.ts'
import type { HandlerDeps, HandlerResult, ProxyRequest, VerifyRequest } from './types.ts'

/** W3C Trace Context, version 00 and what later ones keep of it; ids of zeros alone and version ff are none. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$/

/**
 * The trace of a request for its log line: nothing, where it is part of none. Read only when a line
 * is written.
 */
export function traceIdsOf ({ headers: { traceparent } }: Pick<FastifyRequest, 'headers'>): TraceIds | undefined {
  const [, traceId, spanId] = (typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null) ?? []
  return traceId === undefined || spanId === undefined ? undefined : { trace_id: traceId, span_id: spanId }
}

/** W3C Trace Context, section 3.3.1: printable ASCII. */
const TRACESTATE = /^[\x20-\x7e]{0,512}$/
const MAX_USER_AGENT = 512
/** No User-Agent needs more, and what Authgear stores and shows is not a stranger's to choose byte by byte. */
const NOT_PRINTABLE = /[^\x20-\x7e]/g
/**
 * The hops of `X-Forwarded-For` that are read, from its end: no chain of proxies is longer, and 3,600 hops took 69 ms
 * to read.
 */
const MAX_HOPS = 32
const MAX_FORWARDED_BYTES = 2048

export type Client = Readonly<{
  /** Undefined for a peer on a unix socket that names nobody, and for text that is no address. */
  address: string | undefined
  /** True if a trusted proxy named it; else it is the connection's own. */
  isNamed: boolean
}>

export type ClientDeps = Readonly<{
  trustProxy: TrustProxy
  /** Counts a chain of trusted proxies that is longer than the bounds: the peer then counts as the client. */
  forwardedForIgnored: () => void
}>

/** Nobody names another address than the peer's. */
export const TRUSTS_NOBODY: ClientDeps = { trustProxy: () => false, forwardedForIgnored: () => {} }

/** The client's address as far as TRUSTED_PROXIES vouch for it: the last hop that is not one of them. */
export function clientOf ({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>, deps: ClientDeps): Client {
  const peer: string | undefined = socket.remoteAddress
  const chain = headers['x-forwarded-for']
  const named = typeof chain === 'string' ? lastUntrusted(chain, peer, deps) : undefined
  return { address: addressIn(named ?? peer), isNamed: named !== undefined }
}

/** @returns undefined where nobody is named, or nobody within the bounds */
function lastUntrusted (
  chain: string,
  peer: string | undefined,
  { trustProxy, forwardedForIgnored }: ClientDeps
): string | undefined {
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

/** @returns undefined where the lines name two hosts, or none */
export function hostOf (rawHeaders: readonly string[]): string | undefined {
  const hosts = new Set<string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (name === 'host' || name === ':authority') hosts.add(rawHeaders[i + 1] ?? '')
  }
  const [host, ...others] = hosts
  return others.length === 0 ? host : undefined
}

/** Read only when Authgear is asked. */
export function clientTraceOf (
  { headers }: Pick<IncomingMessage, 'headers'>,
  { address, isNamed }: Client
): ClientTrace {
  const { 'user-agent': userAgent, traceparent, tracestate } = headers
  return {
    address,
    isNamed,
    userAgent: agentIn(userAgent),
    traceparent: typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined,
    tracestate: typeof tracestate === 'string' && TRACESTATE.test(tracestate) ? tracestate : undefined
  }
}

/** @returns undefined where nothing printable is left */
function agentIn (text = ''): string | undefined {
  return text.slice(0, MAX_USER_AGENT).replace(NOT_PRINTABLE, '').trim() || undefined
}

/** An id that may stand in a log line and in a header as it is. */
const REQUEST_ID = /^[\w.:@+/=-]{1,128}$/
const NO_POLICIES: readonly string[] = Object.freeze([])

export function readProxyRequest (rawHeaders: readonly string[]): ProxyRequest {
  let policies: string[] | undefined
  let requestId: string | undefined
  let endsInput = false
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    if (name.length === 12 && is(name, 'x-request-id')) requestId ??= REQUEST_ID.test(value) ? value : undefined
    else if (name.length === 14 && is(name, 'content-length')) endsInput ||= value !== '0'
    else if (name.length === 7 && is(name, 'upgrade')) endsInput = true
    else if (name.length === 17 && is(name, 'transfer-encoding')) endsInput = true
    else if (name.length === 21 && is(name, 'x-forward-auth-policy')) (policies ??= []).push(value)
  }
  return { policies: policies ?? NO_POLICIES, requestId, endsInput }
}

function is (name: string, lowerCase: string): boolean {
  return name === lowerCase || name.toLowerCase() === lowerCase
}

/** Ids for requests whose proxy names none: unique among replicas, and nothing of the request in them. */
export function requestIds (): () => string {
  const prefix = randomBytes(6).toString('hex')
  let count = 0
  return () => `${prefix}-${(++count).toString(36)}`
}

/**
 * Whose credentials these are, to be asked. A class, so that a hit makes no closures.
 * @param key of these credentials, where it is known
 */
export function credentialContextOf (
  keyer: Keyer,
  request: VerifyRequest,
  credentials: Credentials,
  key?: MemoryKey
): CredentialContext {
  return new LazyCredentialContext(keyer, request, credentials, key)
}

class LazyCredentialContext implements CredentialContext {
  // declared, not defined: a hit needs no initializer
  declare readonly key: MemoryKey
  declare readonly credentials: Credentials
  declare private readonly keyer: Keyer
  declare private readonly request: VerifyRequest

  constructor (keyer: Keyer, request: VerifyRequest, credentials: Credentials, key = keyer.memoryKey(credentials)) {
    this.credentials = credentials
    this.key = key
    this.keyer = keyer
    this.request = request
  }

  cacheKey (): CacheKey { return this.keyer.cacheKey(this.credentials) }
  cacheKeys (): CacheKeys { return this.keyer.cacheKeys(this.credentials) }
  headBytes (): number { return this.request.headBytes() }
  trace (): ClientTrace { return this.request.trace() }
}

/**
 * Judges by the token; where that is nobody's, by the cookie beside it, each under a key of its own. An outage is no
 * "nobody", but for a token that was nobody's right before it: the client could send the cookie alone. Where
 * both are nobody's the token's answer counts, which names what was sent.
 */
export function judgeInTurn (
  { authenticator, keyer }: Pick<HandlerDeps, 'authenticator' | 'keyer'>,
  request: VerifyRequest,
  { credentials, instead }: CredentialsRead & { kind: 'credentials' },
  conclude: (subject: CredentialContext, known: Authentication) => HandlerResult | Promise<HandlerResult>
): HandlerResult | Promise<HandlerResult> {
  const token = credentialContextOf(keyer, request, credentials)
  return thenOrNow(authenticator.authenticate(token), (known) => {
    if (instead === undefined || !isNobodys(known)) return conclude(token, known)
    const cookie = credentialContextOf(keyer, request, instead)
    return thenOrNow(authenticator.authenticate(cookie), (other) =>
      isRefusal(other) ? conclude(token, known) : conclude(cookie, other))
  })
}

/** Authgear names nobody, nor does it refuse an account; a token for another audience is refused whatever is beside. */
function isNobodys (known: Authentication): boolean {
  switch (known.kind) {
    case 'resolved': return known.resolution.kind === 'invalid' && known.resolution.noIdentityHeaders
    case 'refused': return known.reason === 'expired_credentials'
    case 'unavailable': return known.wasNobodys === true
  }
}

const isRefusal = (known: Authentication): boolean =>
  known.kind === 'refused' || (known.kind === 'resolved' && known.resolution.kind === 'invalid')

/** Hands on what is there at once, and what comes later. */
export function thenOrNow<T, U> (value: T | Promise<T>, next: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
