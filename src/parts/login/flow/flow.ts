import type { LoginPage } from '../../../base/core/reason.ts'
import type { Clock } from '../../../base/clock.ts'
import type { Handler, HandlerResult, VerifyRequest } from '../../../base/http/types.ts'
import type { LoginStep } from '../metrics.ts'
import { type LoginAnswers, pageOf } from './responses.ts'
import type { Site } from './sites.ts'
import type { AuthgearUrls } from './urls.ts'
import { onlyOf, readLoginQuery } from './urls.ts'
import { isCurrent, type Seal } from './state.ts'
import {
  type Browser, browserCookie, clicked, type Forms, newBrowser, readBrowser, returned, roundOf, type State
} from './state.ts'

/** Answers a request of a page at one of our origins. */
export type SiteHandler = (request: VerifyRequest, site: Site) => ReturnType<Handler>

/** One answer of Authgear's, of a state that is this browser's. */
export type Arrival = Readonly<{
  request: VerifyRequest
  site: Site
  browser: Browser
  state: State
  /** Sealed, as it came. */
  sealed: string
  returnTo: string
}>

/** What a login leads to: Authgear's own session, or one of this service. */
export type SessionKind = Readonly<{
  /** Nobody is sent to Authgear and back more often within a minute, without a click. */
  maxReturns: number
  /** How often a login that cannot continue restarts automatically, and one of a browser that sends no cookie. */
  restarts: Readonly<{ known: number, unknown: number }>
  /** Authgear's answers to `prompt=none` that mean: it has to show something first. */
  needsAPerson: ReadonlySet<string>
  stepUp: (
    request: VerifyRequest,
    site: Site,
    browser: Browser | undefined,
    how: Pick<State, 'returnTo' | 'maxAge' | 'locales'>
  ) => ReturnType<Handler>
  /** An error that it knows what to do about. */
  failed?: (arrival: Arrival, error: string) => HandlerResult | undefined
  arrived: (arrival: Arrival, query: URLSearchParams) => ReturnType<Handler>
}>

export type FlowDeps = Readonly<{
  answers: LoginAnswers
  authgear: AuthgearUrls
  seal: Seal
  clock: Clock
  /** AUTHGEAR_ENDPOINT */
  issuer: string
  forms: Forms
  asksForFullAccess: boolean
  stepped: (step: LoginStep) => void
}>

type How = Pick<State, 'returnTo' | 'mode' | 'maxAge' | 'locales' | 'fullAccess' | 'isForStepUp'> &
  Readonly<{ restarts?: number }>

export type Begin = (site: Site, browser: Browser | undefined, how: How, hint?: string) => HandlerResult

/** Sends a browser to Authgear, with a state that is its alone. */
export function createBegin (deps: FlowDeps): Begin {
  const { answers, authgear, seal, forms, clock, asksForFullAccess, stepped } = deps
  return (site, known, how, hint) => {
    const browser = known ?? newBrowser(site)
    const now = clock.wall()
    const state: State = {
      restarts: 0,
      ...how,
      fullAccess: how.fullAccess ?? (asksForFullAccess && how.mode !== 'step-up'),
      host: site.name,
      browser: forms.nameOf(browser),
      round: roundOf(browser, now),
      issuedAt: now
    }
    const sealed = forms.state.seal(seal, state)
    stepped(how.mode === 'step-up' ? 'step_up' : how.mode)
    const location = authgear.authorize(site, browser, sealed, state, hint)
    return answers.redirect('sent_to_authgear', location, browserCookie(deps, site, browser))
  }
}

/** `/login?rd=…`: to Authgear; first with `prompt=none`, so that a person with a session there sees no page. */
export function createLogin (deps: FlowDeps, kind: SessionKind): SiteHandler {
  const { answers, clock } = deps
  const begin = createBegin(deps)
  return (request, site) => {
    const { returnTo: wanted = '', maxAge, locales } = readLoginQuery(request.query ?? '')
    const returnTo = site.returnUrls.read(wanted) ?? site.returnUrls.fallback
    const browser = readBrowser(deps, request, site)
    if (browser !== undefined && roundOf(browser, clock.wall()) >= kind.maxReturns) {
      // its link resets the count: a person's click is no loop
      const cookie = browserCookie(deps, site, clicked(browser))
      return answers.page('redirect_loop', request, { returnTo, cookie })
    }
    if (maxAge !== undefined) return kind.stepUp(request, site, browser, { returnTo, maxAge, locales })
    return begin(site, browser, { returnTo, mode: 'silent', locales })
  }
}

/** `/callback?state=…`: back from Authgear. An answer that cannot be taken up is worth what /login?rd=… is. */
export function createCallback (deps: FlowDeps, kind: SessionKind): SiteHandler {
  const { answers, seal, forms, clock, stepped } = deps
  const begin = createBegin(deps)
  return (request, site) => {
    const query = new URLSearchParams(request.query)
    const refused = (page: LoginPage, returnTo?: string, says?: string): HandlerResult => {
      stepped('refused')
      return answers.page(page, request, { returnTo, says })
    }
    const sealed = onlyOf(query, 'state') ?? ''
    const state = forms.state.open(seal, sealed, site)
    if (state === undefined || state.host !== site.name) return refused('state_unknown')
    // LOGIN_ALLOWED_HOSTS may be others by now
    const returnTo = site.returnUrls.read(state.returnTo) ?? site.returnUrls.fallback
    const browser = readBrowser(deps, request, site)
    const isOurs = browser !== undefined && forms.nameOf(browser) === state.browser
    const { mode, locales, fullAccess } = state
    if (!isOurs || !isCurrent(state, clock.wall(), forms.lifeMs)) {
      const { known, unknown } = kind.restarts
      if (browser === undefined && state.restarts >= unknown) return refused('cookies_blocked', returnTo)
      if (state.restarts >= known) return refused('state_unknown', returnTo)
      // tabs that share one cookie are of one round, as those of a browser with a cookie are
      const seen = isOurs ? returned(browser, state, clock.wall()) : browser
      return begin(site, seen, { returnTo, mode: 'silent', locales, restarts: state.restarts + 1 })
    }
    // RFC 9207, section 2.4: before the code goes anywhere
    if (query.getAll('iss').some((one) => one !== deps.issuer)) return refused('login_failed', returnTo)
    const arrival = { request, site, browser, state, sealed, returnTo }
    const error = query.get('error')
    if (error === null) return kind.arrived(arrival, query)
    const failed = kind.failed?.(arrival, error)
    if (failed !== undefined) return failed
    if (mode === 'silent' && kind.needsAPerson.has(error)) {
      return begin(site, browser, { returnTo, mode: 'interactive', locales, fullAccess })
    }
    const { page, says } = pageOf(error)
    return refused(page, returnTo, says)
  }
}
