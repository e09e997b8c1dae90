import { type KeySet, openKeySet } from '../authgear/key-set.ts'
import type { Clock } from '../clock.ts'
import type { KeysUnavailable } from '../errors.ts'
import type { Route } from '../request/http/paths.ts'
import type { Handler, HandlerDeps } from '../request/http/types.ts'
import type { TrustProxy } from '../request/http/trusted-proxies.ts'
import { describe, type Log } from '../operate/logging/log.ts'
import type { Metrics } from '../operate/metrics/metrics.ts'
import { metadataRoutes } from '../request/resource/metadata.ts'
import {
  createExtAuthz, createResource, createResourceOrSession, type ResourceDeps, resourceRoutes
} from '../request/resource/resource.ts'
import { SIGN_IN_SCOPES } from '../request/resource/settings.ts'
import { createVerifier, type Verifier } from '../request/resource/verifier.ts'
import type { ClientJudge } from '../parts/places.ts'
import type { RevocationLog } from '../shared/revocation/types.ts'
import type { Wrappers } from '../operate/tracing/wrappers.ts'
import { verifyRoutes } from '../request/verify/verify.ts'
import { type ServiceSettings, TOKEN_SHARE } from './settings.ts'
import { onceAMinute, tellChanges } from '../timing.ts'

export type TokenParts = Readonly<{ keySet: KeySet, verifier: Verifier }>

type OpenDeps = Readonly<{ clock: Clock, metrics: Metrics, log: Log }>

/** What resource tokens need; undefined without RESOURCES. */
export function openTokens (settings: ServiceSettings, { clock, metrics, log }: OpenDeps): TokenParts | undefined {
  const { authgear, cache, resources, resourceTokenMaxAgeMs: maxAgeMs } = settings
  if (resources.length === 0) return undefined
  const tell = tellChanges<KeysUnavailable>(
    (error) => log.warn({ error: describe(error), check: error.check }, NO_KEYS),
    () => log.info("Authgear's keys were fetched again")
  )
  const keySet = openKeySet(authgear, {
    clock,
    observer: {
      fetched (error): void {
        metrics.tokens.keysFetched(error === undefined ? 'ok' : 'error')
        tell(error)
      }
    }
  })
  const rules = { issuer: authgear.endpoint.origin, maxAgeMs }
  const maxBytes = Math.floor(cache.maxBytes * TOKEN_SHARE)
  const verifier = createVerifier({ rules, keySet, clock, maxBytes, waitingBytes: authgear.waitingBytes })
  return { keySet, verifier }
}

const NO_KEYS =
  "Authgear's keys cannot be fetched: resource tokens of known keys are judged, others are answered 503"

type RouteDeps = Readonly<{
  tokens: TokenParts | undefined
  clients: ClientJudge | undefined
  handlerDeps: HandlerDeps
  revocations: RevocationLog
  metrics: Metrics
  log: Log
  clock: Clock
  traced: Wrappers
  /** `/verify`, the prefix; and as a session is judged on an endpoint that takes resource tokens too. */
  verify: Handler
  extAuthz: Handler
  sessions: Handler
}>

/** What a proxy may ask, by any protocol; the last two only with RESOURCES. */
export type CheckHandlers = Readonly<{
  verify: Handler
  extAuthz: Handler
  /** Where the policy alone chooses: `/resource` if it names one, else `/verify`. */
  byPolicy: Handler
  resource?: Handler
  resourceOrSession?: Handler
}>

export function createCheckHandlers (settings: ServiceSettings, deps: RouteDeps): CheckHandlers {
  const { tokens, traced, extAuthz } = deps
  const of = (handler: Handler): Handler => traced.handler('verify', handler)
  const verify = of(deps.verify)
  if (tokens === undefined) return { verify, extAuthz: of(extAuthz), byPolicy: verify }
  const resourceDeps = resourceDepsOf(settings, deps, tokens)
  return {
    verify,
    extAuthz: of(createExtAuthz(resourceDeps, extAuthz, settings.extAuthzPolicy)),
    byPolicy: of(createExtAuthz(resourceDeps, deps.verify, 'required')),
    resource: of(createResource(resourceDeps)),
    resourceOrSession: of(createResourceOrSession(resourceDeps))
  }
}

function resourceDepsOf (
  { resources, resourceClients }: ServiceSettings,
  { handlerDeps, revocations, metrics, log, clock, sessions, clients }: RouteDeps,
  { verifier }: TokenParts
): ResourceDeps {
  const warn = onceAMinute(clock, () => log.warn(UNKNOWN))
  const signInScopes = (scopes: readonly string[]): readonly string[] =>
    scopes.filter((scope) => SIGN_IN_SCOPES.includes(scope))
  return {
    ...handlerDeps,
    clock,
    verifier,
    standingOf: revocations.standingOf,
    refusedUnknown: () => { metrics.tokens.refusedUnknown(); warn() },
    clients,
    isAllowList: resourceClients === 'allow-list',
    resources: new Map(resources.map(({ uri, scopes }) => [uri, signInScopes(scopes)])),
    sessions
  }
}

/** `/verify` and the prefix; with RESOURCES also the endpoints for tokens and what clients read first. */
export function checkRoutes (
  { verify, extAuthz, resource, resourceOrSession }: CheckHandlers,
  { resources }: ServiceSettings,
  { realm, trustProxy }: Pick<HandlerDeps, 'realm'> & Readonly<{ trustProxy: TrustProxy }>
): readonly Route[] {
  const routes = verifyRoutes(verify, extAuthz)
  if (resource === undefined || resourceOrSession === undefined) return routes
  return [
    ...routes,
    ...resourceRoutes(resource, resourceOrSession),
    ...metadataRoutes({ resources, issuer: realm, trustProxy })
  ]
}

const UNKNOWN =
  'resource tokens are refused since this replica cannot know whether they were revoked before it followed the log: ' +
    'clients get new ones by themselves'
