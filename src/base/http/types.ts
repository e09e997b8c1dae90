import type { Socket } from 'node:net'
import type { Authenticator, CredentialContext } from '../authenticate/types.ts'
import type { WaitingBudget } from '../authenticate/waiting-budget.ts'
import type { Keyer } from '../core/cache-key.ts'
import type { CookieNames, CredentialsRead } from '../core/credentials.ts'
import type { Rules } from '../core/policy.ts'
import type { AllowReason, AnswerSource, KeySetReason, LoginOutcome, RefusalReason } from '../core/reason.ts'
import type { ServiceError } from '../errors.ts'
import type { FactSource } from '../identity/profile.ts'
import type { Admitted, Presenter } from '../identity/presenter.ts'
import type { ClientTrace } from '../authgear/resolver/types.ts'
import type { TraceIds } from '../tracing/types.ts'

declare const success: unique symbol
/** A status that `http/success` alone makes: no other file can write a status that lets a request pass. */
export type Success = (200 | 204) & Readonly<{ [success]: true }>
export type Status = Success | 302 | 303 | 304 | 400 | 401 | 403 | 404 | 408 | 413 | 431 | 503

/** One whole answer: flat name, value, … so that both protocols take it as it is. */
export type HttpResponse = Readonly<{
  status: Status
  headers: readonly string[]
  body: string
  /** The kept head of an answer that is sent again and again. */
  head?: KeptHead
}>

/** The head that `http/respond` keeps of such an answer, once it was sent. */
export type KeptHead = {
  /** The list that it was made of: a copy of the answer with another one has no kept head. */
  readonly headers: readonly string[]
  sent: number
  parts?: readonly [before: string, after: string] | undefined
}

/** ABSENT_HEADERS */
export type AbsentHeaders = 'empty' | 'omit'

/** The page a person requested, from the proxy's own request. */
export type Location = Readonly<{ host: string | undefined, uri: string | undefined }>

/** The proxy's request without the credentials; one pass over the header lines as they arrived. */
export type ProxyRequest = Readonly<{
  /** Each `x-forward-auth-policy` line separately, never joined: all apply. */
  policies: readonly string[]
  requestId: string | undefined
  /**
   * What follows on the connection may be no request: any Transfer-Encoding, or a Content-Length other than 0, declares
   * a body, and Upgrade another protocol.
   */
  endsInput: boolean
}>

/** A question, by any protocol and route. */
export type VerifyRequest = Readonly<{
  method: string
  rawHeaders: readonly string[]
  /** The proxy's. */
  socket: Pick<Socket, 'remoteAddress'>
  proxy: ProxyRequest
  /**
   * The proxy's policy: the URL's query; of the prefix, whose query is the client's, its first segment. Undefined where
   * there is none.
   */
  query: string | undefined
  requestId: string
  /** Characters of its URL and its header lines; each is a byte. */
  headBytes (): number
  /** Read only when Authgear is asked. */
  trace (): ClientTrace
  /**
   * The page's address with EXT_AUTHZ_LOCATION=request; undefined where `X-Forwarded-*` says it. Read only where a
   * person may log in.
   */
  location? (): Location | undefined
}>

/** The answer with what the log and the metrics say of it; never a credential. */
export type HandlerResult = Readonly<{
  response: HttpResponse
  /** The true reason, which the outward one may hide. */
  reason: RefusalReason | AllowReason | LoginOutcome | 'metadata' | KeySetReason | 'not_found' | 'unreadable'
  source: AnswerSource
  /** The user or client, as Authgear or a verified token names it, allowed or not. */
  who: Admitted | undefined
  /** The digest of the credentials; computed only if it is logged. */
  subject?: Pick<CredentialContext, 'cacheKey'> | undefined
  error?: ServiceError | undefined
  /** The ids of its span, where there is tracing; else those that the proxy sent. */
  trace?: TraceIds
  /** The problem of a policy. */
  policyError?: string | undefined
  /** Why a resource token is refused: a claim's name or a rule. */
  tokenError?: string | undefined
  /** The error code that a login came back from Authgear with. */
  authgearError?: string | undefined
  /** A problem that only the operator can fix: logged as a warning that names the host. */
  forOperator?: string | undefined
}>

/** Synchronous where memory knows. Never rejects. */
export type Handler = (request: VerifyRequest) => HandlerResult | Promise<HandlerResult>

export type HandlerDeps = Readonly<{
  authenticator: Authenticator
  keyer: Keyer
  cookieNames: CookieNames
  /** Reads a part's own credentials, instead of Authgear's cookies. */
  readOwn?: ((request: VerifyRequest) => CredentialsRead) | undefined
  absentHeaders: AbsentHeaders
  presenter: Presenter
  /** Requirements on every person, on every endpoint. */
  rules: Rules
  /** The source of what rules and policies ask of a person beside the identity. */
  facts: FactSource
  /** Bounds all requests that wait for a profile. */
  waiting: WaitingBudget
  /** AUTHGEAR_ENDPOINT */
  realm: string
}>
