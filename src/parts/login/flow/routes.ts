import { createAuthgearUrls } from './urls.ts'
import { createAuthgearsSession } from './authgears-session.ts'
import { type AuthgearsSignOutDeps, createAuthgearsSignOut } from './authgears-sign-out.ts'
import { createCallback, createLogin, type FlowDeps, type SessionKind, type SiteHandler } from './flow.ts'
import { createOwnSession } from './own-session.ts'
import { createOwnSignOut } from './own-sign-out.ts'
import { createSeal } from './state.ts'
import type { OwnLoginDeps } from './sign-in.ts'
import { createLoggedOut, createLogout, type WayOut } from './sign-out.ts'
import { AUTHGEARS_FORMS, OWN_FORMS } from './state.ts'
import { siteOf, type Sites } from './sites.ts'
import type { LoginSettings } from '../variables.ts'
import { createLoginRedirect, createLoginRedirects, type Lost, readNavigation } from './redirect.ts'
import type { FindLoginRedirect } from '../../../base/verify/refuse.ts'
import { createLoginAnswers, type LoginAnswers } from './responses.ts'
import type { Route } from '../../../base/http/paths.ts'
import type { Handler } from '../../../base/http/types.ts'
import type { PageMaker } from '../../../base/http/pages.ts'

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

/** The common part of the routes of either kind of session. */
type RouteParts = Readonly<{
  /** Wraps a handler in a span, if tracing is on. */
  traced: (handler: Handler) => Handler
  lost: (lost: Lost) => void
  pages: PageMaker
}>
type Deps = RouteParts & Pick<FlowDeps, 'clock' | 'issuer' | 'stepped'>

type OwnParts = Omit<OwnLoginDeps, keyof FlowDeps | 'clientId' | 'sso'> & Readonly<{ sites: Sites }>
type AuthgearParts = Omit<AuthgearsSignOutDeps, keyof FlowDeps>

/** What every login of a deployment has. */
function flowOf (settings: LoginSettings, cookie: string, { pages, clock, issuer, stepped }: Deps): FlowDeps {
  const { path, own, secret, previousSecret } = settings
  return {
    clock,
    issuer,
    stepped,
    forms: own === undefined ? AUTHGEARS_FORMS : OWN_FORMS,
    asksForFullAccess: own !== undefined,
    answers: createLoginAnswers(path, cookie, own === undefined ? 'authgear' : 'own', pages),
    authgear: createAuthgearUrls(issuer, settings),
    seal: createSeal(secret, previousSecret)
  }
}

/** The routes by which a browser signs in and out, where the session is Authgear's. */
export function createLoginRoutes (settings: LoginSettings, given: Deps & AuthgearParts): LoginRoutes {
  // also on this very machine, where browsers keep such cookies without HTTPS
  const site = siteOf(settings, true)
  const deps: AuthgearsSignOutDeps = { ...given, ...flowOf(settings, given.cookieNames.session, given) }
  const handlers = handlersOf(deps, createAuthgearsSession(deps), createAuthgearsSignOut(deps), settings)
  return Object.freeze({
    routes: routesOf(settings, handlers, (handle) => (request) => handle(request, site), deps, given),
    findLoginRedirect: createLoginRedirect(site, settings.path, given.lost)
  })
}

/** The routes by which a browser signs in and out, where the session is this service's own. */
export function createOwnLoginRoutes (settings: LoginSettings, { sites, ...given }: Deps & OwnParts): LoginRoutes {
  const { path, clientId, own } = settings
  const flow = flowOf(settings, sites.all[0]?.cookies.session ?? '', given)
  const deps: OwnLoginDeps = { ...given, ...flow, clientId, sso: own?.sso === true }
  const handlers = handlersOf(deps, createOwnSession(deps), createOwnSignOut(deps), settings)
  const atSite = (handle: SiteHandler): Handler => (request) => {
    const site = sites.ofRequest(request)
    return site === undefined ? flow.answers.page('host_unknown', request) : handle(request, site)
  }
  return Object.freeze({
    routes: routesOf(settings, handlers, atSite, deps, given),
    findLoginRedirect: createLoginRedirects(sites.of, path, given.lost)
  })
}

type Handlers = Readonly<Record<LoginRoute, SiteHandler>>

const handlersOf = (deps: FlowDeps, kind: SessionKind, wayOut: WayOut, { path }: LoginSettings): Handlers => ({
  login: createLogin(deps, kind),
  callback: createCallback(deps, kind),
  logout: createLogout(deps, wayOut),
  'logged-out': createLoggedOut(deps, wayOut, `${path}/login`)
})

function routesOf (
  { path }: LoginSettings,
  handlers: Handlers,
  atSite: (handle: SiteHandler) => Handler,
  { answers }: FlowDeps,
  { traced }: RouteParts
): readonly Route[] {
  const routes = Object.keys(METHODS) as LoginRoute[]
  return routes.map((route) => ({
    path: `${path}/${route}`,
    endpoint: 'login',
    handler: traced(forPages(atSite(handlers[route]), answers)),
    methods: METHODS[route]
  }))
}

/** Refuses frames, in which nobody sees where they sign in, and pages fetched ahead, which would use up the cookie. */
function forPages (handle: Handler, answers: LoginAnswers): Handler {
  return (request) =>
    readNavigation(request.rawHeaders).isPage ? handle(request) : answers.page('not_a_page', request)
}
