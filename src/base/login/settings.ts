/** What the login is set up with: LOGIN_*, LOGOUT_REDIRECT_URI and AUTHGEAR_ENDPOINT. */
export type LoginSettings = Readonly<{
  clientId: string
  /** The one origin that has the login's routes, without a slash at its end; http on this very machine only. */
  publicUrl: string
  /** What those routes begin with: `/_auth`. */
  path: string
  /** Exact hosts and `*.example.com`, over https; that of `publicUrl` is among them, unless it is http. */
  allowedHosts: readonly string[]
  secret: string
  /** LOGIN_SECRET_PREVIOUS: what it sealed is opened, and nothing is sealed with it. */
  previousSecret?: string | undefined
  /** As it is registered at Authgear. */
  logoutRedirectUri: string
  /** LOGIN_SESSION=own: each origin has sessions of this service. */
  own?: OwnSessionSettings | undefined
}>

type OwnSessionSettings = Readonly<{
  /** Of LOGIN_PUBLIC_URL, in its order; each has the login's routes. */
  origins: readonly string[]
  /** LOGIN_SSO: a session ends with the one at Authgear. */
  sso: boolean
  /** Whether LOGOUT_REDIRECT_URI is set; else people come back to the origin that they left. */
  hasLogoutUri: boolean
}>

/** A login, and a sign-out with its confirmation page, may take so long. */
export const LOGIN_LIFETIME_MS = 10 * 60_000
