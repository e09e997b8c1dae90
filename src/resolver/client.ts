import { rootCertificates } from 'node:tls'
import { isIP, type Socket } from 'node:net'
import { buildConnector, Pool } from 'undici'
import { credentialHeaders, type CookieNames, type Credentials } from '../core/credentials.ts'
import { AuthgearCircuitOpen, AuthgearTimeout, Overloaded, type ResolverError } from '../errors.ts'
import { askSurely, type Request } from './ask.ts'
import { Deadline } from './deadline.ts'
import { exchange } from './exchange.ts'
import { createGuard } from './guard.ts'
import type { ClientTrace, Resolver, ResolverObserver, ResolverOutcome, SentDigests, Verdict } from './resolver.ts'

export type ResolverSettings = Readonly<{
  /** What Authgear compares with its configuration and with a JWT's audience, character by character. */
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

const MAX_HEADERS = 32 * 1024
const MAX_BODY = 64 * 1024
/** Milliseconds an idle connection is kept; one that Authgear closed first is what the retry is for. */
const KEEP_ALIVE = 30_000
const MAX_USER_AGENT = 512

/** Opens no connection by itself: Authgear being down is never a reason not to start. */
export function createResolver (settings: ResolverSettings, observer: ResolverObserver): Resolver {
  const url = new URL(settings.resolverUrl)
  const pool = openPool(url, settings)
  const guard = createGuard(settings.maxConcurrency, settings.maxQueue)
  const path = `${url.pathname}${url.search}`
  const request = observed(pool, observer)
  return Object.freeze({
    async resolve (credentials: Credentials, trace: ClientTrace, digests: SentDigests): Promise<Verdict> {
      const deadline = new Deadline(settings.timeoutMs)
      const headers = requestHeaders(settings, credentials, trace)
      const options = { path, headers, deadline, timeoutMs: settings.timeoutMs }
      let isAsked = false
      const asking: Request = (options) => { isAsked = true; return request(options) }
      const task = (): Promise<Verdict> => askSurely(asking, guard.isClosed, options, credentials.session !== undefined)
      const work = (): Promise<Verdict> => guard.run(digests, deadline, task)
      // who only waited knows nothing of Authgear: as an outage, whoever fills the queue could have an ended session accepted (CACHE_STALE_IF_ERROR)
      const late = (): ResolverError => isAsked ? new AuthgearTimeout(settings.timeoutMs) : new Overloaded()
      return await withDeadline(work, deadline, late).catch((error: unknown) => reject(error, observer)).finally(() => deadline.met())
    },
    state: guard.state,
    close: () => pool.destroy()
  })
}

/** @param connected is told each new connection */
export function openPool (url: URL, { timeoutMs, maxConcurrency, ca }: ResolverSettings, connected?: (socket: Socket) => void): Pool {
  const connector = buildConnector({ timeout: timeoutMs, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) })
  // undici would verify the certificate against the Host header, which names the public endpoint
  const servername = isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0 ? url.hostname : ''
  return new Pool(url.origin, {
    connect: (options, callback) => connector({ ...options, servername }, connected === undefined ? callback : (...result) => { if (result[1] !== null) connected(result[1]); callback(...result) }),
    connections: maxConcurrency,
    pipelining: 1,
    headersTimeout: 0, // whoever asks has a deadline for all of it
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE,
    maxHeaderSize: MAX_HEADERS,
    maxResponseSize: MAX_BODY
  })
}

/** The credentials and nothing else of the client's but what Authgear shows to the user; never a Content-Length. */
export function requestHeaders ({ endpoint, cookieNames }: ResolverSettings, credentials: Credentials, trace: ClientTrace): string[] {
  const headers = ['host', endpoint.host, 'x-forwarded-host', endpoint.host, 'x-forwarded-proto', endpoint.scheme]
  headers.push(...credentialHeaders(credentials, cookieNames))
  if (trace.userAgent !== undefined) headers.push('user-agent', trace.userAgent.slice(0, MAX_USER_AGENT))
  if (trace.address !== undefined) headers.push('x-forwarded-for', trace.address)
  if (trace.traceparent !== undefined) headers.push('traceparent', trace.traceparent)
  if (trace.traceparent !== undefined && trace.tracestate !== undefined) headers.push('tracestate', trace.tracestate)
  return headers
}

function observed (pool: Pool, observer: ResolverObserver): Request {
  return async (options) => {
    const started = performance.now()
    const report = (outcome: ResolverOutcome): void => observer.authgearRequest(outcome, (performance.now() - started) / 1000)
    try {
      const resolution = await exchange(pool, options)
      report(resolution.kind)
      return resolution
    } catch (error) {
      report(error instanceof AuthgearTimeout ? 'timeout' : 'error')
      throw error
    }
  }
}

/** The deadline also ends the wait in the queue, and a retry that ignores it. */
async function withDeadline<T> (work: () => Promise<T>, deadline: Deadline, late: () => ResolverError): Promise<T> {
  let onAbort = (): void => {}
  const over = new Promise<never>((_resolve, reject) => { onAbort = () => reject(late()) })
  deadline.once('abort', onAbort) // before anybody else's, so that whoever waits is told whatever the others do
  try {
    return await Promise.race([work().catch((error: unknown) => { throw deadline.aborted ? late() : error }), over])
  } finally {
    deadline.off('abort', onAbort)
  }
}

function reject (error: unknown, observer: ResolverObserver): never {
  if (error instanceof Overloaded || error instanceof AuthgearCircuitOpen) observer.authgearRequest('rejected', 0)
  throw error
}
