import type { KeysUnavailable } from '../../base/errors.ts'
import { describe } from '../../base/logging/log.ts'
import type { CountsOf } from '../../base/metrics/table.ts'
import type { Handler, HandlerDeps } from '../../base/http/types.ts'
import { SIGN_IN_SCOPES } from '../../base/core/protected-resource.ts'
import { onceAMinute, tellChanges } from '../../base/timing.ts'
import type { ClientJudge, Endpoints } from '../../base/parts/feature.ts'
import type { RevocationLog } from '../../base/revocation/types.ts'
import { type BasicGiven, openBasic } from './basic/open.ts'
import { metadataRoutes } from './metadata.ts'
import type { METRICS } from './metrics.ts'
import {
  createExtAuthz, createResource, createResourceOrSession, type ResourceDeps, resourceRoutes
} from './resource.ts'
import type { TokensSettings } from './variables.ts'
import { createVerifier } from './verifier.ts'

type Counts = CountsOf<typeof METRICS>

type TokensGiven = BasicGiven & Readonly<{
  handlerDeps: HandlerDeps
  revocations: Pick<RevocationLog, 'standingOf'>
  /** Undefined where no part judges clients. */
  clients: ClientJudge | undefined
  verify: Handler
  /** The prefix of Envoy's ext_authz. */
  extAuthz: Handler
  extAuthzPolicy: 'optional' | 'required'
  /** CACHE_NEGATIVE_TTL */
  confirmAfterMs: number
  /** `/verify`, where the policy's requirements of tokens are left out. */
  sessions: Handler
  /** The same handler, which makes a span of each request where traces are on. */
  traced: (handler: Handler) => Handler
}>

export function openTokens (settings: TokensSettings, given: TokensGiven, count: Counts) {
  const { clock, log, authgear: { issuer, waitingBytes }, openKeySet, maxBytes } = given
  const tell = tellChanges<KeysUnavailable>(
    (error) => log.warn({ error: describe(error), check: error.check }, NO_KEYS),
    () => log.info("Authgear's keys were fetched again")
  )
  const keySet = openKeySet((error) => {
    count.fetches.add(error === undefined ? 'ok' : 'error')
    tell(error)
  })
  const rules = { issuer, maxAgeMs: settings.maxAgeMs }
  const ofPairs = Math.floor(maxBytes * SHARE_OF_PAIRS)
  const verifier = createVerifier({ rules, keySet, clock, maxBytes: Math.floor(maxBytes) - ofPairs, waitingBytes })
  const { pairs, close } = openBasic(given, rules, ofPairs, count.exchanges.add)
  const warn = onceAMinute(clock, () => log.warn(UNKNOWN))
  const refusedUnknown = (): void => { count.unknown.add(); warn() }
  return Object.freeze({
    endpoints: endpointsOf(settings, given, { verifier, pairs, refusedUnknown }),
    numbers: () => {
      const { held, limited } = count.exchanges.counts()
      return { held, limited }
    },
    close,
    gauges: {}
  })
}

/** Share of the memory for tokens that is for clients which send id and secret. */
const SHARE_OF_PAIRS = 0.2

const NO_KEYS =
  "Authgear's keys cannot be fetched: resource tokens of known keys are judged, others are answered 503"
const UNKNOWN =
  'resource tokens are refused since this replica cannot know whether they were revoked before it followed the log: ' +
    'clients fetch new ones'

function endpointsOf (
  { resources, isAllowList }: TokensSettings,
  given: TokensGiven,
  own: Pick<ResourceDeps, 'verifier' | 'pairs' | 'refusedUnknown'>
): Endpoints {
  const { handlerDeps, clock, trustProxy, authgear: { issuer }, managementToken, tellsDeletions } = given
  const { clients, confirmAfterMs, sessions, traced } = given
  const signInScopes = (scopes: readonly string[]): readonly string[] =>
    scopes.filter((scope) => SIGN_IN_SCOPES.includes(scope))
  const deps: ResourceDeps = {
    ...handlerDeps,
    ...own,
    clock,
    confirmAfterMs,
    standingOf: given.revocations.standingOf,
    areMachinesRevocable: managementToken !== undefined || tellsDeletions,
    clients,
    isAllowList,
    resources: new Map(resources.map(({ uri, scopes }) => [uri, signInScopes(scopes)])),
    sessions
  }
  const resource = traced(createResource(deps))
  const resourceOrSession = traced(createResourceOrSession(deps))
  return {
    extAuthz: traced(createExtAuthz(deps, given.extAuthz, given.extAuthzPolicy)),
    // where the policy alone chooses: as a resource token if it names one
    handlers: {
      verify: traced(createExtAuthz(deps, given.verify, 'required')), resource, 'resource-or-session': resourceOrSession
    },
    routes: [
      ...resourceRoutes(resource, resourceOrSession), ...metadataRoutes({ resources, issuer, trustProxy })
    ]
  }
}
