import { createAuthgearUrls } from '../../../request/login/urls.ts'
import { looked, type Probe, skipped } from '../check.ts'
import { askPage } from '../page.ts'
import { askAboutClient, judgeAuthorize } from './own-session.ts'

/** As a browser without a session: what Authgear says before anybody signs in. */
export const login: Probe = {
  title: 'Authgear knows the client of the login, and its redirect URIs',
  needs: 'authgear',
  async run (context) {
    const { config: { login, authgear: { endpoint, ca } } } = context
    if (login === undefined) return skipped('LOGIN_CLIENT_ID is not set')
    if (login.own !== undefined) return await askAboutClient(context, login, login.own)
    const how = { mode: 'silent', maxAge: undefined, locales: undefined } as const
    const page = await askPage(createAuthgearUrls(endpoint.origin, login).authorize('doctor', how), {}, ca)
    if ('code' in page) return skipped(`${endpoint.origin}/oauth2/authorize does not answer (${page.code})`)
    if (page.status >= 500) return skipped(`${endpoint.origin}/oauth2/authorize answers ${page.status}`)
    return looked(judgeAuthorize(page, login, `${login.publicUrl}${login.path}/callback`))
  }
}
