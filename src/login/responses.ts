import type { LoginOutcome, LoginPage } from '../core/reason.ts'
import { writeLoginQuery } from './urls.ts'
import { PAGE_STATUS } from './outcome.ts'
import { PAGE_HEADERS } from '../pages/layout.ts'
import { createLoginPages } from '../pages/login-page.ts'
import { COMMON } from '../http/responses.ts'
import { RETRY_AFTER_SECONDS } from '../verify/responses.ts'
import type { HandlerResult, HttpResponse, Status, Success, VerifyRequest } from '../http/types.ts'

type OnPage = Readonly<{
  /** Validated; where the page's link to the login leads in the end. */
  returnTo?: string | undefined
  /** A Set-Cookie line. */
  cookie?: string
  /** Authgear's error code, for the log. */
  says?: string | undefined
}>

export type LoginAnswers = Readonly<{
  redirect: (outcome: Exclude<LoginOutcome, LoginPage>, location: string, cookie?: string) => HandlerResult
  page: (outcome: LoginPage, request: VerifyRequest, on?: OnPage) => HandlerResult
}>

/** Redirects and pages: never a success, never an identity header. @param sessionCookie the name of Authgear's */
export function createLoginAnswers (loginUrl: string, sessionCookie: string): LoginAnswers {
  const render = createLoginPages(sessionCookie)
  return Object.freeze({
    redirect: (outcome: LoginOutcome, location: string, cookie?: string): HandlerResult => ({
      response: answerOf(outcome, outcome === 'sent_back' ? 303 : 302, ['location', location], '', cookie),
      reason: outcome,
      source: 'none'
    }),
    page (outcome: LoginPage, { requestId }: VerifyRequest, { returnTo, cookie, says }: OnPage = {}): HandlerResult {
      const status = PAGE_STATUS[outcome]
      const body = render(outcome, {
        reference: requestId,
        login: loginUrl + writeLoginQuery({ returnTo, maxAge: undefined })
      })
      const headers = status === 503 ? [...PAGE_HEADERS, 'retry-after', RETRY_AFTER_SECONDS] : PAGE_HEADERS
      return {
        response: answerOf(outcome, status, headers, body, cookie),
        reason: outcome,
        source: 'none',
        authgearError: says
      }
    }
  })
}

function answerOf (
  outcome: LoginOutcome,
  status: Exclude<Status, Success>,
  headers: readonly string[],
  body: string,
  cookie: string | undefined
): HttpResponse {
  const all = [
    ...headers,
    'content-length',
    String(Buffer.byteLength(body)),
    ...COMMON,
    'x-forward-auth-reason',
    outcome
  ]
  return { status, headers: cookie === undefined ? all : [...all, 'set-cookie', cookie], body }
}
