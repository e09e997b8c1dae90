/**
 * Why a request got its answer: the closed set of docs/interface.md, "Answers". Used as the `reason` label, so it never
 * holds anything a client chose.
 */
/** `allowed_stale`: by CACHE_STALE_IF_ERROR, while Authgear cannot be reached */
export type AllowReason = 'allowed' | 'allowed_stale' | 'preflight'
type UnauthenticatedReason =
  | 'no_credentials'
  | 'malformed_credentials'
  | 'ambiguous_credentials'
  | 'expired_credentials'
  | 'wrong_audience'
  | 'invalid_session'
  | 'client_blocked'
  | 'step_up_required'
type ForbiddenReason = 'forbidden' | 'bad_policy' | 'insufficient_scope' | 'wrong_client'
export type UnavailableReason =
  | 'authgear_unavailable'
  | 'authgear_misconfigured'
  | 'overloaded'
  /** Any stranger can cause it: no sign of an outage. */
  | 'exchange_limited'
  | 'record_unavailable'
export type RefusalReason = UnauthenticatedReason | ForbiddenReason | UnavailableReason
export type Reason = AllowReason | RefusalReason

type RefusalText = Readonly<{
  status: 401 | 403 | 503
  /** The words for the client: nothing about the configuration of a route or of Authgear. */
  outward: string
  /** One sentence for a person. */
  message: string
  /** The same about an access token: a program has it, which nobody can sign in again. */
  tokenMessage?: string
}>

/** @param isToken a bearer token was sent, or nothing else would do */
export function messageOf (reason: RefusalReason, isToken: boolean): string {
  const { message, tokenMessage } = REFUSALS[reason]
  return isToken ? tokenMessage ?? message : message
}

const SIGN_IN = 'You need to sign in to continue.'
const NOT_ALLOWED = 'You are not allowed to open this page.'
const TRY_LATER = 'Sign-in cannot be checked right now. Please try again in a moment.'

type Refused<S extends RefusalText['status']> = RefusalText & Readonly<{ status: S }>
type Refusals = Readonly<
  Record<Exclude<RefusalReason, UnavailableReason>, Refused<401 | 403>> & Record<UnavailableReason, Refused<503>>
>

export const REFUSALS: Refusals = {
  no_credentials: {
    status: 401,
    outward: 'no_credentials',
    message: SIGN_IN,
    tokenMessage: 'An access token is needed here.'
  },
  malformed_credentials: {
    status: 401,
    outward: 'malformed_credentials',
    message: 'The credentials sent cannot be read. Please sign in again.',
    tokenMessage: 'The access token sent cannot be read.'
  },
  ambiguous_credentials: {
    status: 401,
    outward: 'ambiguous_credentials',
    message: 'More than one set of credentials was sent, so none was used.'
  },
  expired_credentials: {
    status: 401,
    outward: 'expired_credentials',
    message: 'Your access token has expired. Please sign in again.',
    tokenMessage: 'The access token sent has expired.'
  },
  wrong_audience: {
    status: 401,
    outward: 'wrong_audience',
    message: 'The access token sent is meant for another service.'
  },
  invalid_session: {
    status: 401,
    outward: 'invalid_session',
    message: 'Your session is not valid any more. Please sign in again.',
    tokenMessage: 'The access token sent is not accepted here: it has ended, or is not meant for this service.'
  },
  client_blocked: {
    status: 401,
    outward: 'client_blocked',
    message: 'The client that sent this access token is blocked here.'
  },
  step_up_required: {
    status: 401,
    outward: 'step_up_required',
    message: 'You need to confirm that it is you: please sign in again.'
  },
  forbidden: { status: 403, outward: 'forbidden', message: NOT_ALLOWED },
  bad_policy: { status: 403, outward: 'forbidden', message: NOT_ALLOWED },
  insufficient_scope: {
    status: 403,
    outward: 'insufficient_scope',
    message: 'The access token sent does not allow this: it needs another scope.'
  },
  wrong_client: { status: 403, outward: 'wrong_client', message: 'This client is not allowed here.' },
  authgear_unavailable: { status: 503, outward: 'authgear_unavailable', message: TRY_LATER },
  authgear_misconfigured: { status: 503, outward: 'authgear_unavailable', message: TRY_LATER },
  overloaded: { status: 503, outward: 'overloaded', message: TRY_LATER },
  exchange_limited: { status: 503, outward: 'overloaded', message: TRY_LATER },
  record_unavailable: { status: 503, outward: 'record_unavailable', message: TRY_LATER }
}

/**
 * How a request to the login's routes ended: a closed set, used as the `reason` label. `signed_out` alone is a 2xx, and
 * only to a browser that the proxy leads here.
 */
export type LoginPage =
  /** The state that came back was not sealed by this service. */
  | 'state_unknown'
  /** The browser came back twice without our cookie. */
  | 'cookies_blocked'
  | 'login_denied'
  /** Authgear refuses the client, its redirect URI or what is asked. */
  | 'login_misconfigured'
  | 'login_failed'
  /** Signed in at Authgear, but its cookie does not come here. */
  | 'cookie_missing'
  /** A session cookie came, which Authgear does not know. */
  | 'cookie_unknown'
  | 'redirect_loop'
  /** No login is at this host. */
  | 'host_unknown'
  /** Another person came back, or nobody was asked again. */
  | 'step_up_refused'
  /** Authgear refuses full access to the client, without which nobody is asked again. */
  | 'step_up_off'
  /** Authgear refused too many codes of this client's within a minute. */
  | 'too_many_codes'
  /** Redis did not take the session; nothing was changed. */
  | 'session_not_kept'
  /** A frame, a script or something fetched ahead: signing in and out is for pages that a person opens. */
  | 'not_a_page'
  /** Another site's link: signing out takes a click on a page of one's own. */
  | 'cross_site'
  | 'login_unavailable'
  | 'signed_out'

/** Those of them that are a 503. */
export type UnavailablePage = 'login_failed' | 'too_many_codes' | 'session_not_kept' | 'login_unavailable'

export type LoginOutcome = LoginPage | 'sent_to_authgear' | 'sent_back' | 'signing_out' | 'sent_to_login'

/** Outcome of a request for the key set of assertions. */
export type KeySetReason = 'key_set' | 'no_key'

/** Source of an answer; the `source` label. */
export type AnswerSource = 'memory' | 'redis' | 'authgear' | 'none'
/** The endpoint that the proxy asked; the `endpoint` label. A closed set: a part's endpoint is in it, too. */
export type Endpoint =
  | 'verify'
  | 'ext-authz'
  | 'resource'
  | 'resource-or-session'
  | 'metadata'
  | 'jwks'
  | 'identify'
  | 'login'
  | 'other'

/** A closed set: it is a metric's label. Of `unsigned` and `not_read` any stranger can be the cause. */
export const WEBHOOK_REFUSALS = ['unsigned', 'wrong_signature', 'other_app', 'unreadable', 'not_read'] as const
export type WebhookRefusal = (typeof WEBHOOK_REFUSALS)[number]
