import { credentialContextOf } from '../../../base/http/request.ts'
import type { HandlerResult, VerifyRequest } from '../../../base/http/types.ts'
import { claimsOf } from '../../../base/core/token-expiry.ts'
import { readLoginQuery } from '../urls.ts'
import { whoOf } from '../responses.ts'
import type { OwnRecord } from '../sessions/record.ts'
import type { Target } from '../sessions/record.ts'
import { readSessionCookie, type Site } from '../sites.ts'
import {
  type Browser, browserCookie, browserIdOf, clicked, isCircling, newBrowser, readBrowser, roundOf, sealState, type State
} from './state.ts'
import type { OwnLoginDeps, SiteHandler } from './types.ts'

export type Begin = (
  site: Site,
  browser: Browser | undefined,
  how: Pick<State, 'returnTo' | 'mode' | 'locales' | 'fullAccess' | 'isForStepUp' | 'isAgain'>,
  hint?: string
) => HandlerResult

/** Sends a browser to Authgear, with a state that is its alone. */
export function createBegin ({ answers, authgear, seal, clock, stepped }: OwnLoginDeps): Begin {
  return (site, known, how, hint) => {
    const browser = known ?? newBrowser(site)
    const now = clock.wall()
    const state: State = {
      ...how,
      fullAccess: how.fullAccess ?? how.mode !== 'step-up',
      host: site.name,
      browser: browserIdOf(browser),
      round: roundOf(browser, now),
      issuedAt: now
    }
    const sealed = sealState(seal, state)
    stepped(how.mode === 'step-up' ? 'step_up' : how.mode)
    const location = authgear.authorize(site, browser, sealed, state, hint)
    return answers.redirect('sent_to_authgear', location, browserCookie(seal, site, browser))
  }
}

/** `/login?rd=…`: to Authgear; first with `prompt=none`, so that a person with a session there sees no page. */
export function createOwnLogin (deps: OwnLoginDeps): SiteHandler {
  const { answers, seal, clock } = deps
  const begin = createBegin(deps)
  const stepUp = createStepUp(deps, begin)
  return (request, site) => {
    const { returnTo: wanted = '', maxAge, locales } = readLoginQuery(request.query ?? '')
    const returnTo = site.returnUrls.read(wanted) ?? site.returnUrls.fallback
    const browser = readBrowser(seal, request, site)
    if (browser !== undefined && isCircling(browser, clock.wall())) {
      // its link resets the count: a person's click is no loop
      return answers.page('redirect_loop', request, { returnTo, cookie: browserCookie(seal, site, clicked(browser)) })
    }
    if (maxAge !== undefined) return stepUp(request, site, browser, { returnTo, locales })
    return begin(site, browser, { returnTo, mode: 'silent', locales })
  }
}

type StepUp = (
  request: VerifyRequest,
  site: Site,
  browser: Browser | undefined,
  how: Pick<State, 'returnTo' | 'locales'>
) => Promise<HandlerResult>

/** An ID token that ends sooner is no hint: the person may take that long to type. */
const HINT_LIFE_SECONDS = 120

/**
 * Authgear asks the same person once more, by an ID token that has not ended; without a session it is a login. A
 * session without full access gets a grant that has it first, and the page sends the person here again: asked at once,
 * Authgear would begin a whole login, and end every other session of the browser.
 */
function createStepUp ({ answers, sessions, refresh, keyer, clock }: OwnLoginDeps, begin: Begin): StepUp {
  const endOf = ({ idToken }: OwnRecord): number => Number(claimsOf(idToken)?.['exp'])
  return async (request, site, browser, how) => {
    const login = (): HandlerResult => begin(site, browser, { ...how, mode: 'silent' })
    const reading = readSessionCookie(request, site)
    if (reading.kind !== 'credentials') return login()
    const context = credentialContextOf(keyer, request, reading.credentials)
    const target: Target = {
      own: reading.credentials.own ?? '',
      keys: context.cacheKeys(),
      digests: keyer.sentDigests(reading.credentials),
      trace: request.trace()
    }
    const found = await sessions.read(target.own)
    if (found.kind !== 'done') return answers.page('login_unavailable', request)
    if (found.value === undefined) return login()
    let record = found.value
    if (!(endOf(record) > clock.wall() / 1000 + HINT_LIFE_SECONDS)) {
      const refreshed = await refresh(target, record, true)
      if (refreshed.kind === 'unavailable') {
        return { ...answers.page('login_unavailable', request), error: refreshed.error }
      }
      if (refreshed.kind !== 'session') return login()
      record = refreshed.record
    }
    const sent = record.hasFullAccess === true
      ? begin(site, browser, { ...how, mode: 'step-up' }, record.idToken)
      : begin(site, browser, { ...how, mode: 'silent', isForStepUp: true }, record.idToken)
    return { ...sent, who: whoOf(keyer, reading.credentials, record.userId) }
  }
}
