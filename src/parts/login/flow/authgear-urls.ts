import type { LoginSettings } from '../variables.ts'
import type { Site } from '../sites.ts'
import { type Browser, challengeOf, proofsOf, type State } from './state.ts'

type How = Pick<State, 'mode' | 'maxAge' | 'locales' | 'fullAccess'>

/** Authgear's addresses for a browser. */
export type AuthgearUrls = Readonly<{
  callback: (site: Site) => string
  /** @param sealed the state @param hint an ID token that has not expired, of a step-up */
  authorize: (site: Site, browser: Browser, sealed: string, how: How, hint?: string) => string
  /** @param hint the ID token of the session, expired or not */
  endSession: (site: Site, hint?: string) => string
  /** True if people come back to `/logged-out` of the site, and not to a page of its operator's. */
  comesBack: (site: Site) => boolean
}>

/** Parameters that choose Authgear's first page: login or sign-up. */
const PROMPTS: Readonly<Record<State['mode'], Readonly<Record<string, string>>>> = {
  silent: { prompt: 'none' },
  // without it a browser that Authgear never saw lands on its page for signing up
  interactive: { x_page: 'login' },
  // the person has a session, and must be asked all the same
  'step-up': { x_page: 'login', prompt: 'login' }
}

/** @param origin of AUTHGEAR_ENDPOINT */
export function createAuthgearUrls (origin: string, settings: LoginSettings): AuthgearUrls {
  const { clientId, path, logoutRedirectUri, own } = settings
  const callback = (site: Site): string => `${site.origin}${path}/callback`
  const loggedOut = (site: Site): string => `${site.origin}${path}/logged-out`
  const logoutUri = (site: Site): string => own?.hasLogoutUri === false ? loggedOut(site) : logoutRedirectUri
  return Object.freeze({
    callback,
    authorize: (site: Site, browser: Browser, sealed: string, how: How, hint?: string) => {
      const { mode, maxAge, locales } = how
      const query = {
        client_id: clientId,
        ...own === undefined ? FOR_A_COOKIE : forACode(own.sso, proofsOf(browser, sealed), how),
        state: sealed,
        ...PROMPTS[mode],
        ...maxAge === undefined ? {} : { max_age: String(maxAge) },
        ...locales === undefined ? {} : { ui_locales: locales },
        redirect_uri: callback(site),
        ...hintOf(hint)
      }
      return `${origin}/oauth2/authorize?${new URLSearchParams(query).toString()}`
    },
    endSession: (site: Site, hint?: string) => {
      const query = new URLSearchParams({ post_logout_redirect_uri: logoutUri(site), ...hintOf(hint) })
      return `${origin}/oauth2/end_session?${query.toString()}`
    },
    comesBack: (site: Site) => logoutUri(site) === loggedOut(site)
  })
}

/** Never `x_sso_enabled=false` or `x_suppress_idp_session_cookie=true`, which make no cookie. */
const FOR_A_COOKIE = { response_type: 'none', scope: 'openid' }

/**
 * Authgear asks a person once more, instead of a whole login that ends the browser's other sessions, only for a grant
 * with this scope. It refuses the scope (`invalid_scope`) to confidential and third-party clients.
 */
export const FULL_ACCESS = 'https://authgear.com/scopes/full-access'

/** The parameters that ask for a code which this browser alone can redeem. */
const forACode = (
  sso: boolean, { verifier, nonce }: ReturnType<typeof proofsOf>, { mode, fullAccess }: How
): Readonly<Record<string, string>> => ({
  response_type: 'code',
  // without offline_access a step-up makes no second grant (docs/inside/authgear.md, "Sessions of apps")
  scope: mode === 'step-up' ? 'openid' : `openid offline_access${fullAccess === true ? ` ${FULL_ACCESS}` : ''}`,
  nonce,
  code_challenge: challengeOf(verifier),
  code_challenge_method: 'S256',
  ...sso ? { x_sso_enabled: 'true' } : {}
})

const hintOf = (hint: string | undefined): Readonly<Record<string, string>> =>
  hint === undefined ? {} : { id_token_hint: hint }
