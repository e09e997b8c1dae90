import type * as OAuth from 'oauth4webapi'
import type { Clock } from '../../../base/clock.ts'
import { objectOf } from '../../../base/core/json.ts'
import {
  AuthgearGarbage, AuthgearMisconfigured, AuthgearStatus, AuthgearTimeout, ResolverError
} from '../../../base/errors.ts'
import { GrantRefused, IdTokenRefused } from '../errors.ts'
import { classify } from '../../../base/authgear/resolver/answer.ts'
import { Deadline } from '../../../base/authgear/resolver/deadline.ts'
import type { ClientTrace } from '../../../base/authgear/resolver/types.ts'
import type { Kind } from './token-calls.ts'
import type { Pool } from '../../../base/authgear/undici.ts'

/**
 * The tolerance for an ID token that comes with a code; of one that a refresh brings nothing but its issuer and client
 * counts.
 */
const TOLERANCE_SECONDS = { code: 60, refresh: 86_400, revocation: 0 } as const
/** An error code that may stand in a log line. */
const ERROR_CODE = /^[a-z_]{1,40}$/

export type Library = typeof OAuth
let library: Library | undefined

/** Read at the first login: a service without one does not pay for it. */
export async function oauthLibrary (): Promise<Library> {
  library ??= await import('oauth4webapi')
  return library
}

type Parties = [oauth: Library, server: OAuth.AuthorizationServer, client: OAuth.Client]
export type Ask = (...all: [...Parties, given: Given]) => Promise<Response>
type Read<T> = (...all: [...Parties, response: Response]) => Promise<T>
type Given = Readonly<{ headers: Record<string, string> }> & Record<symbol, unknown>

type ExchangeSettings = Readonly<{ endpoint: Readonly<{ origin: string }>, clientId: string }>

/** @returns one request and what its answer says, within the time that it is given */
export function createExchange ({ endpoint: { origin }, clientId }: ExchangeSettings, pool: Pool, clock: Clock) {
  const server: OAuth.AuthorizationServer = {
    issuer: origin,
    token_endpoint: `${origin}/oauth2/token`,
    revocation_endpoint: `${origin}/oauth2/revoke`
  }
  const clientOf = (oauth: Library, kind: Kind): OAuth.Client => ({
    client_id: clientId,
    [oauth.clockSkew]: (clock.wall() - Date.now()) / 1000,
    [oauth.clockTolerance]: TOLERANCE_SECONDS[kind]
  })
  return <T>(kind: Kind, trace: ClientTrace | undefined, ask: Ask, read: Read<T>) =>
    async (patienceMs: number): Promise<T> => {
      const oauth = await oauthLibrary()
      const client = clientOf(oauth, kind)
      const deadline = new Deadline(patienceMs)
      try {
        const response = await ask(oauth, server, client, givenFor(oauth, pool, trace, deadline))
        return await read(oauth, server, client, response)
      } catch (error) {
        throw readError(oauth, error, patienceMs, deadline)
      } finally {
        deadline.met()
      }
    }
}

function givenFor (oauth: Library, pool: Pool, trace: ClientTrace | undefined, deadline: Deadline): Given {
  const abort = new AbortController()
  deadline.once('abort', () => abort.abort(deadline.reason))
  return {
    headers: headersOf(trace),
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url: string, init: FetchInit) => fetchBy(pool, url, init, abort.signal)
  }
}

type FetchInit = Readonly<{ method: string, headers: Record<string, string>, body?: unknown }>

async function fetchBy (pool: Pool, url: string, init: FetchInit, signal: AbortSignal): Promise<Response> {
  const { pathname, search } = new URL(url)
  const { statusCode, headers, body } = await pool.request({
    method: 'POST', path: pathname + search, headers: init.headers, body: String(init.body), signal
  })
  const text = await body.text()
  const type = headers['content-type']
  if (statusCode >= 300 && statusCode < 400) throw new AuthgearMisconfigured(`the token endpoint answered ${statusCode}`)
  return new Response(text, { status: statusCode, headers: typeof type === 'string' ? { 'content-type': type } : {} })
}

/** The headers that Authgear shows to the person as a device, and counts calls by. */
function headersOf (trace: ClientTrace | undefined): Record<string, string> {
  return {
    'user-agent': trace?.userAgent ?? 'authgear-forward-auth',
    ...trace?.address === undefined ? {} : { 'x-forwarded-for': trace.address },
    ...trace?.traceparent === undefined ? {} : { traceparent: trace.traceparent }
  }
}

/** Only `invalid_grant` under status 400 says something of the token; all else is Authgear's trouble, or ours. */
function readError (oauth: Library, error: unknown, timeoutMs: number, deadline: Deadline): Error {
  if (deadline.aborted) return new AuthgearTimeout(timeoutMs)
  if (error instanceof ResolverError) return error
  if (error instanceof oauth.ResponseBodyError) {
    if (error.status === 400 && error.error === 'invalid_grant') return new GrantRefused()
    if (error.status === 429 || error.status >= 500) return new AuthgearStatus(error.status)
    const code = ERROR_CODE.test(error.error) ? error.error : 'an unknown error'
    return new AuthgearMisconfigured(`the token endpoint answered ${code}`)
  }
  if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError) {
    const { code } = error
    if (code === oauth.JWT_CLAIM_COMPARISON || code === oauth.JWT_TIMESTAMP_CHECK) {
      return new IdTokenRefused(claimIn(error.cause))
    }
    const status = error.cause instanceof Response ? error.cause.status : 200
    if (status !== 200) return new AuthgearStatus(status)
    return new AuthgearGarbage(`the token endpoint's answer is unusable (${code})`)
  }
  return classify(error, timeoutMs)
}

/** @param cause of the library's error about a claim */
function claimIn (cause: unknown): string {
  const claim = objectOf(cause)?.['claim']
  return typeof claim === 'string' && ERROR_CODE.test(claim) ? claim : 'claims'
}
