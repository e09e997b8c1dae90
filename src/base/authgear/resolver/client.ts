import type { Socket } from 'node:net'
import { type Repeat, systemRepeat } from '../../clock.ts'
import type { SentDigests } from '../../core/cache-key.ts'
import { type CookieNames, credentialHeaders, type Credentials } from '../../core/credentials.ts'
import { AuthgearCircuitOpen, AuthgearTimeout, Overloaded, type ResolverError } from '../../errors.ts'
import { authoritiesOf, type Connected, connectorTo, Pool } from '../undici.ts'
import { exchange } from './answer.ts'
import { createCircuitBreaker } from './circuit-breaker.ts'
import { Deadline } from './deadline.ts'
import { type Asker, clientIn, OURSELVES } from './failures.ts'
import { afterSilence, isSilent, type Request, resolveWithRetry, sentOf } from './retry.ts'
import type { ClientTrace, Resolver, ResolverObserver, ResolverResult } from './types.ts'

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

/** Between two looks at a breaker that is open. */
const PROBE_MS = 3000
/** Between two questions of ours where only a few askers get no answer. */
const DOUBT_MS = 1000
const NOBODY: Credentials = {
  bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined
}
const PROBE_TRACE: ClientTrace = {
  address: undefined, userAgent: 'authgear-forward-auth', traceparent: undefined, tracestate: undefined
}

/**
 * Connects on the first request: Authgear being down is never a reason not to start. While the
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
    askAboutNobody()
  })
  let nobodyAt = -Infinity
  let isAsking = false // there is one connection for it
  function askAboutNobody (): void {
    if (isAsking) return
    nobodyAt = performance.now()
    isAsking = true
    ask(NOBODY, PROBE_TRACE, OURSELVES).catch(() => {}) // the breaker has seen it
      .finally(() => { isAsking = false })
  }

  async function resolve (
    credentials: Credentials,
    trace: ClientTrace,
    digests: SentDigests
  ): Promise<ResolverResult> {
    try {
      return await ask(credentials, trace, { ...digests, client: clientIn(trace) })
    } finally {
      // one client may be the only one that gets no answer
      if (breaker.isDoubtful() && performance.now() - nobodyAt >= DOUBT_MS) askAboutNobody()
    }
  }
  async function ask (credentials: Credentials, trace: ClientTrace, asker: Asker): Promise<ResolverResult> {
    askedAt = performance.now()
    const deadline = new Deadline(settings.timeoutMs)
    const headers = requestHeaders(settings, credentials, trace)
    const plain: ClientTrace = { ...trace, userAgent: undefined, tracestate: undefined }
    const plainHeaders = (): string[] => requestHeaders(settings, credentials, plain)
    const { timeoutMs, cookieNames } = settings
    const sent = sentOf(credentials)
    let sentAt = Infinity
    let isRefusedOnce = false
    // a wait in the queue says nothing of Authgear, nor does a request that had little time after it: if it counted as
    // an outage, a stranger could fill the queue and have an ended session accepted (CACHE_STALE_IF_ERROR)
    const late = (): ResolverError => isRefusedOnce || performance.now() - sentAt > timeoutMs / 2
      ? new AuthgearTimeout(timeoutMs)
      : new Overloaded()
    const options = { path, headers, plainHeaders, cookieNames, deadline, timeoutMs, late }
    const request: Request = async (options) => {
      sentAt = Math.min(sentAt, performance.now())
      const resolution = await exchange(pool, options, observer)
      isRefusedOnce ||= sent === 'token' && isSilent(resolution)
      return resolution
    }
    const task = (): Promise<ResolverResult> => resolveWithRetry(request, breaker.isClosed, options, sent)
    const work = (): Promise<ResolverResult> => breaker.run(asker, deadline, task)
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
    connections: maxConcurrency + 1, // for a question of our own
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
  if (trace.userAgent !== undefined) headers.push('user-agent', trace.userAgent)
  if (trace.address !== undefined) headers.push('x-forwarded-for', trace.address)
  if (trace.traceparent !== undefined) headers.push('traceparent', trace.traceparent)
  if (trace.traceparent !== undefined && trace.tracestate !== undefined) headers.push('tracestate', trace.tracestate)
  return headers
}

/** The deadline also ends the wait in the queue, and a retry that ignores it. */
function withDeadline<T> (work: () => Promise<T>, deadline: Deadline, late: () => ResolverError): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    // the first listener, so that the caller is notified whatever the others do
    deadline.once('abort', () => reject(late()))
    work().then(resolve, (error: unknown) => reject(deadline.aborted ? late() : error))
  })
}

function reject (error: unknown, observer: ResolverObserver): never {
  if (error instanceof Overloaded || error instanceof AuthgearCircuitOpen) observer.authgearRequest('rejected', 0)
  throw error
}
