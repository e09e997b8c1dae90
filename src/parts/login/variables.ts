import type { SettingsOf, Variables } from '../../base/config/kind.ts'
import { pageLink } from '../../base/config/parsers/urls.ts'
import { choice, secret as secretOf } from '../../base/config/parsers/values.ts'
import { clientId, loginHosts, loginPath, publicOrigins, redirectUri } from './parsers.ts'

export const variables = {
  LOGIN_CLIENT_ID: {
    as: 'clientId',
    kind: clientId,
    example: 'a1b2c3d4e5f60718',
    meaning:
      "The id of the login's client, in the portal *Cookie SSO* (formerly *traditional web application*). With it, " +
        "people without a session are sent to Authgear's login and back (docs/login.md). Needs `LOGIN_PUBLIC_URL` " +
        'and `LOGIN_SECRET`.'
  },
  LOGIN_URL: {
    as: 'loginUrl',
    kind: pageLink,
    example: 'https://app.example.com/login',
    meaning:
      "Without `LOGIN_CLIENT_ID`: your app's own login page. The pages for 401 and 403 link to it; no one is " +
        'redirected.'
  },
  LOGIN_SESSION: {
    as: 'session',
    kind: choice(['authgear', 'own']),
    fallback: 'authgear',
    meaning:
      "The session type (docs/login.md). `authgear`: Authgear's cookie; the project needs a custom domain. `own`: " +
        "a cookie of this service for each host, on any domain; Authgear's cookies are ignored."
  },
  LOGIN_SSO: {
    as: 'sso',
    kind: choice(['on', 'off']),
    fallback: 'on',
    meaning:
      'With `LOGIN_SESSION=own`: whether signing out of Authgear ends the session here. Set `off` for clients with ' +
        '`x_max_concurrent_session: 1`.'
  },
  LOGIN_PUBLIC_URL: {
    as: 'publicUrls',
    kind: publicOrigins,
    example: 'https://app.example.com',
    meaning:
      'The origin where the proxy routes `LOGIN_PATH` to this service; with `LOGIN_SESSION=own` several, of which ' +
        "the request's host selects one. Plain HTTP only on `localhost`, `*.localhost` and `127.0.0.1`; with " +
        '`LOGIN_SESSION=authgear` only for a demo whose `AUTHGEAR_ENDPOINT` is on the same host.'
  },
  LOGIN_PATH: {
    as: 'path',
    kind: loginPath,
    fallback: '/_auth',
    meaning: 'The prefix of `/login`, `/callback`, `/logout` and `/logged-out`.'
  },
  LOGIN_ALLOWED_HOSTS: {
    as: 'hosts',
    kind: loginHosts,
    derived: 'the host of `LOGIN_PUBLIC_URL`',
    example: 'app.example.com,*.apps.example.com',
    meaning: 'Hosts that a login may return to, over HTTPS, besides that of `LOGIN_PUBLIC_URL`.'
  },
  LOGIN_SECRET: {
    as: 'secret',
    kind: secretOf(32, 'make one with `openssl rand -base64 32`'),
    secret: true,
    meaning:
      'Encrypts logins in progress. Use one value on all replicas. A change ends no session, but without ' +
        '`LOGIN_SECRET_PREVIOUS` interrupts logins.'
  },
  LOGIN_SECRET_PREVIOUS: {
    as: 'previousSecret',
    kind: secretOf(32, 'it is the LOGIN_SECRET from before the rotation'),
    secret: true,
    meaning:
      'The previous secret, during a rotation: logins that started with it can finish (docs/runbook.md, "Rotate a ' +
        'secret").'
  },
  LOGOUT_REDIRECT_URI: {
    as: 'logoutUri',
    kind: redirectUri,
    derived: '`<LOGIN_PUBLIC_URL><LOGIN_PATH>/logged-out`',
    example: 'https://www.example.com/goodbye',
    meaning: 'Where Authgear sends people after a sign-out.'
  }
} as const satisfies Variables

/** The set-up of the login: LOGIN_*, LOGOUT_REDIRECT_URI and AUTHGEAR_ENDPOINT. */
export type LoginSettings = Readonly<{
  clientId: string
  /** The one origin that has the login's routes, without a slash at its end; http on this very machine only. */
  publicUrl: string
  /** The beginning of those routes: `/_auth`. */
  path: string
  /** Exact hosts and `*.example.com`, over https; that of `publicUrl` is among them, unless it is http. */
  allowedHosts: readonly string[]
  secret: string
  /** LOGIN_SECRET_PREVIOUS: what it sealed is opened, and nothing is sealed with it. */
  previousSecret?: string | undefined
  /** The address as it is registered at Authgear. */
  logoutRedirectUri: string
  /** LOGIN_SESSION=own: each origin has sessions of this service. */
  own?: OwnSessionSettings | undefined
}>

type OwnSessionSettings = Readonly<{
  /** Those of LOGIN_PUBLIC_URL, in its order; each has the login's routes. */
  origins: readonly string[]
  /** LOGIN_SSO: a session ends with the one at Authgear. */
  sso: boolean
  /** True if LOGOUT_REDIRECT_URI is set; else people come back to the origin that they left. */
  hasLogoutUri: boolean
}>

/** LOGIN_URL alone: people sign in by the app's own login. */
export type SignInSettings = Readonly<{ login: LoginSettings | undefined, loginUrl: string | undefined }>

/** Undefined: nobody has said where people sign in. */
export function settingsOf (settings: SettingsOf<typeof variables>): SignInSettings | undefined {
  const { clientId, loginUrl, session, sso, publicUrls = [], path, hosts = [], secret, logoutUri } = settings
  const [publicUrl] = publicUrls
  // the rules see to it that they are there together
  if (clientId === undefined || publicUrl === undefined || secret === undefined) {
    return loginUrl === undefined ? undefined : { login: undefined, loginUrl }
  }
  const origins = publicUrls.map(({ origin }) => origin)
  const own = session === 'own' ? { origins, sso: sso === 'on', hasLogoutUri: logoutUri !== undefined } : undefined
  return {
    login: {
      clientId,
      ...own === undefined ? {} : { own },
      publicUrl: publicUrl.origin,
      path,
      // a login on this machine leads back to its own origin alone
      allowedHosts: publicUrl.origin.startsWith('https:') ? [...new Set([publicUrl.host, ...hosts])] : [],
      secret,
      previousSecret: settings.previousSecret,
      logoutRedirectUri: logoutUri ?? `${publicUrl.origin}${path}/logged-out`
    },
    loginUrl
  }
}
