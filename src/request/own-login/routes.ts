import { createLoginRedirects } from '../login/redirect.ts'
import { createLoginAnswers } from '../login/responses.ts'
import { type LoginRoutes, loginRoutes, type RouteParts } from '../login/routes.ts'
import type { LoginSettings } from '../login/settings.ts'
import { createSeal } from '../login/state.ts'
import { createOwnCallback } from './callback.ts'
import { createOwnLogin } from './login.ts'
import { createOwnLoggedOut, createOwnLogout } from './logout.ts'
import type { Sites } from './sites.ts'
import type { OwnLoginDeps } from './types.ts'
import { createOwnAuthgearUrls } from './urls.ts'

type Given = Omit<OwnLoginDeps, 'answers' | 'authgear' | 'seal' | 'clientId' | 'sso' | 'loginPath'>

/** The routes by which a browser signs in and out, where the session is this service's own. */
export function createOwnLoginRoutes (
  settings: LoginSettings,
  { traced, lost, pages, ...given }: Given & RouteParts
): LoginRoutes {
  const { path, clientId, secret, previousSecret, own } = settings
  const { sites, issuer } = given
  const deps: OwnLoginDeps = {
    ...given,
    clientId,
    sso: own?.sso === true,
    loginPath: `${path}/login`,
    answers: createLoginAnswers(`${path}/login`, sessionCookieOf(sites), 'own', pages),
    authgear: createOwnAuthgearUrls(issuer, settings),
    seal: createSeal(secret, previousSecret)
  }
  return Object.freeze({
    routes: loginRoutes(path, {
      login: createOwnLogin(deps),
      callback: createOwnCallback(deps),
      logout: createOwnLogout(deps),
      'logged-out': createOwnLoggedOut(deps)
    }, traced),
    findLoginRedirect: createLoginRedirects(sites.of, path, lost)
  })
}

/** For a page's words. */
const sessionCookieOf = ({ all: [first] }: Sites): string => first?.cookies.session ?? ''
