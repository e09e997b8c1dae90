import type { LoginSettings } from './settings.ts'
import type { State } from './state.ts'

export type AuthgearUrls = Readonly<{
  /** @param state sealed */
  authorize: (state: string, how: Pick<State, 'mode' | 'maxAge' | 'locales'>) => string
  endSession: string
}>

/** Authgear's addresses for a browser; never `x_sso_enabled=false` or `x_suppress_idp_session_cookie=true`, which make no cookie. */
export function createAuthgearUrls (origin: string, { clientId, publicUrl, path, logoutRedirectUri }: LoginSettings): AuthgearUrls {
  const fixed = { client_id: clientId, response_type: 'none', scope: 'openid', redirect_uri: `${publicUrl}${path}/callback` }
  return Object.freeze({
    authorize: (state, { mode, maxAge, locales }) => {
      const query = new URLSearchParams({ ...fixed, state })
      if (mode === 'silent') query.set('prompt', 'none')
      if (maxAge !== undefined) query.set('max_age', String(maxAge))
      // the person has a session, and must be asked all the same
      if (mode === 'step-up') query.set('prompt', 'login')
      if (locales !== undefined) query.set('ui_locales', locales)
      return `${origin}/oauth2/authorize?${query.toString()}`
    },
    endSession: `${origin}/oauth2/end_session?${new URLSearchParams({ post_logout_redirect_uri: logoutRedirectUri }).toString()}`
  })
}
