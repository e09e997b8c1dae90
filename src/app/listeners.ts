import { createFindForeignFields } from '../base/core/foreign-cookies.ts'
import type { Clock } from '../base/clock.ts'
import { readAudience } from '../base/core/audience.ts'
import { TOKEN_HEADERS } from '../base/core/protected-resource.ts'
import type { UnavailableReason } from '../base/core/reason.ts'
import { IDENTITY_HEADERS } from '../base/core/resolution.ts'
import { createReport, createSampledLine } from '../base/http/access-log.ts'
import { unlessKnown } from '../base/http/conditional.ts'
import type { Veto } from '../base/http/exchange.ts'
import type { AnyListener, ListenerDeps } from '../base/http/listener.ts'
import { streamDeadlineMs } from '../base/http/limits.ts'
import { NO_LINKS, type PageMaker } from '../base/http/pages.ts'
import type { Route } from '../base/http/paths.ts'
import { createTrustProxy } from '../base/http/trusted-proxies.ts'
import type { Handler, HandlerDeps } from '../base/http/types.ts'
import type { Unfinished } from '../base/http/unfinished.ts'
import { SETS } from '../base/identity/sets.ts'
import type { Log } from '../base/logging/log.ts'
import type { Metrics } from '../base/metrics/metrics.ts'
import type { PublicDocument, SignIn } from '../base/parts/feature.ts'
import type { Loaded } from '../base/parts/part.ts'
import type { Wrappers } from '../base/tracing/wrappers.ts'
import { createRefuse } from '../base/verify/responses.ts'
import { createVerify, type VerifyDeps } from '../base/verify/verify.ts'
import { parts } from '../parts/index.ts'
import type { Features } from './features.ts'
import type { ServiceSettings } from './settings.ts'
import { reporting } from './shared.ts'

const NOWHERE: Omit<SignIn, 'routes'> = Object.freeze({ links: NO_LINKS, findLoginRedirect: undefined })

type VerifyHandlersDeps = Readonly<{
  handlerDeps: HandlerDeps
  clock: Clock
  pages: PageMaker
  signIn: SignIn | undefined
  wraps: Wrappers
}>

/** The handlers that judge sessions, before resource tokens add theirs. */
export function verifyHandlers (
  { cache, preflight, extAuthzPolicy, trustedProxies }: ServiceSettings,
  { handlerDeps, clock, pages, signIn: { findLoginRedirect, links } = { ...NOWHERE, routes: [] }, wraps }:
  VerifyHandlersDeps
) {
  const deps: Omit<VerifyDeps, 'tokenRequirements'> = {
    ...handlerDeps,
    clock,
    confirmAfterMs: cache.negativeTtlMs,
    allowPreflight: preflight === 'allow',
    findLoginRedirect,
    links,
    pages,
    trustProxy: createTrustProxy(trustedProxies)
  }
  return {
    verify: createVerify({ ...deps, tokenRequirements: 'refuse' }),
    extAuthz: createVerify({ ...deps, tokenRequirements: 'refuse', segments: extAuthzPolicy }),
    extAuthzPolicy,
    confirmAfterMs: cache.negativeTtlMs,
    sessions: createVerify({ ...deps, tokenRequirements: 'leave-out' }),
    traced: (handler: Handler): Handler => wraps.handler('verify', handler)
  }
}

/** Each name that may go out on a 200, whatever the route says. */
export function identityNamesOf ({ identity }: ServiceSettings): readonly string[] {
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

type ListenerDepsDeps = Readonly<{
  metrics: Metrics
  log: Log
  handlerDeps: HandlerDeps
  features: Pick<Features, 'observed'>
  unfinished: Unfinished
  /** Undefined: nothing vetoes. */
  veto: (() => UnavailableReason | undefined) | undefined
  pages: PageMaker
}>

export function listenerDepsOf (
  { tls, trustedProxies, extAuthzLocation, listeners, authgear }: ServiceSettings,
  { metrics, log, handlerDeps, features, unfinished, veto, pages }: ListenerDepsDeps
): ListenerDeps {
  const findForeignFields = handlerDeps.readOwn === undefined
    ? createFindForeignFields(handlerDeps.cookieNames)
    : () => NO_FOREIGN_FIELDS
  return {
    report: features.observed(createReport(log, metrics.request, findForeignFields)),
    vetoes: vetoOf(veto, handlerDeps.realm, pages),
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

/** A 503 instead of a 200: a page for a person, and for programs what is prepared. */
export function vetoOf (
  veto: (() => UnavailableReason | undefined) | undefined, realm: string, pages: PageMaker
): Veto | undefined {
  if (veto === undefined) return undefined
  const refuse = createRefuse(realm, pages.refusals(NO_LINKS))
  return ({ rawHeaders, requestId: reference }) => {
    const reason = veto()
    if (reason === undefined) return undefined
    const audience = readAudience(rawHeaders)
    return { reason, response: refuse({ reason, bearer: false, audience, reference, rawHeaders }) }
  }
}

/** A document's route on the main listener. */
export function routeOf ({ path, endpoint, read }: PublicDocument): Route {
  return {
    path,
    endpoint,
    methods: ['GET', 'HEAD'],
    handler ({ rawHeaders }) {
      const { response, reason } = read()
      return { response: unlessKnown(response, rawHeaders), reason, source: 'none', who: undefined }
    }
  }
}

export type ListenerOfPart = AnyListener & Readonly<{ variable: string }>

type Listens = Pick<Loaded<never, object>, 'name' | 'claims'>

/**
 * The listeners of parts, by the variables that hold their addresses.
 * @throws where a part claims that it listens and has no listener, or the other way round
 */
export function listenersOf (
  on: readonly Listens[], built: Readonly<Record<string, AnyListener | undefined>>
): readonly ListenerOfPart[] {
  return on.flatMap(({ name, claims: { listens } }) => {
    const listener = built[name]
    if (listener !== undefined && listens !== undefined) return [{ ...listener, variable: listens.variable }]
    if (listener === listens) return []
    throw new Error(`part ${name}: a listener and the claim \`listens\` go together, and it has one of them`)
  })
}
