import type { LoginSettings } from '../variables.ts'
import { PROMPTS } from '../urls.ts'
import type { Site } from '../sites.ts'
import { type Browser, challengeOf, proofsOf, type State } from './state.ts'

export type OwnAuthgearUrls = Readonly<{
  callback: (site: Site) => string
  /** @param sealed the state @param hint an ID token that has not expired, of a step-up */
  authorize: (site: Site, browser: Browser, sealed: string, state: State, hint?: string) => string
  /** @param hint the ID token of the session, expired or not */
  endSession: (site: Site, hint: string | undefined) => string
  /** True if people come back to `/logged-out` of the site. */
  comesBack: (site: Site) => boolean
}>

/** Authgear's addresses for a browser. @param origin of AUTHGEAR_ENDPOINT */
export function createOwnAuthgearUrls (origin: string, settings: LoginSettings): OwnAuthgearUrls {
  const { path, logoutRedirectUri, own } = settings
  const callback = (site: Site): string => `${site.origin}${path}/callback`
  const loggedOut = (site: Site): string => `${site.origin}${path}/logged-out`
  const logoutUri = (site: Site): string => own?.hasLogoutUri === true ? logoutRedirectUri : loggedOut(site)
  return Object.freeze({
    callback,
    authorize: (site: Site, browser: Browser, sealed: string, state: State, hint?: string) => {
      const query = { ...questionOf(settings, browser, sealed, state), redirect_uri: callback(site), ...hintOf(hint) }
      return `${origin}/oauth2/authorize?${new URLSearchParams(query).toString()}`
    },
    endSession: (site: Site, hint: string | undefined) => {
      const query = new URLSearchParams({ post_logout_redirect_uri: logoutUri(site), ...hintOf(hint) })
      return `${origin}/oauth2/end_session?${query.toString()}`
    },
    comesBack: (site: Site) => logoutUri(site) === loggedOut(site)
  })
}

/**
 * Authgear asks a person once more, instead of a whole login that ends the browser's other sessions, only for a grant
 * with this scope. It refuses the scope (`invalid_scope`) to confidential and third-party clients.
 */
export const FULL_ACCESS = 'https://authgear.com/scopes/full-access'

/** The parameters that ask for a code which this browser alone can redeem. */
function questionOf (
  { clientId, own }: LoginSettings,
  browser: Browser,
  sealed: string,
  { mode, locales, fullAccess }: State
): Readonly<Record<string, string>> {
  const { verifier, nonce } = proofsOf(browser, sealed)
  return {
    client_id: clientId,
    response_type: 'code',
    // without offline_access a step-up makes no second grant (docs/inside/authgear.md, "Sessions of apps")
    scope: mode === 'step-up' ? 'openid' : `openid offline_access${fullAccess === true ? ` ${FULL_ACCESS}` : ''}`,
    state: sealed,
    nonce,
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
    ...PROMPTS[mode],
    ...own?.sso === true ? { x_sso_enabled: 'true' } : {},
    ...locales === undefined ? {} : { ui_locales: locales }
  }
}

const hintOf = (hint: string | undefined): Readonly<Record<string, string>> =>
  hint === undefined ? {} : { id_token_hint: hint }
