import { once } from 'node:events'
import type * as OAuth from 'oauth4webapi'
import type { Clock } from '../clock.ts'
import type { SentDigests } from '../core/cache-key.ts'
import { objectOf } from '../core/json.ts'
import {
  AuthgearGarbage, AuthgearMisconfigured, AuthgearStatus, AuthgearTimeout, GrantRefused, IdTokenRefused, Overloaded,
  ResolverError, TokenCallFailed
} from '../errors.ts'
import { type CircuitBreaker, createCircuitBreaker } from './resolver/circuit-breaker.ts'
import { classify } from './resolver/answer.ts'
import { Deadline } from './resolver/deadline.ts'
import { type Asker, clientIn } from './resolver/failures.ts'
import type { ClientTrace } from './resolver/types.ts'
import { authoritiesOf, Pool } from './undici.ts'

/** What Authgear gives for a code or a refresh token. */
export type Tokens = Readonly<{
  accessToken: string
  /** Milliseconds from the moment at which it was asked. */
  accessLifeMs: number
  idToken: string | undefined
  /** Undefined where the old one stays, which is so without rotation. */
  refreshToken: string | undefined
}>

type CodeRedemption = Readonly<{
  code: string
  redirectUri: string
  verifier: string
  nonce: string
}>

/** Authgear's `/oauth2/token` and `/oauth2/revoke`, as a client without a secret. */
export type TokenEndpoint = Readonly<{
  /** @throws {GrantRefused} for `invalid_grant` alone @throws {ResolverError} for all that says nothing of the code */
  redeem: (redemption: CodeRedemption, trace: ClientTrace) => Promise<Tokens>
  /**
   * @param late called after `timeoutMs`; the tokens may come later, and are lost if nobody takes them. undefined: they
   * are not waited for
   * @throws {GrantRefused} for `invalid_grant` alone @throws {ResolverError} for all that says nothing of the token
   */
  refresh: (
    refreshToken: string, trace: ClientTrace, digests: SentDigests, late?: () => void
  ) => Promise<Tokens>
  /** Ends the session of a refresh token. @throws {ResolverError} */
  revoke: (refreshToken: string) => Promise<void>
  close: () => Promise<void>
}>

export type TokenEndpointSettings = Readonly<{
  /** AUTHGEAR_ENDPOINT: its public origin alone answers, another is sent there. */
  endpoint: Readonly<{ origin: string }>
  clientId: string
  /** Milliseconds that one call may wait for its place, and milliseconds that it has from then on. */
  timeoutMs: number
  /** PEM, beside the public roots. */
  ca: string | undefined
}>

const MAX_BYTES = 64 * 1024
/**
 * Calls of each kind at a time, and how many wait. Each has a breaker of its own: strangers bring codes, and what
 * becomes of those says nothing of people's sessions.
 */
const KINDS = {
  code: { maxRunning: 8, maxWaiting: 512, alternates: true },
  refresh: { maxRunning: 16, maxWaiting: 1024, alternates: false },
  revocation: { maxRunning: 6, maxWaiting: 1000, alternates: false }
} as const
type Kind = keyof typeof KINDS
/** An answer to a refresh may take so long, where the old refresh token is dead by then. */
export const PATIENCE_MS = 30_000
/** Refreshes whose waiters gave up; beyond them a refresh has the time of any other call. */
const MAX_LATE = 48
const MAX_CONNECTIONS = Object.values(KINDS).reduce((sum, { maxRunning }) => sum + maxRunning, MAX_LATE)
/** Where an answer does not say: Authgear's default. */
const DEFAULT_LIFE_MS = 1_800_000
/** Of an ID token that comes with a code; of one that a refresh brings nothing but its issuer and client counts. */
const TOLERANCE_SECONDS = { code: 60, refresh: 86_400, revocation: 0 } as const
/** An error code that may stand in a log line. */
const ERROR_CODE = /^[a-z_]{1,40}$/

type Library = typeof OAuth
let library: Library | undefined

/** Read at the first login: a service without one does not pay for it. */
async function oauthLibrary (): Promise<Library> {
  library ??= await import('oauth4webapi')
  return library
}

type Parties = [oauth: Library, server: OAuth.AuthorizationServer, client: OAuth.Client]
type Ask = (...all: [...Parties, given: Given]) => Promise<Response>
type Read<T> = (...all: [...Parties, response: Response]) => Promise<T>
type Given = Readonly<{ headers: Record<string, string> }> & Record<symbol, unknown>

/** Opens no connection by itself, and follows no redirect. */
export function openTokenEndpoint (settings: TokenEndpointSettings, clock: Clock): TokenEndpoint {
  const { endpoint: { origin }, timeoutMs, ca } = settings
  const pool = new Pool(origin, {
    connections: MAX_CONNECTIONS,
    connect: { timeout: timeoutMs, ...authoritiesOf(ca) },
    headersTimeout: 0, // the call's deadline covers all of it
    bodyTimeout: 0,
    maxResponseSize: MAX_BYTES
  })
  const call = createCall(settings, pool, clock)
  let revocations = 0 // nothing of a client's goes with one, so that each that fails counts
  return Object.freeze({
    redeem: ({ code, redirectUri, verifier, nonce }: CodeRedemption, trace: ClientTrace) =>
      call('code', trace, { ...NO_DIGESTS, client: clientIn(trace) }, (oauth, as, client, given) => {
        const parameters = oauth.validateAuthResponse(as, client, new URLSearchParams({ code }), oauth.expectNoState)
        return oauth.authorizationCodeGrantRequest(as, client, oauth.None(), parameters, redirectUri, verifier, given)
      }, async (oauth, as, client, response) =>
        tokensOf(await oauth.processAuthorizationCodeResponse(as, client, response, {
          expectedNonce: nonce, requireIdToken: true
        }))),
    refresh: (refreshToken: string, trace: ClientTrace, digests: SentDigests, late?: () => void) =>
      call('refresh', trace, digests, (oauth, as, client, given) =>
        oauth.refreshTokenGrantRequest(as, client, oauth.None(), refreshToken, given),
      async (oauth, as, client, response) =>
        tokensOf(await oauth.processRefreshTokenResponse(as, client, response)),
      late),
    revoke: (refreshToken: string) =>
      call('revocation', undefined, { whole: [], all: [], client: String(++revocations) }, (oauth, as, client, given) =>
        oauth.revocationRequest(as, client, oauth.None(), refreshToken, given),
      (oauth, _as, _client, response) => oauth.processRevocationResponse(response)),
    close: () => pool.destroy()
  })
}

/**
 * One call. A wait for its place takes nothing of its time: a call that is given up early says nothing of Authgear, and
 * one that Authgear still answers costs a session, where refresh tokens rotate.
 */
function createCall ({ endpoint: { origin }, clientId, timeoutMs }: TokenEndpointSettings, pool: Pool, clock: Clock) {
  const breakers = {
    code: openBreaker('code', clock),
    refresh: openBreaker('refresh', clock),
    revocation: openBreaker('revocation', clock)
  } as const satisfies Record<Kind, CircuitBreaker>
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

  let lateCalls = 0
  return async function call<T> (
    kind: Kind,
    trace: ClientTrace | undefined,
    asker: Asker,
    ask: Ask,
    read: Read<T>,
    told?: () => void
  ): Promise<T> {
    const oauth = await oauthLibrary()
    const client = clientOf(oauth, kind)
    const waiting = new Deadline(timeoutMs)
    let late: Promise<T> | undefined
    const askOnce = async (patienceMs: number): Promise<T> => {
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
    const work = (): Promise<T> => {
      waiting.met()
      // undici does not give up a call that waits for a connection
      if (told === undefined || lateCalls >= MAX_LATE) return inTime(askOnce(timeoutMs), timeoutMs)
      late = askOnce(Math.max(PATIENCE_MS, timeoutMs))
      return inTime(late, timeoutMs)
    }
    try {
      const limits = [{ name: kind, ...KINDS[kind] }]
      return await breakers[kind].run(asker, waiting, work, limits).catch((error: unknown) => {
        if (late === undefined || !(error instanceof AuthgearTimeout)) throw error
        told?.()
        lateCalls++
        return late.finally(() => { lateCalls-- })
      })
    } catch (error) {
      if (error instanceof GrantRefused || error instanceof IdTokenRefused) throw error
      throw new TokenCallFailed(waiting.aborted ? new Overloaded() : classify(error, timeoutMs))
    } finally {
      waiting.met()
    }
  }
}

const openBreaker = (kind: Kind, { monotonic }: Clock): CircuitBreaker =>
  createCircuitBreaker(KINDS[kind].maxRunning, KINDS[kind].maxWaiting, {}, monotonic)

/** A late answer is a failure to the circuit breaker, which goes on. */
async function inTime<T> (answer: Promise<T>, timeoutMs: number): Promise<T> {
  const deadline = new Deadline(timeoutMs)
  const late = once(deadline, 'abort').then(() => { throw new AuthgearTimeout(timeoutMs) })
  return await Promise.race([answer, late]).finally(() => deadline.met())
}

/** Whatever a stranger brings as a code, those that fail count as one. */
const NO_DIGESTS: SentDigests = { whole: [], all: [] }

const tokensOf = (answer: OAuth.TokenEndpointResponse): Tokens => ({
  accessToken: answer.access_token,
  accessLifeMs: answer.expires_in === undefined ? DEFAULT_LIFE_MS : answer.expires_in * 1000,
  idToken: answer.id_token,
  refreshToken: answer.refresh_token
})

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

/** What Authgear shows to the person as a device, and counts calls by. */
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
    return new AuthgearGarbage(`the token endpoint's answer cannot be used (${code})`)
  }
  return classify(error, timeoutMs)
}

/** @param cause of the library's error about a claim */
function claimIn (cause: unknown): string {
  const claim = objectOf(cause)?.['claim']
  return typeof claim === 'string' && ERROR_CODE.test(claim) ? claim : 'claims'
}
