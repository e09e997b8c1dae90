import type { LoginPage } from '../core/reason.ts'

/** None is 2xx: a proxy that asks one of these routes by mistake must not take its page for "allowed". */
export const PAGE_STATUS: Readonly<Record<LoginPage, 400 | 403 | 410 | 503>> = {
  state_unknown: 400,
  cookies_blocked: 400,
  login_denied: 403,
  login_misconfigured: 403,
  login_failed: 503,
  cookie_missing: 403,
  cookie_unknown: 403,
  redirect_loop: 403,
  not_a_page: 403,
  cross_site: 403,
  login_unavailable: 503,
  // no 401: where a proxy makes a login of every 401, people would be signed in again at once
  signed_out: 410
}
