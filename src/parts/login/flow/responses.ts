import type { Keyer } from '../../../base/core/cache-key.ts'
import type { Credentials } from '../../../base/core/credentials.ts'
import type { LoginOutcome, LoginPage, UnavailablePage } from '../../../base/core/reason.ts'
import type { UserId } from '../../../base/core/resolution.ts'
import type { Admitted } from '../../../base/identity/presenter.ts'
import { adviceOf, FOR_THE_OPERATOR } from '../advice.ts'
import { writeLoginQuery } from './urls.ts'
import type { PageMaker } from '../../../base/http/pages.ts'
import { COMMON, COMMON_OF_PAGES } from '../../../base/http/answers.ts'
import { RETRY_AFTER_SECONDS } from '../../../base/verify/responses.ts'
import { OK } from '../../../base/http/success.ts'
import type { HandlerResult, HttpResponse, Status, Success, VerifyRequest } from '../../../base/http/types.ts'

type PageStatus = Readonly<
  Record<Exclude<LoginPage, UnavailablePage | 'signed_out'>, 400 | 403> &
  Record<UnavailablePage, 503> &
  { signed_out: Success }
>

/** One is a 2xx, which a proxy that asks takes for "allowed": see `asksAboutAnother`. */
export const PAGE_STATUS: PageStatus = {
  state_unknown: 400,
  cookies_blocked: 400,
  login_denied: 403,
  login_misconfigured: 403,
  login_failed: 503,
  cookie_missing: 403,
  cookie_unknown: 403,
  redirect_loop: 403,
  host_unknown: 403,
  step_up_refused: 403,
  step_up_off: 403,
  too_many_codes: 503,
  session_not_kept: 503,
  not_a_page: 403,
  cross_site: 403,
  login_unavailable: 503,
  // no 401: where a proxy makes a login of every 401, people would be signed in again at once
  signed_out: OK
}

/** Names by which a proxy that asks says what the client wants. */
const WANTED = new Set(['x-forwarded-uri', 'x-original-uri', 'x-original-url'])

/**
 * True for a proxy that asks about another page here, instead of leading a browser to this one: each way to ask names
 * the client's own page, and a 200 would open it.
 * @param path this page's
 */
function asksAboutAnother (rawHeaders: readonly string[], path: string): boolean {
  return rawHeaders.some((value, i) =>
    i % 2 === 1 && WANTED.has(rawHeaders[i - 1]?.toLowerCase() ?? '') && value.split('?', 1)[0] !== path)
}

const FAILED = new Set(['server_error', 'temporarily_unavailable'])
/** An error code that may stand in a log line. */
const ERROR_CODE = /^[a-z_]{1,40}$/

/** The page for an error that Authgear sends a browser back with; `says`: its code, for the log. */
export function pageOf (error: string): Readonly<{ page: LoginPage, says: string | undefined }> {
  const says = ERROR_CODE.test(error) ? error : undefined
  if (error === 'access_denied') return { page: 'login_denied', says }
  return { page: FAILED.has(error) ? 'login_failed' : 'login_misconfigured', says }
}

/** Whose session an answer of the login is about: what observes decisions joins it with the session's others. */
export function whoOf (keyer: Pick<Keyer, 'memoryKey'>, credentials: Credentials, userId: string): Admitted {
  const key = keyer.memoryKey(credentials)
  return { key, credentials, userId: userId as UserId, identity: [], digests: [], grant: undefined }
}

type OnPage = Readonly<{
  /** Validated; where the page's link to the login leads in the end. */
  returnTo?: string | undefined
  /** A Set-Cookie line, or several. */
  cookie?: string | readonly string[]
  /** Authgear's error code, for the log. */
  says?: string | undefined
}>

export type LoginAnswers = Readonly<{
  redirect: (
    outcome: Exclude<LoginOutcome, LoginPage>,
    location: string,
    cookie?: string | readonly string[]
  ) => HandlerResult
  page: (outcome: LoginPage, request: VerifyRequest, on?: OnPage) => HandlerResult
}>

/** An address of ours may hold a code. */
const NO_REFERRER = ['referrer-policy', 'no-referrer']

/**
 * Redirects and pages: never an identity header.
 * @param path what the routes begin with
 * @param sessionCookie the name of Authgear's; of a session of our own there are other words
 */
export function createLoginAnswers (
  path: string,
  sessionCookie: string,
  session: 'authgear' | 'own',
  pageMaker: PageMaker
): LoginAnswers {
  const pages = pageMaker.logins(adviceOf(session, sessionCookie))
  const withRedirect = session === 'own' ? NO_REFERRER : []
  return Object.freeze({
    redirect (outcome: LoginOutcome, location: string, cookie?: string | readonly string[]): HandlerResult {
      const headers = ['location', location, ...withRedirect]
      return resultOf(outcome, answerOf(outcome, outcome === 'sent_back' ? 303 : 302, headers, '', cookie))
    },
    page (outcome: LoginPage, { requestId, rawHeaders }: VerifyRequest, on: OnPage = {}): HandlerResult {
      const { returnTo, cookie, says } = on
      const isRefused = outcome === 'signed_out' && asksAboutAnother(rawHeaders, `${path}/logged-out`)
      const status = isRefused ? 403 : PAGE_STATUS[outcome]
      const body = pages.render(outcome, rawHeaders, {
        reference: requestId,
        way: `${path}/login${writeLoginQuery({ returnTo, maxAge: undefined })}`
      })
      const headers = status === 503 ? [...pages.headers, 'retry-after', RETRY_AFTER_SECONDS] : pages.headers
      const response = answerOf(outcome, status, headers, body, cookie)
      return { ...resultOf(outcome, response), authgearError: says, forOperator: FOR_THE_OPERATOR.get(outcome) }
    }
  })
}

const resultOf = (reason: LoginOutcome, response: HttpResponse): HandlerResult =>
  ({ response, reason, source: 'none', who: undefined })

function answerOf (
  outcome: LoginOutcome,
  status: Status,
  headers: readonly string[],
  body: string,
  cookie: string | readonly string[] | undefined
): HttpResponse {
  const all = [
    ...headers,
    'content-length',
    String(Buffer.byteLength(body)),
    ...(body === '' ? COMMON : COMMON_OF_PAGES),
    'x-forward-auth-reason',
    outcome
  ]
  return { status, headers: [...all, ...[cookie ?? []].flat().flatMap((line) => ['set-cookie', line])], body }
}
