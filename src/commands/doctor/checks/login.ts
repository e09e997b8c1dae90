import { createAuthgearUrls } from '../../../login/urls.ts'
import type { LoginSettings } from '../../../login/settings.ts'
import { type Finding, found } from '../catalogue.ts'
import { looked, type Probe, skipped } from '../check.ts'
import { askPage, type Page } from '../page.ts'

/** As a browser without a session: what Authgear says before anybody signs in. */
export const login: Probe = {
  title: 'Authgear knows the client of the login, and its redirect URI',
  needs: 'authgear',
  async run ({ config: { login, authgear: { endpoint, ca } } }) {
    if (login === undefined) return skipped('LOGIN_CLIENT_ID is not set')
    const how = { mode: 'silent', maxAge: undefined, locales: undefined } as const
    const page = await askPage(createAuthgearUrls(endpoint.origin, login).authorize('doctor', how), {}, ca)
    if ('code' in page) return skipped(`${endpoint.origin}/oauth2/authorize does not answer (${page.code})`)
    if (page.status >= 500) return skipped(`${endpoint.origin}/oauth2/authorize answers ${page.status}`)
    return looked(judgeLogin(page, login))
  }
}

/** Authgear answers 400 itself where it may send nobody back, and else sends the browser back with an error. */
function judgeLogin (
  { status, body, location = '' }: Page,
  { clientId, publicUrl, path }: Pick<LoginSettings, 'clientId' | 'publicUrl' | 'path'>
): Finding | undefined {
  const callback = `${publicUrl}${path}/callback`
  if (status === 400 && /invalid client ID/i.test(body)) {
    return found('login-client', `Authgear has no client ${clientId}`)
  }
  if (status === 400 && /redirect URI/i.test(body)) {
    return found('login-redirect-uri', `${callback} is not registered for the client ${clientId}`)
  }
  if (status >= 300 && status < 400 && !location.startsWith(`${callback}?`)) return undefined // its own login page
  const query = URL.canParse(location) ? new URL(location).searchParams : new URLSearchParams()
  const [error, description] = [query.get('error'), query.get('error_description')]
  // with a browser's session it would be none
  if (error === 'login_required' || error === 'interaction_required') return undefined
  return found('login-refused', printable(`authorize answers ${status} ${error ?? ''} ${description ?? ''}`))
}

/** Another program's words. */
const printable = (text: string): string => text.replaceAll(/[^ -~]/g, '').trim().slice(0, 200)
