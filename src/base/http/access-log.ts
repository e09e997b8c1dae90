import type { CacheKey } from '../core/cache-key.ts'
import type { FindForeignFields } from '../core/foreign-cookies.ts'
import type { Endpoint, LoginPage, RefusalReason } from '../core/reason.ts'
import { ResolverError } from '../errors.ts'
import { describe, type Log } from '../logging/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { TraceIds } from '../tracing/types.ts'
import { LONGEST_HOST } from './limits.ts'
import type { Client } from './request.ts'
import type { HandlerResult, VerifyRequest } from './types.ts'

/**
 * How many lines were left out since the last one that was written; undefined: leave this one out too.
 * @param by the request, where each client has one line a second
 */
export type Sampling = (by?: Pick<Reported, 'client'>) => number | undefined

/**
 * Lets the first lines of each second through, so that a quiet service is seen whole and a busy one does not drown. A
 * client that is named has one of them: its repeats take no other client's place.
 * @param perSecond lines
 * @param now monotonic milliseconds
 */
export function createSampling (perSecond: number, now: () => number): Sampling {
  let second = -Infinity
  let written = 0
  let leftOut = 0
  const clients = new Set<string | undefined>()
  const isFirst = (by: Pick<Reported, 'client'>): boolean => {
    const { address } = by.client()
    return !clients.has(address) && clients.add(address).size > 0
  }
  return (by) => {
    const current = Math.floor(now() / 1000)
    if (current !== second) {
      [second, written] = [current, 0]
      clients.clear()
    }
    if (written >= perSecond || (by !== undefined && !isFirst(by))) { leftOut++; return undefined }
    written++
    const missing = leftOut
    leftOut = 0
    return missing
  }
}

/** The request that was answered. */
export type Reported = VerifyRequest & Readonly<{
  endpoint: Endpoint
  /** Monotonic milliseconds. */
  startedAt: number
  client (): Client
  traceIds (): TraceIds | undefined
}>

export type Report = (reported: Reported, verdict: HandlerResult) => void

/** Lines a second of a kind that is sampled; `trace` writes all. */
const SAMPLED_PER_SECOND = 10

function samplingFor (log: Log): Sampling {
  return log.isLevelEnabled('trace') ? () => 0 : createSampling(SAMPLED_PER_SECOND, () => performance.now())
}

/** A line that any client can cause as often as it likes, sampled. */
export function createSampledLine (log: Log, level: 'info' | 'warn', message: string): (line: object) => void {
  const sampling = samplingFor(log)
  return (line) => {
    const leftOut = sampling()
    if (leftOut !== undefined) log[level](leftOut === 0 ? line : { ...line, leftOut }, message)
  }
}

/** True if an answer of this status has a line; 503 at warn, 200 at debug. */
function loggedStatuses (log: Log): Readonly<Record<number, boolean>> {
  const info = log.isLevelEnabled('info')
  return {
    200: log.isLevelEnabled('debug'),
    302: info,
    303: info,
    400: info,
    401: info,
    403: info,
    503: log.isLevelEnabled('warn')
  }
}

/**
 * Counts every answer and logs it, sampled: a 503 at warn with what to check, allowed ones at debug; of refusals the
 * first of each reason and client in a second.
 */
export function createReport (log: Log, count: Metrics['request'], findForeignFields: FindForeignFields): Report {
  const isLogged = loggedStatuses(log)
  const samplings = createSamplings(log)
  return (reported, result) => {
    const { endpoint, startedAt } = reported
    const { reason, source, response: answer, forOperator } = result
    const durationMs = performance.now() - startedAt
    const isForIcon = reason === 'no_credentials' && isFavicon(reported)
    count(endpoint, answer.status, isForIcon ? 'favicon' : reason, source, durationMs / 1000)
    if (isLogged[answer.status] !== true && reason !== 'bad_policy') return
    const leftOut = samplings(reported, answer.status, reason)
    if (leftOut === undefined) return
    const line = {
      ...lineOf(result, reported),
      ...(forOperator === undefined ? {} : { host: hostForReaders(reported.rawHeaders) }),
      ...(MAY_BE_FOREIGN.has(reason) ? findForeignFields(reported.rawHeaders) : {}),
      ...(reason === 'wrong_audience' && TAKES_SESSIONS.has(endpoint) ? { check: FOR_ANOTHER } : {}),
      endpoint,
      durationMs: Math.round(durationMs * 1000) / 1000,
      ...(leftOut === 0 ? {} : { leftOut })
    }
    write(log, line, result, endpoint)
  }
}

/** An outage is one thing, however many clients meet it; a refusal is its client's. */
function createSamplings (log: Log) {
  const [allowed, unavailable] = [samplingFor(log), samplingFor(log)]
  const refused = new Map<HandlerResult['reason'], Sampling>()
  return (reported: Reported, status: number, reason: HandlerResult['reason']): number | undefined => {
    if (status === 200) return allowed()
    if (status === 503) return unavailable()
    let sampling = refused.get(reason)
    if (sampling === undefined) refused.set(reason, sampling = samplingFor(log))
    return sampling(reported)
  }
}

/** A browser requests it automatically, often without credentials; for a metric only. */
function isFavicon ({ rawHeaders }: Reported): boolean {
  return /^\/favicon\.ico(?:\?|$)/.test(valueOf(rawHeaders, 'x-forwarded-uri') ?? '')
}

function valueOf (rawHeaders: readonly string[], name: string): string | undefined {
  return rawHeaders.find((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name)
}

/** The host that the browser requested, as the proxy says; for people to read only. */
function hostForReaders (rawHeaders: readonly string[]): string | undefined {
  return (valueOf(rawHeaders, 'x-forwarded-host') ?? valueOf(rawHeaders, 'host'))?.slice(0, LONGEST_HOST)
}

/** Outcomes that an app's own cookie of Authgear's name leads to. */
const MAY_BE_FOREIGN: ReadonlySet<string> = new Set([
  'malformed_credentials',
  'invalid_session',
  'cookie_unknown',
  'redirect_loop'
] satisfies ReadonlyArray<LoginPage | RefusalReason>)

/** Endpoints that take no resource token at all. */
const TAKES_SESSIONS: ReadonlySet<Endpoint> = new Set<Endpoint>(['verify', 'ext-authz', 'identify'])
const FOR_ANOTHER =
  'a resource token, such as a machine\'s, is not a session: add its audience to RESOURCES and ask /resource ' +
  '(docs/resource-tokens.md); else it is of another project than AUTHGEAR_ENDPOINT'

function write (
  log: Log, line: object, { response: { status }, reason, forOperator }: HandlerResult, endpoint: Endpoint
): void {
  if (status === 503) log.warn(line, 'cannot answer')
  else if (status === 200) log.debug(line, 'allowed')
  else if (reason === 'bad_policy') log.warn(line, 'refused: the policy is invalid')
  else if (forOperator !== undefined) log.warn(line, forOperator)
  else log.info(line, endpoint === 'login' ? 'login' : status === 302 ? 'sent to log in' : 'refused')
}

function lineOf (
  {
    reason,
    source,
    response: { status },
    subject: key,
    error,
    policyError: why,
    tokenError,
    authgearError: says,
    trace
  }: HandlerResult,
  reported: Reported
): object {
  return {
    requestId: reported.requestId,
    ...(trace ?? reported.traceIds()),
    status,
    reason,
    source,
    client: reported.client().address,
    ...(key === undefined ? {} : { credential: fingerprint(key.cacheKey()) }),
    ...(error === undefined ? {} : { error: describe(error) }),
    ...(error instanceof ResolverError ? { check: error.check } : {}),
    ...(why === undefined ? {} : { policy: why }),
    ...(tokenError === undefined ? {} : { token: tokenError }),
    ...(says === undefined ? {} : { authgear: says })
  }
}

/** Eight hex digits of the keyed digest: enough to follow one credential through a log, too few to find it by. */
function fingerprint (key: CacheKey): string {
  return Buffer.from(key, 'base64url').subarray(0, 4).toString('hex')
}
