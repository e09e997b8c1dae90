import type { FastifyRequest } from 'fastify'
import type { CacheKey } from '../core/cache-key.ts'
import { describe, type Log } from '../log.ts'
import type { LoginPage } from '../login/outcome.ts'
import type { Metrics } from '../metrics.ts'
import type { Endpoint } from '../tally.ts'
import { clientAddressOf } from './client-trace.ts'
import type { Verdict } from './question.ts'

export type Report = (endpoint: Endpoint, verdict: Verdict, request: FastifyRequest, requestId: string, startedAt: number) => void

/** No person can mend these. */
const IS_FOR_THE_OPERATOR: ReadonlySet<string> = new Set(['cookie_missing', 'login_misconfigured', 'circles'] satisfies LoginPage[])

/** Counts every answer and writes a line for each refusal; 503 at warn with what to check, an allowed one at debug. */
export function createReport (log: Log, count: Metrics['request']): Report {
  const info = log.isLevelEnabled('info')
  const isLogged = { 200: log.isLevelEnabled('debug'), 302: info, 303: info, 400: info, 401: info, 403: info, 410: info, 503: log.isLevelEnabled('warn') }
  return (endpoint, verdict, request, requestId, startedAt) => {
    const { reason, source, answer, key, error, why, says } = verdict
    const durationMs = performance.now() - startedAt
    count(endpoint, answer.status, reason, source, durationMs / 1000)
    if (!isLogged[answer.status as keyof typeof isLogged] && reason !== 'bad_policy') return
    const line = {
      requestId,
      endpoint,
      status: answer.status,
      reason,
      source,
      durationMs: Math.round(durationMs * 1000) / 1000,
      client: clientAddressOf(request),
      ...(key === undefined ? {} : { credential: fingerprint(key()) }),
      ...(error === undefined ? {} : { error: describe(error) }),
      ...(why === undefined ? {} : { policy: why }),
      ...(says === undefined ? {} : { authgear: says })
    }
    if (answer.status === 503) log.warn(line, 'cannot answer')
    else if (answer.status === 200) log.debug(line, 'allowed')
    else if (reason === 'bad_policy') log.warn(line, 'refused: the policy cannot be understood')
    else if (IS_FOR_THE_OPERATOR.has(reason)) log.warn(line, 'a login cannot work as it is set up: docs/login.md')
    else log.info(line, endpoint === 'login' ? 'login' : answer.status === 302 ? 'sent to log in' : 'refused')
  }
}

/** Eight hex digits of the keyed digest: enough to follow one credential through a log, nothing to find it by. */
function fingerprint (key: CacheKey): string {
  return Buffer.from(key, 'base64url').subarray(0, 4).toString('hex')
}
