import type { LoginSettings } from '../variables.ts'
import type { Site } from './sites.ts'
import { type Browser, challengeOf, proofsOf, type State } from './state.ts'

/** The query of `/login`: `[max_age=N&][ui_locales=…&]rd=…`. */
export type LoginQuery = Readonly<{
  /** All that follows `rd=`, as it arrived: an address has ampersands of its own. */
  returnTo: string | undefined
  /** Seconds: a step-up. */
  maxAge: number | undefined
  /** BCP 47 tags, separated by blanks. */
  locales: string | undefined
}>

/** A parameter that is there exactly once. */
export function onlyOf (query: URLSearchParams, name: string): string | undefined {
  const [value, ...others] = query.getAll(name)
  return others.length === 0 ? value : undefined
}

const SECONDS = /^(?:0|[1-9][0-9]{0,8})$/
const LOCALES = /^[A-Za-z0-9-]{2,35}(?:(?:\+|%20)[A-Za-z0-9-]{2,35}){0,9}$/

/** @param query as it arrived, without its question mark; what is not known, or has no sense, counts as not sent */
export function readLoginQuery (query: string): LoginQuery {
  const at = query.startsWith('rd=') ? 0 : query.indexOf('&rd=') + 1
  const hasReturn = at > 0 || query.startsWith('rd=')
  const before = (hasReturn ? query.slice(0, at) : query).split('&')
  const value = (name: string, grammar: RegExp): string | undefined => {
    const text = before.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1)
    return text !== undefined && grammar.test(text) ? text : undefined
  }
  const maxAge = value('max_age', SECONDS)
  return {
    returnTo: hasReturn ? query.slice(at + 'rd='.length) : undefined,
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
    locales: value('ui_locales', LOCALES)?.replaceAll(/\+|%20/g, ' ')
  }
}

/** @param returnTo canonical; last, and raw, since it takes the rest */
export function writeLoginQuery ({ returnTo, maxAge }: Pick<LoginQuery, 'returnTo' | 'maxAge'>): string {
  const parameters = [
    ...(maxAge === undefined ? [] : [`max_age=${maxAge}`]),
    ...(returnTo === undefined ? [] : [`rd=${returnTo}`])
  ]
  return parameters.length === 0 ? '' : `?${parameters.join('&')}`
}

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
