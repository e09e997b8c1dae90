import { createAuthgearUrls } from './urls.ts'
import { siteOf } from './sites.ts'
import { createSeal } from './state.ts'
import type { LoginSettings } from './variables.ts'
import { createLoginRedirect, type Lost, readNavigation } from './redirect.ts'
import type { FindLoginRedirect } from '../../base/verify/refuse.ts'
import { createLoginAnswers, type LoginAnswers } from './responses.ts'
import { createCallback, createLogin } from './login.ts'
import { createLoggedOut, createLogout, type LogoutDeps } from './logout.ts'
import type { Route } from '../../base/http/paths.ts'
import type { Handler } from '../../base/http/types.ts'
import type { PageMaker } from '../../base/http/pages.ts'

export type LoginRoutes = Readonly<{
  routes: readonly Route[]
  /** Says where `/verify` sends a person who is refused. */
  findLoginRedirect: FindLoginRedirect
}>

/**
 * The methods of each route: a HEAD does the same as a GET only where nothing changes; a sign-out is no such thing, and
 * what comes back from Authgear is a GET.
 */
const METHODS = { login: ['GET', 'HEAD'], callback: ['GET'], logout: ['GET'], 'logged-out': ['GET'] } as const

type LoginRoute = keyof typeof METHODS

type SessionParts = Pick<LogoutDeps, 'clock' | 'authenticator' | 'keyer' | 'cookieNames' | 'signOuts' | 'digestForm'>

/** The common part of the routes of either kind of session. */
export type RouteParts = Readonly<{
  /** Wraps a handler in a span, if tracing is on. */
  traced: (handler: Handler) => Handler
  lost: (lost: Lost) => void
  pages: PageMaker
}>

/** `origin`: AUTHGEAR_ENDPOINT */
type LoginRoutesDeps = SessionParts & RouteParts & Readonly<{ origin: string }>

/** The routes by which a browser signs in and out. */
export function createLoginRoutes (
  settings: LoginSettings,
  { origin, traced, lost, pages, ...deps }: LoginRoutesDeps
): LoginRoutes {
  const { publicUrl, path, logoutRedirectUri } = settings
  // also on this very machine, where browsers keep such cookies without HTTPS
  const site = siteOf(settings, true)
  const answers = createLoginAnswers(path, deps.cookieNames.session, 'authgear', pages)
  const all: LogoutDeps = {
    ...deps,
    site,
    answers,
    loginUrl: `${publicUrl}${path}/login`,
    authgear: createAuthgearUrls(origin, settings),
    seal: createSeal(settings.secret, settings.previousSecret),
    comesBack: logoutRedirectUri === `${publicUrl}${path}/logged-out`
  }
  return Object.freeze({
    routes: loginRoutes(path, {
      login: createLogin(all),
      callback: createCallback(all),
      logout: createLogout(all),
      'logged-out': createLoggedOut(all)
    }, answers, traced),
    findLoginRedirect: createLoginRedirect(site, path, lost)
  })
}

/** @param path what they begin with @param traced wraps a handler in a span, if tracing is on */
export function loginRoutes (
  path: string,
  handlers: Readonly<Record<LoginRoute, Handler>>,
  answers: LoginAnswers,
  traced: (handler: Handler) => Handler
): readonly Route[] {
  const routes = Object.keys(METHODS) as LoginRoute[]
  return routes.map((route) => ({
    path: `${path}/${route}`,
    endpoint: 'login',
    handler: traced(forPages(handlers[route], answers)),
    methods: METHODS[route]
  }))
}

/** Refuses frames, in which nobody sees where they sign in, and pages fetched ahead, which would use up the cookie. */
function forPages (handle: Handler, answers: LoginAnswers): Handler {
  return (request) =>
    readNavigation(request.rawHeaders).isPage ? handle(request) : answers.page('not_a_page', request)
}
