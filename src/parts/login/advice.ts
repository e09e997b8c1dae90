import type { LoginPage } from '../../base/core/reason.ts'
import { FOR_THEM } from '../../base/http/pages.ts'

const CURE = 'If the app sets it, give Authgear’s another name: http.cookie_prefix in the Authgear project, and ' +
  'AUTHGEAR_COOKIE_PREFIX here.'

type Advice = Readonly<Partial<Record<LoginPage, readonly string[]>>>

/** `{cookie}`: the name under which the session is expected. */
const WITH_AUTHGEARS_SESSION: Advice = {
  login_misconfigured: [
    `${FOR_THEM} the client in Authgear must be of the kind “Cookie SSO” (traditional web application), with this ` +
      'site’s callback among its redirect URIs, and LOGIN_CLIENT_ID must be its id.'
  ],
  cookie_missing: [
    `${FOR_THEM} the cookie “{cookie}” of Authgear did not come here.`,
    '1. http.cookie_domain of the project must be a domain that both Authgear’s host and this one belong to; unset, ' +
      'the cookie stays with Authgear’s own host.',
    '2. The client must not suppress it (x_sso_enabled=false, x_suppress_idp_session_cookie=true).',
    '3. AUTHGEAR_COOKIE_PREFIX must be the project’s http.cookie_prefix.'
  ],
  cookie_unknown: [
    `${FOR_THEM} another cookie “{cookie}”, an older one of this host alone or the app’s own, may stand before ` +
      `Authgear’s. ${CURE} Or AUTHGEAR_ENDPOINT and AUTHGEAR_RESOLVER_URL are not of the same project.`
  ],
  redirect_loop: [
    `${FOR_THEM} http.cookie_domain of the Authgear project must cover the host of that page too, and a max_age in ` +
      'its policy must leave time to sign in.',
    `Or the app sets a cookie “{cookie}” of its own, which is read instead of Authgear’s. ${CURE}`
  ],
  host_unknown: [
    `${FOR_THEM} LOGIN_PUBLIC_URL must name this origin; the proxy must send X-Forwarded-Host, and its address must ` +
      'be one of TRUSTED_PROXIES.'
  ]
}

const WITH_OUR_OWN: Advice = {
  ...WITH_AUTHGEARS_SESSION,
  login_misconfigured: [
    `${FOR_THEM} LOGIN_CLIENT_ID must name a client of the kind “traditional web application” or “single-page ` +
      'application”, with this site’s callback among its redirect URIs.'
  ],
  step_up_off: [
    `${FOR_THEM} a max_age in a policy asks people to confirm who they are, and Authgear does so only for a client of ` +
      'the kind “traditional web application” or “single-page application”. LOGIN_CLIENT_ID must name one, or the ' +
      'policy must have no max_age.'
  ],
  redirect_loop: [
    `${FOR_THEM} the proxy must pass the cookie “{cookie}” on and send X-Forwarded-Host, and a max_age in the page’s ` +
      'policy must leave time to sign in.'
  ]
}

const ADVICE = { authgear: WITH_AUTHGEARS_SESSION, own: WITH_OUR_OWN } as const

/** @param cookie the name of the session's @returns sentences of pages, for the people who run the site */
export const adviceOf = (session: keyof typeof ADVICE, cookie: string) => (page: LoginPage): readonly string[] =>
  (ADVICE[session][page] ?? []).map((text) => text.replace('{cookie}', () => cookie))

/** Lines of the log about what nobody but the operator can do anything about. */
export const FOR_THE_OPERATOR: ReadonlyMap<LoginPage, string> = new Map<LoginPage, string>([
  [
    'cookie_missing',
    "Authgear's cookie does not come back from the browser: the project's http.cookie_domain does not cover this " +
      'host, AUTHGEAR_COOKIE_PREFIX is not its http.cookie_prefix, or the site is not opened over HTTPS (docs/login.md)'
  ],
  [
    'host_unknown',
    'nobody can sign in at this host: no origin of LOGIN_PUBLIC_URL has it, or the proxy does not send ' +
      'X-Forwarded-Host (docs/login.md)'
  ],
  ['login_misconfigured', 'a login cannot work as it is set up: docs/login.md'],
  ['redirect_loop', 'a login cannot work as it is set up: docs/login.md'],
  [
    'step_up_off',
    'max_age in a policy refuses people: Authgear refuses full access to the client of LOGIN_CLIENT_ID, which has a ' +
      'secret or is a third party\'s, so nobody can be asked to confirm (docs/login.md)'
  ]
])
