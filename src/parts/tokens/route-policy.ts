import type { Policy } from '../../base/core/policy.ts'
import { namesClients, type TokenNeeds, tokenNeedsOf } from './policy.ts'
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

export type RoutePolicy = Readonly<{ policy: Policy, needs: TokenNeeds }>

/** The policy headers of a request whose query alone chooses. */
export const NO_HEADER: PolicyTexts['proxy'] =
  Object.freeze({ policies: [], requestId: undefined, declaresBody: false })

/**
 * A route without a resource, or with one that this deployment does not have, allows no request. If the query chooses,
 * a policy header may be the client's: it names no resource for a route that has none.
 */
export function createRoutePolicy (
  { resources, isAllowList, facts }: RouteDeps,
  words: OwnWords = 'trusted'
): (request: VerifyRequest) => RoutePolicy {
  const routeOf = createDerivedPolicies((policy): RoutePolicy => {
    const needs = tokenNeedsOf(policy)
    if (policy.kind === 'bad') return { policy, needs }
    if (needs.resources.length === 0) return NO_RESOURCE
    if (!needs.resources.every((uri) => resources.has(uri))) return UNKNOWN_RESOURCE
    if (isAllowList && !namesClients(policy)) return NO_CLIENT
    const known = withFactsOfTokens(policy, facts)
    if (known.kind === 'bad') return { policy: known, needs }
    const signIn = resources.get(needs.resources[0] ?? '') ?? []
    return { policy, needs: { ...needs, scopes: [...new Set([...signIn, ...needs.scopes])] } }
  }, words)
  const chosen = (request: VerifyRequest): RoutePolicy => {
    if (words === 'doubtful') return routeOf(request)
    const own = routeOf({ query: request.query, proxy: NO_HEADER })
    return request.proxy.policies.length === 0 || own.policy.kind === 'bad' ? own : routeOf(request)
  }
  return (request) => {
    const route = chosen(request)
    const { policy, needs } = route
    return policy.kind === 'understood' && policy.asksCall ? ofCall(withCall(policy, request), needs) : route
  }
}

/** The call of a tool may need a scope more. */
function ofCall (policy: Policy, needs: TokenNeeds): RoutePolicy {
  return { policy, needs: { ...needs, scopes: [...new Set([...needs.scopes, ...tokenNeedsOf(policy).scopes])] } }
}

const bad = (why: string): RoutePolicy => ({ policy: { kind: 'bad', why }, needs: { resources: [], scopes: [] } })
const NO_RESOURCE = bad('resource= is required on this endpoint')
const UNKNOWN_RESOURCE = bad('resource= is not one of RESOURCES')
const NO_CLIENT = bad('client= is required by RESOURCE_CLIENTS=allow-list')
