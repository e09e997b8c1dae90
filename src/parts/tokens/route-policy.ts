import type { Policy, Understood } from '../../base/core/policy.ts'
import { partsOf } from '../../base/core/protected-resource.ts'
import { clientsOf, namesClients, type TokenNeeds, tokenNeedsOf } from './policy.ts'
import type { FactSource } from '../../base/identity/profile.ts'
import { withFactsOfTokens } from '../../base/verify/facts.ts'
import type { VerifyRequest } from '../../base/http/types.ts'
import { withCall } from '../../base/verify/calls.ts'
import { createDerivedPolicies, type OwnWords, type PolicyTexts } from '../../base/verify/policy-cache.ts'

export type RouteDeps = Readonly<{
  /** RESOURCE_CLIENTS=allow-list: a route has to name its clients. */
  isAllowList: boolean
  /** The URIs of RESOURCES, with the scopes by which a client signs a person in. */
  resources: ReadonlyMap<string, readonly string[]>
  facts: FactSource
}>

/** A route on which a client id and secret stand for a token of this resource. */
export type BasicRoute = Readonly<{
  resource: string
  origin: string
  /** The clients that it names; undefined: it names none. */
  clients: readonly string[] | undefined
}>

export type RoutePolicy = Readonly<{ policy: Policy, needs: TokenNeeds, basic?: BasicRoute | undefined }>

/** The policy headers of a request whose query alone chooses. */
export const NO_HEADER: PolicyTexts['proxy'] =
  Object.freeze({ policies: [], requestId: undefined, endsInput: false })

/**
 * A route without a resource, or with one that this deployment does not have, allows no request. If the query chooses,
 * a policy header may be the client's: it names no resource for a route that has none.
 */
export function createRoutePolicy (
  { resources, isAllowList, facts }: RouteDeps,
  words: OwnWords = 'trusted',
  endpoint: 'tokens' | 'tokens or sessions' = 'tokens'
): (request: VerifyRequest) => RoutePolicy {
  const routeOf = createDerivedPolicies((policy): RoutePolicy => {
    const needs = tokenNeedsOf(policy)
    if (policy.kind === 'bad') return { policy, needs }
    const offer = offerOf(policy)
    const problem = offer.isMade ? problemOf(needs, offer, endpoint) : undefined
    if (problem !== undefined) return bad(problem)
    if (needs.resources.length === 0) return NO_RESOURCE
    if (!needs.resources.every((uri) => resources.has(uri))) return UNKNOWN_RESOURCE
    if (isAllowList && !namesClients(policy)) return NO_CLIENT
    const known = withFactsOfTokens(policy, facts)
    if (known.kind === 'bad') return { policy: known, needs }
    const signIn = resources.get(needs.resources[0] ?? '') ?? []
    const scopes = [...new Set([...signIn, ...needs.scopes])]
    return { policy, needs: { ...needs, scopes }, basic: offer.isBasic ? basicOf(policy, needs) : undefined }
  }, words)
  const chosen = (request: VerifyRequest): RoutePolicy => {
    if (words === 'doubtful') return routeOf(request)
    const own = routeOf({ query: request.query, proxy: NO_HEADER })
    return request.proxy.policies.length === 0 || own.policy.kind === 'bad' ? own : routeOf(request)
  }
  return (request) => {
    const route = chosen(request)
    const { policy } = route
    return policy.kind === 'understood' && policy.asksCall ? ofCall(withCall(policy, request), route) : route
  }
}

/** What a route offers to machines: that they send client id and secret, and which user the app sees then. */
type Offer = Readonly<{ isMade: boolean, isBasic: boolean, users: readonly string[] }>

function offerOf ({ requirements }: Understood): Offer {
  const all = requirements.filter((one) => one.kind === 'machine')
  const users = [...new Set(all.flatMap((one) => one.as ?? []))]
  return { isMade: all.length > 0, isBasic: all.some((one) => one.basic === true), users }
}

/** @returns why the route cannot offer that, and what to do */
function problemOf (
  { resources }: TokenNeeds, { isBasic, users }: Offer, endpoint: 'tokens' | 'tokens or sessions'
): string | undefined {
  if (endpoint !== 'tokens') return 'basic= and as= are for machines alone: ask /resource for them'
  if (!isBasic) return 'as= has no effect without basic=on: add it, or leave as= out'
  if (users.length > 1) return 'as= has two values: leave one'
  return resources.length === 1 ? undefined : 'basic=on needs one resource=URI: the token of a machine is for one'
}

/** The call of a tool may need a scope more. */
function ofCall (policy: Policy, { needs, basic }: RoutePolicy): RoutePolicy {
  return { policy, basic, needs: { ...needs, scopes: [...new Set([...needs.scopes, ...tokenNeedsOf(policy).scopes])] } }
}

function basicOf (policy: Understood, { resources: [resource = ''] }: TokenNeeds): BasicRoute {
  return { resource, origin: partsOf(resource).origin, clients: clientsOf(policy) }
}

const bad = (why: string): RoutePolicy => ({ policy: { kind: 'bad', why }, needs: { resources: [], scopes: [] } })
const NO_RESOURCE = bad('resource= is required on this endpoint')
const UNKNOWN_RESOURCE = bad('resource= is not one of RESOURCES')
const NO_CLIENT = bad('client= is required by RESOURCE_CLIENTS=allow-list')
