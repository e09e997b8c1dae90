/** How a request to the login's routes ended: a closed set, used as the `reason` label. Nothing here is a success to a proxy: this listener says 2xx to nobody. */
export type LoginPage =
  /** What came back was not sealed by this service. */
  | 'state_unknown'
  /** The browser came back twice without our cookie. */
  | 'cookies_blocked'
  | 'login_denied'
  /** Authgear refuses the client, its redirect URI or what is asked. */
  | 'login_misconfigured'
  | 'login_failed'
  /** Signed in at Authgear, but its cookie does not come here. */
  | 'cookie_missing'
  /** A session cookie came, which Authgear does not know. */
  | 'cookie_unknown'
  | 'circles'
  /** A frame, a script or something fetched ahead: signing in and out is for pages that a person opens. */
  | 'not_a_page'
  /** Another site's link: signing out takes a click on a page of one's own. */
  | 'cross_site'
  | 'login_unavailable'
  | 'signed_out'

export type LoginOutcome = LoginPage | 'sent_to_authgear' | 'sent_back' | 'signing_out'

/** None is 2xx: a proxy that asks one of these routes by mistake must not take its page for "allowed". */
export const PAGE_STATUS: Readonly<Record<LoginPage, 400 | 403 | 410 | 503>> = {
  state_unknown: 400,
  cookies_blocked: 400,
  login_denied: 403,
  login_misconfigured: 403,
  login_failed: 503,
  cookie_missing: 403,
  cookie_unknown: 403,
  circles: 403,
  not_a_page: 403,
  cross_site: 403,
  login_unavailable: 503,
  // no 401: where a proxy makes a login of every 401, people would be signed in again at once
  signed_out: 410
}
