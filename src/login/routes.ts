import { createAuthgearUrls } from './urls.ts'
import { createReturnUrls } from './return-url.ts'
import { createSeal } from './state.ts'
import type { LoginRoute, LoginSettings } from './settings.ts'
import { createWayIn, type FindWayIn } from './redirect.ts'
import { createLoginAnswers } from './responses.ts'
import { createCallback, createLogin } from './login.ts'
import { createLoggedOut, createLogout, type LogoutDeps } from './logout.ts'
import type { Answerer } from '../http/types.ts'

export type LoginRoutes = Readonly<{
  /** LOGIN_PATH */
  prefix: string
  answerers: Readonly<Record<LoginRoute, Answerer>>
  /** For `/verify`: where to send a person who is refused. */
  findWayIn: FindWayIn
}>

type Given = Pick<LogoutDeps, 'clock' | 'authenticator' | 'keyer' | 'cookieNames' | 'signOuts'>

export type LoginRoutesDeps = Given & Readonly<{
  /** AUTHGEAR_ENDPOINT */
  origin: string
  /** Gives an answerer its span, where there is tracing. */
  traced: (answerer: Answerer) => Answerer
}>

/** The browser's way in and out. */
export function createLoginRoutes (settings: LoginSettings, { origin, traced, ...deps }: LoginRoutesDeps): LoginRoutes {
  const { publicUrl, path, logoutRedirectUri } = settings
  const returnUrls = createReturnUrls(settings)
  const all: LogoutDeps = {
    ...deps,
    returnUrls,
    answers: createLoginAnswers(`${path}/login`, deps.cookieNames.session),
    authgear: createAuthgearUrls(origin, settings),
    seal: createSeal(settings.secret),
    comesBack: logoutRedirectUri === `${publicUrl}${path}/logged-out`
  }
  return Object.freeze({
    prefix: path,
    answerers: { login: traced(createLogin(all)), callback: traced(createCallback(all)), logout: traced(createLogout(all)), 'logged-out': traced(createLoggedOut(all)) },
    findWayIn: createWayIn(settings, returnUrls)
  })
}
