import type { Handler } from '../../../base/http/types.ts'
import { createLoginRedirects } from '../redirect.ts'
import { createLoginAnswers } from '../responses.ts'
import { type LoginRoutes, loginRoutes, type RouteParts } from '../routes.ts'
import type { LoginSettings } from '../variables.ts'
import { createSeal } from '../state.ts'
import { createOwnCallback } from './callback.ts'
import { createOwnLogin } from './login.ts'
import { createOwnLoggedOut, createOwnLogout } from './logout.ts'
import type { Sites } from '../sites.ts'
import type { OwnLoginDeps, SiteHandler } from './types.ts'
import { createOwnAuthgearUrls } from './urls.ts'

type Given = Omit<OwnLoginDeps, 'answers' | 'authgear' | 'seal' | 'clientId' | 'sso' | 'loginPath'> &
  Readonly<{ sites: Sites }>

/** The routes by which a browser signs in and out, where the session is this service's own. */
export function createOwnLoginRoutes (
  settings: LoginSettings,
  { sites, traced, lost, pages, ...given }: Given & RouteParts
): LoginRoutes {
  const { path, clientId, secret, previousSecret, own } = settings
  const answers = createLoginAnswers(path, sessionCookieOf(sites), 'own', pages)
  const deps: OwnLoginDeps = {
    ...given,
    answers,
    clientId,
    sso: own?.sso === true,
    loginPath: `${path}/login`,
    authgear: createOwnAuthgearUrls(given.issuer, settings),
    seal: createSeal(secret, previousSecret)
  }
  const atSite = (handle: SiteHandler): Handler => (request) => {
    const site = sites.ofRequest(request)
    return site === undefined ? answers.page('host_unknown', request) : handle(request, site)
  }
  return Object.freeze({
    routes: loginRoutes(path, {
      login: atSite(createOwnLogin(deps)),
      callback: atSite(createOwnCallback(deps)),
      logout: atSite(createOwnLogout(deps)),
      'logged-out': atSite(createOwnLoggedOut(deps))
    }, answers, traced),
    findLoginRedirect: createLoginRedirects(sites.of, path, lost)
  })
}

/** The name of a cookie, for a page's words. */
const sessionCookieOf = ({ all: [first] }: Sites): string => first?.cookies.session ?? ''
