import type { Socket } from 'node:net'
import { type Repeat, systemRepeat } from '../../clock.ts'
import type { SentDigests } from '../../core/cache-key.ts'
import { type CookieNames, credentialHeaders, type Credentials } from '../../core/credentials.ts'
import type { Resolution } from '../../core/resolution.ts'
import {
  AuthgearCircuitOpen, AuthgearSilent, AuthgearStatus, AuthgearTimeout, AuthgearUnreachable, Overloaded,
  type ResolverError
} from '../../errors.ts'
import { authoritiesOf, type Connected, connectorTo, Pool } from '../undici.ts'
import { codeOf, type Exchange, exchange } from './answer.ts'
import { createCircuitBreaker } from './circuit-breaker.ts'
import { Deadline } from './deadline.ts'
import type { ClientTrace, Resolver, ResolverObserver, ResolverResult } from './types.ts'

/**
 * The connection died before an answer, as an idle one does when its server closes it, or a transient 500
 * (docs/inside/authgear.md, "Load and failures").
 */
function isWorthARetry (error: unknown): boolean {
  if (error instanceof AuthgearStatus) return error.status === 500
  return error instanceof AuthgearUnreachable && ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error.cause))
}

type Request = (options: Exchange) => Promise<Resolution>

/** Which credentials were sent, as far as no result at all says something of them. */
type Sent = 'session_cookie' | 'token' | 'nothing'

/** An empty cookie `session` is sent and bad, an empty token as none (docs/inside/authgear.md, "Credentials"). */
function sentOf ({ bearer, appSession, appAccessToken, session }: Credentials): Sent {
  if (session !== undefined) return 'session_cookie'
  return [bearer, appSession, appAccessToken].some((value) => value !== undefined && value !== '') ? 'token' : 'nothing'
}

/**
 * No result at all may be a passing fault of Authgear's (docs/inside/authgear.md, "The resolver's answers"): it is
 * asked for once more within the deadline. Twice the same is an honest refusal of a token, and
 * never one of a `session` cookie.
 * @param mayRetry whether Authgear is well enough for a second request
 */
async function resolveWithRetry (
  request: Request,
  mayRetry: () => boolean,
  options: Exchange,
  sent: Sent
): Promise<ResolverResult> {
  // its slot came too late: nobody waits any more, and the breaker must not count it, as Authgear was not asked
  if (options.deadline.aborted) throw new Overloaded()
  const ask = withOneRetry(request, mayRetry, options)
  const first = await ask()
  if (sent === 'nothing' || !isSilent(first)) return { resolution: first, isConclusive: true }
  const second = await ask().catch((error: unknown) => { throw sent === 'token' ? afterSilence(error) : error })
  return { resolution: second, isConclusive: sent === 'token' || !isSilent(second) }
}

/**
 * The breaker counts it no more than `staleInstead` takes it for an outage: Authgear did answer, and a stranger's junk
 * tokens, which are asked about twice, would open it where Authgear is slow.
 */
function afterSilence (error: unknown): unknown {
  const isOutage = error instanceof AuthgearUnreachable || error instanceof AuthgearTimeout
  return isOutage ? new AuthgearSilent(error) : error
}

const isSilent = (resolution: Resolution): boolean => resolution.kind === 'invalid' && resolution.noIdentityHeaders

/** One retry in all, within the deadline, and only while Authgear is well: a retry would double its load. */
function withOneRetry (request: Request, mayRetry: () => boolean, options: Exchange): () => Promise<Resolution> {
  let retried = false
  return async () => {
    try {
      return await request(options)
    } catch (error) {
      if (retried || !isWorthARetry(error) || !mayRetry() || options.deadline.aborted) throw error
      retried = true
      return await request(options)
    }
  }
}

export type ResolverSettings = Readonly<{
  /** Authgear compares it with its configuration and with a JWT's audience, character by character. */
  endpoint: Readonly<{ host: string, scheme: 'http' | 'https' }>
  resolverUrl: string
  cookieNames: CookieNames
  /** Milliseconds for one resolution in all: queue, connection, answer, retry. */
  timeoutMs: number
  maxConcurrency: number
  maxQueue: number
  /** PEM, beside the public roots. */
  ca: string | undefined
}>

const MAX_HEADER_BYTES = 32 * 1024
const MAX_BODY_BYTES = 64 * 1024
/** Life of an idle connection; the retry is for one that Authgear closed first. */
const KEEP_ALIVE_MS = 30_000
const MAX_USER_AGENT_LENGTH = 512

/** Between two looks at a breaker that is open. */
const PROBE_MS = 3000
const NOBODY: Credentials = {
  bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined
}
const PROBE_TRACE: ClientTrace = {
  address: undefined, userAgent: 'authgear-forward-auth', traceparent: undefined, tracestate: undefined
}

/**
 * Opens no connection by itself while Authgear is well: Authgear being down is never a reason not to start. While the
 * breaker is open and nobody asks, it asks about nobody, so that an idle replica notices that Authgear is back.
 */
export function createResolver (
  settings: ResolverSettings,
  observer: ResolverObserver,
  repeat: Repeat = systemRepeat
): Resolver {
  const url = new URL(settings.resolverUrl)
  const pool = openPool(url, settings)
  const breaker = createCircuitBreaker(settings.maxConcurrency, settings.maxQueue, observer)
  const path = `${url.pathname}${url.search}`
  let askedAt = -Infinity
  const stopProbing = repeat(PROBE_MS, () => {
    if (!breaker.state().circuitOpen || performance.now() - askedAt < PROBE_MS) return
    resolve(NOBODY, PROBE_TRACE, { whole: [], all: [] }).catch(() => {}) // the breaker has seen it
  })

  async function resolve (
    credentials: Credentials,
    trace: ClientTrace,
    digests: SentDigests
  ): Promise<ResolverResult> {
    askedAt = performance.now()
    const deadline = new Deadline(settings.timeoutMs)
    const headers = requestHeaders(settings, credentials, trace)
    const { timeoutMs, cookieNames } = settings
    const sent = sentOf(credentials)
    let sentAt = Infinity
    let isRefusedOnce = false
    // a wait in the queue says nothing of Authgear, nor does a request that had little time after it: if it counted as
    // an outage, a stranger could fill the queue and have an ended session accepted (CACHE_STALE_IF_ERROR)
    const late = (): ResolverError => isRefusedOnce || performance.now() - sentAt > timeoutMs / 2
      ? new AuthgearTimeout(timeoutMs)
      : new Overloaded()
    const options = { path, headers, cookieNames, deadline, timeoutMs, late }
    const request: Request = async (options) => {
      sentAt = Math.min(sentAt, performance.now())
      const resolution = await exchange(pool, options, observer)
      isRefusedOnce ||= sent === 'token' && isSilent(resolution)
      return resolution
    }
    const task = (): Promise<ResolverResult> => resolveWithRetry(request, breaker.isClosed, options, sent)
    const work = (): Promise<ResolverResult> => breaker.run(digests, deadline, task)
    return await withDeadline(work, deadline, late)
      .catch((error: unknown) => reject(isRefusedOnce ? afterSilence(error) : error, observer))
      .finally(() => deadline.met())
  }

  return Object.freeze({
    resolve,
    state: breaker.state,
    close: async () => {
      stopProbing()
      await pool.destroy()
    }
  })
}

/** @param connected called with each new connection */
export function openPool (
  url: URL,
  { timeoutMs, maxConcurrency, ca }: ResolverSettings,
  connected?: (socket: Socket) => void
): Pool {
  const connector = connectorTo(url.hostname, { timeout: timeoutMs, ...authoritiesOf(ca) })
  const telling = (callback: Connected): Connected => (...result) => {
    if (result[1] !== null) connected?.(result[1])
    callback(...result)
  }
  return new Pool(url.origin, {
    connect: (options, callback) => connector(options, telling(callback)),
    connections: maxConcurrency,
    pipelining: 1,
    headersTimeout: 0, // the resolution's deadline covers all of it
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    maxResponseSize: MAX_BODY_BYTES
  })
}

/** The client's credentials and what Authgear shows to the user, nothing else; never a Content-Length. */
export function requestHeaders (
  { endpoint, cookieNames }: ResolverSettings,
  credentials: Credentials,
  trace: ClientTrace
): string[] {
  const headers = ['host', endpoint.host, 'x-forwarded-host', endpoint.host, 'x-forwarded-proto', endpoint.scheme]
  headers.push(...credentialHeaders(credentials, cookieNames))
  if (trace.userAgent !== undefined) headers.push('user-agent', trace.userAgent.slice(0, MAX_USER_AGENT_LENGTH))
  if (trace.address !== undefined) headers.push('x-forwarded-for', trace.address)
  if (trace.traceparent !== undefined) headers.push('traceparent', trace.traceparent)
  if (trace.traceparent !== undefined && trace.tracestate !== undefined) headers.push('tracestate', trace.tracestate)
  return headers
}

/** The deadline also ends the wait in the queue, and a retry that ignores it. */
function withDeadline<T> (work: () => Promise<T>, deadline: Deadline, late: () => ResolverError): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    // the first listener, so that the caller is told whatever the others do
    deadline.once('abort', () => reject(late()))
    work().then(resolve, (error: unknown) => reject(deadline.aborted ? late() : error))
  })
}

function reject (error: unknown, observer: ResolverObserver): never {
  if (error instanceof Overloaded || error instanceof AuthgearCircuitOpen) observer.authgearRequest('rejected', 0)
  throw error
}
