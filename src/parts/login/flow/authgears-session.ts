import type { Authenticator } from '../../../base/authenticate/types.ts'
import type { Keyer } from '../../../base/core/cache-key.ts'
import { readCredentials, type CookieNames } from '../../../base/core/credentials.ts'
import { createBegin, type FlowDeps, type SessionKind } from './flow.ts'
import { browserCookie, renewed, returned } from './state.ts'
import { credentialContextOf } from '../../../base/http/request.ts'
import { admittedOf } from '../../../base/verify/responses.ts'

export type AuthgearsDeps = FlowDeps & Readonly<{
  authenticator: Authenticator
  keyer: Keyer
  cookieNames: CookieNames
}>

/** A login that ends with Authgear's own cookie. */
export function createAuthgearsSession (deps: AuthgearsDeps): SessionKind {
  const { answers, clock, authenticator, keyer, cookieNames } = deps
  const begin = createBegin(deps)
  return {
    // no person signs in nine times like that, but two servers that disagree do
    maxReturns: 8,
    // the holder of such a state could as well link to /login?rd=…: it is worth no more than that
    restarts: { known: 3, unknown: 3 },
    // OpenID Connect Core, 3.1.2.6
    needsAPerson: new Set([
      'login_required', 'interaction_required', 'consent_required', 'account_selection_required'
    ]),
    stepUp: (_request, site, browser, how) => begin(site, browser, { ...how, mode: 'step-up' }),
    /**
     * Authgear says that there is a session: does its cookie reach us? Asks Authgear again, since the cache holds older
     * answers.
     */
    async arrived ({ request, site, browser, state, returnTo }) {
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
      const seen = renewed(returned(browser, state, clock.wall()))
      const sentBack = answers.redirect('sent_back', returnTo, browserCookie(deps, site, seen))
      return { ...sentBack, who: admittedOf(subject, authentication.resolution, authentication.digests) }
    }
  }
}
