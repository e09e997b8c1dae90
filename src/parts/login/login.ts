import type { Authenticator } from '../../base/authenticate/types.ts'
import type { Clock } from '../../base/clock.ts'
import type { Keyer } from '../../base/core/cache-key.ts'
import { readCredentials, type CookieNames } from '../../base/core/credentials.ts'
import { type AuthgearUrls, onlyOf, readLoginQuery } from './urls.ts'
import {
  type Browser, browserCookie, isRedirectLoop, isCurrent, newBrowser, openState, readBrowser, returned, type Seal,
  sealState, type State
} from './state.ts'
import type { Site } from './sites.ts'
import { type LoginAnswers, pageOf } from './responses.ts'
import { credentialContextOf } from '../../base/http/request.ts'
import type { Handler, HandlerResult, VerifyRequest } from '../../base/http/types.ts'
import { admittedOf } from '../../base/verify/responses.ts'

export type LoginDeps = Readonly<{
  answers: LoginAnswers
  site: Site
  authgear: AuthgearUrls
  seal: Seal
  clock: Clock
  authenticator: Authenticator
  keyer: Keyer
  cookieNames: CookieNames
}>

/** Authgear's answers to `prompt=none` that mean: it has to show something first (OpenID Connect Core, 3.1.2.6). */
const NEEDS_A_PERSON = new Set([
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required'
])
/**
 * A login that another tab overtook, or that took too long, restarts automatically this often before the person sees a
 * page.
 */
const MAX_RESTARTS = 3

type Begin = (state: Omit<State, 'browser' | 'issuedAt'>, browser: Browser | undefined) => HandlerResult

function createBegin ({ answers, authgear, seal, clock, site }: LoginDeps): Begin {
  return (state, known) => {
    const now = clock.wall()
    const browser = known ?? newBrowser(now)
    const sealed = sealState(seal, { ...state, browser: browser.id, issuedAt: now })
    return answers.redirect('sent_to_authgear', authgear.authorize(sealed, state), browserCookie(seal, site, browser))
  }
}

/** `/login?rd=…`: to Authgear; first with `prompt=none`, so that a person with a session there sees no page. */
export function createLogin (deps: LoginDeps): Handler {
  const { site, site: { returnUrls }, seal, clock } = deps
  const begin = createBegin(deps)
  return (request) => {
    const { returnTo, maxAge, locales } = readLoginQuery(request.query ?? '')
    const mode = maxAge === undefined ? 'silent' : 'step-up'
    const back = (returnTo === undefined ? undefined : returnUrls.read(returnTo)) ?? returnUrls.fallback
    return begin(
      { returnTo: back, mode, maxAge, locales, restarts: 0 },
      readBrowser(seal, request, site, clock.wall())
    )
  }
}

/**
 * `/callback?state=…`: back from Authgear. Back to the page only where the state is this browser's, and the session's
 * cookie came too.
 */
export function createCallback (deps: LoginDeps): Handler {
  const { answers, site, site: { returnUrls }, seal, clock } = deps
  const begin = createBegin(deps)
  const arrive = createCompleteLogin(deps)
  return (request) => {
    const query = new URLSearchParams(request.query)
    const state = openState(seal, onlyOf(query, 'state') ?? '')
    if (state === undefined) return answers.page('state_unknown', request)
    // LOGIN_ALLOWED_HOSTS may be others by now
    const returnTo = returnUrls.read(state.returnTo) ?? returnUrls.fallback
    const browser = readBrowser(seal, request, site, clock.wall())
    if (browser?.id !== state.browser || !isCurrent(state, clock.wall())) {
      // the holder of such a state could as well link to /login?rd=…: it is worth no more than that
      if (state.restarts < MAX_RESTARTS) {
        return begin(
          { returnTo, mode: 'silent', maxAge: undefined, locales: state.locales, restarts: state.restarts + 1 },
          browser
        )
      }
      return answers.page(browser === undefined ? 'cookies_blocked' : 'state_unknown', request, { returnTo })
    }
    const error = query.get('error')
    if (error === null) return arrive(request, browser, returnTo)
    if (state.mode === 'silent' && NEEDS_A_PERSON.has(error)) {
      return begin({ ...state, returnTo, mode: 'interactive', restarts: 0 }, browser)
    }
    const { page, says } = pageOf(error)
    return answers.page(page, request, { returnTo, says })
  }
}

type CompleteLogin = (request: VerifyRequest, browser: Browser, returnTo: string) => Promise<HandlerResult>

/**
 * Authgear says that there is a session: does its cookie reach us? Asks Authgear again, since the cache holds older
 * answers.
 */
function createCompleteLogin (deps: LoginDeps): CompleteLogin {
  const { answers, seal, site, clock, authenticator, keyer, cookieNames } = deps
  return async (request, browser, returnTo) => {
    const reading = readCredentials(request.rawHeaders, cookieNames)
    if (reading.kind === 'none') return answers.page('cookie_missing', request, { returnTo })
    if (reading.kind === 'refused') return answers.page('cookie_unknown', request, { returnTo })
    const subject = credentialContextOf(keyer, request, reading.credentials)
    const authentication = await authenticator.confirm(subject, 0)
    if (authentication.kind === 'unavailable') {
      return { ...answers.page('login_unavailable', request), error: authentication.error }
    }
    if (authentication.kind === 'refused' || authentication.resolution.kind === 'invalid') {
      const page = reading.credentials.session === undefined ? 'cookie_missing' : 'cookie_unknown'
      return answers.page(page, request, { returnTo })
    }
    // its link resets the count: a person's click is no loop
    if (isRedirectLoop(browser)) {
      const cookie = browserCookie(seal, site, { ...browser, returns: 0 })
      return answers.page('redirect_loop', request, { returnTo, cookie })
    }
    const sentBack = answers.redirect('sent_back', returnTo, browserCookie(seal, site, returned(browser, clock.wall())))
    return { ...sentBack, who: admittedOf(subject, authentication.resolution, authentication.digests) }
  }
}
