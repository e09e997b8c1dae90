import { createFindForeignFields } from '../base/core/foreign-cookies.ts'
import type { Clock } from '../base/clock.ts'
import { TOKEN_HEADERS } from '../base/core/protected-resource.ts'
import { IDENTITY_HEADERS } from '../base/core/resolution.ts'
import { createReport, createSampledLine } from '../base/http/access-log.ts'
import { buildListener, type Listener, type ListenerDeps } from '../base/http/listener.ts'
import type { Route } from '../base/http/paths.ts'
import { createTrustProxy, type TrustProxy } from '../base/http/trusted-proxies.ts'
import type { Handler } from '../base/http/types.ts'
import { NO_LINKS } from '../base/http/pages.ts'
import { streamDeadlineMs } from '../base/http/limits.ts'
import type { Unfinished } from '../base/http/unfinished.ts'
import { SETS } from '../base/identity/sets.ts'
import type { Log } from '../base/logging/log.ts'
import type { Metrics } from '../base/metrics/metrics.ts'
import { createRefuse } from '../base/verify/responses.ts'
import { createVerify, type VerifyDeps, verifyRoutes } from '../base/verify/verify.ts'
import { parts } from '../parts/index.ts'
import type { Handlers, SignIn } from '../base/parts/places.ts'
import {
  clientJudgeOf, documentsOf, endpointsOf, type ListenerOfPart, listenersOf, logFailed, pagesOf, reportOf,
  routeOf, signInOf,
  vetoOf
} from './open-parts.ts'
import type { Parts } from './parts.ts'
import type { ServiceSettings } from './settings.ts'
import { reporting } from './shared.ts'

type ListenersDeps = Parts & Readonly<{
  metrics: Metrics
  log: Log
  clock: Clock
  unfinished: Unfinished
}>

type Listeners = Readonly<{
  app: Listener
  ofParts: readonly ListenerOfPart[]
}>

/** The main listener and those of parts; none listens yet. */
export function buildListeners (settings: ServiceSettings, deps: ListenersDeps): Listeners {
  const { webhook, opened } = deps
  const listenerDeps = listenerDepsOf(settings, deps)
  const { trustProxy } = listenerDeps
  const { handlerDeps, revocations, traced } = deps
  const signIn = signInOf(opened, {
    handlerDeps, revocations, pages: pagesOf(opened), traced: (handler) => traced.handler('login', handler)
  })
  const checks = checksOf(settings, deps, signIn, trustProxy)
  const routes = [
    ...checks.routes,
    ...documentsOf(opened).map(routeOf),
    ...signIn.routes
  ]
  return {
    app: buildListener(listenerDeps, routes, webhook),
    ofParts: listenersOf(opened, {
      listenerDeps,
      handlerDeps: deps.handlerDeps,
      traced: deps.traced.handler,
      handlers: checks.handlers,
      identityNames: identityNamesOf(settings),
      counted: deps.metrics.request
    })
  }
}

/** The handlers that answer a proxy, by any protocol. */
function checksOf (
  settings: ServiceSettings,
  deps: ListenersDeps,
  { findLoginRedirect, links }: SignIn,
  trustProxy: TrustProxy
): Readonly<{ routes: readonly Route[], handlers: Handlers }> {
  const verifyDeps: Omit<VerifyDeps, 'tokenRequirements'> = {
    ...deps.handlerDeps,
    clock: deps.clock,
    confirmAfterMs: settings.cache.negativeTtlMs,
    allowPreflight: settings.preflight === 'allow',
    findLoginRedirect,
    links,
    pages: pagesOf(deps.opened),
    trustProxy
  }
  const verify = createVerify({ ...verifyDeps, tokenRequirements: 'refuse' })
  const extAuthz = createVerify({ ...verifyDeps, tokenRequirements: 'refuse', segments: settings.extAuthzPolicy })
  const sessions = createVerify({ ...verifyDeps, tokenRequirements: 'leave-out' })
  const traced = (handler: Handler): Handler => deps.traced.handler('verify', handler)
  const { handlerDeps, revocations, opened } = deps
  const clients = clientJudgeOf(opened)
  const { extAuthzPolicy } = settings
  const added = endpointsOf(opened, {
    handlerDeps,
    revocations,
    clients,
    verify,
    extAuthz,
    extAuthzPolicy,
    confirmAfterMs: settings.cache.negativeTtlMs,
    sessions,
    traced
  })
  const main = traced(verify)
  return {
    routes: [...verifyRoutes(main, added?.extAuthz ?? traced(extAuthz)), ...added?.routes ?? []],
    handlers: { verify: main, ...added?.handlers }
  }
}

/** Each name that may go out on a 200, whatever the route says. */
function identityNamesOf ({ identity }: ServiceSettings): readonly string[] {
  const sets = [...Object.values(SETS).flat(), ...identity.headers.all].map(({ name }) => name.toLowerCase())
  const ofParts = parts.flatMap(({ sends }) => sends?.names ?? [])
  return [...new Set([...IDENTITY_HEADERS, ...TOKEN_HEADERS, ...sets, ...ofParts])]
}

function notFoundBy (metrics: Metrics, tell: ReturnType<typeof createSampledLine>): ListenerDeps['notFound'] {
  return (context, seconds) => {
    metrics.request('other', 404, 'not_found', 'none', seconds)
    tell({ ...context, status: 404, reason: 'not_found' })
  }
}

const NO_PATH = 'unknown path: a proxy must ask /verify or /ext-authz/… exactly'

/** Says whose connection was ended for the budget of unfinished requests. */
export function tellEnded (log: Log): (address: string | undefined) => void {
  const tell = createSampledLine(
    log, 'warn', 'closed a connection: unfinished requests and unread answers exceed their budget, most of ' +
      'them from this address'
  )
  return (address) => tell({ address })
}

function listenerDepsOf (
  { tls, trustedProxies, extAuthzLocation, listeners, authgear }: ServiceSettings,
  { metrics, log, handlerDeps, opened, unfinished }: ListenersDeps
): ListenerDeps {
  const findForeignFields = handlerDeps.readOwn === undefined
    ? createFindForeignFields(handlerDeps.cookieNames)
    : () => NO_FOREIGN_FIELDS
  const report = createReport(log, metrics.request, findForeignFields)
  return {
    report: reportOf(report, opened, logFailed(log)),
    vetoes: vetoOf(opened, createRefuse(handlerDeps.realm, pagesOf(opened).refusals(NO_LINKS))),
    notFound: notFoundBy(metrics, createSampledLine(log, 'info', NO_PATH)),
    unexpectedError: reporting(log).unexpectedError,
    trustProxy: createTrustProxy(trustedProxies),
    forwardedForIgnored: metrics.forwardedForIgnored,
    extAuthzLocation,
    tls,
    bounds: {
      unfinished,
      maxConnections: listeners.maxConnections,
      streamMs: streamDeadlineMs(authgear.timeoutMs)
    }
  }
}

/** No app has a cookie of our name. */
const NO_FOREIGN_FIELDS = Object.freeze({})
