import {
  askStepUp, byFacts, type Challenge, type Judged, lacksOf, NO_RULES, type Policy, type Rules, type Understood
} from '../../base/core/policy.ts'
import type { Facts, Lack, TokenRequirement } from '../../base/core/requirement.ts'
import type { ResourceToken } from '../../base/core/resource-token.ts'
import type { EpochMs } from '../../base/core/token-expiry.ts'

/** Resources and scopes that a route asks for; the first of those scopes of which one is enough. */
export type TokenNeeds = Readonly<{ resources: readonly string[], scopes: readonly string[] }>

export function tokenNeedsOf (policy: Policy): TokenNeeds {
  if (policy.kind === 'bad') return { resources: [], scopes: [] }
  return { resources: firstOfEach(policy, 'resource'), scopes: firstOfEach(policy, 'scope') }
}

/** True if it names the clients whose tokens it takes. */
export function namesClients (policy: Understood): boolean {
  return policy.requirements.some((one) => one.kind === 'token' && one.about === 'client')
}

/** @returns the clients that may pass; undefined where it names none */
export function clientsOf ({ requirements }: Understood): readonly string[] | undefined {
  const [first, ...others] = requirements
    .flatMap((one) => one.kind === 'token' && one.about === 'client' ? [one.values] : [])
  return first?.filter((id) => others.every((values) => values.includes(id)))
}

function firstOfEach ({ requirements }: Understood, about: TokenRequirement['about']): readonly string[] {
  const found = requirements.filter((one): one is TokenRequirement => one.kind === 'token' && one.about === about)
  return [...new Set(found.flatMap(({ values }) => values.slice(0, 1)))]
}

type TokenRefusal = 'bad_policy' | 'wrong_audience' | 'wrong_client' | 'forbidden' | 'insufficient_scope'

export type TokenDecision = Judged<Certain>
type Certain =
  | Readonly<{ kind: 'allow' }>
  | Readonly<{ kind: 'refuse', reason: TokenRefusal, lack?: Lack }>
  | Readonly<{ kind: 'refuse', reason: 'step_up_required', challenge: Challenge }>

const ALLOWED: TokenDecision = Object.freeze({ kind: 'allow' })
const BAD_POLICY = refuse('bad_policy')
const WRONG_AUDIENCE = refuse('wrong_audience')
const WRONG_CLIENT = refuse('wrong_client')
const FORBIDDEN = refuse('forbidden')
const INSUFFICIENT_SCOPE = refuse('insufficient_scope')

/**
 * Decides about a verified token; starts from denied. Without a resource no token is for this route.
 * A machine fails every rule about people. The scope comes last: only where nothing else is lacking does another scope
 * help.
 */
export function decideToken (
  token: ResourceToken, policy: Policy, rules: Rules, now: EpochMs, facts?: Facts | 'unknown'
): TokenDecision {
  if (policy.kind !== 'understood') return BAD_POLICY
  const lacks = { resource: false, client: false, scope: false }
  let namesResource = false
  for (const requirement of policy.requirements) {
    if (requirement.kind !== 'token') continue
    namesResource ||= requirement.about === 'resource'
    if (!requirement.meets(token)) lacks[requirement.about] = true
  }
  if (!namesResource) return BAD_POLICY
  if (lacks.resource) return WRONG_AUDIENCE
  if (lacks.client) return WRONG_CLIENT
  const ofPerson = decidePerson(token, policy, rules, now, facts)
  if (lacks.scope && ofPerson.kind === 'unknown') return INSUFFICIENT_SCOPE // certain
  if (ofPerson !== ALLOWED) return ofPerson
  return lacks.scope ? INSUFFICIENT_SCOPE : ALLOWED
}

/** The rules are for people, an agent that acts for one included: of a machine the scope and `client=` decide. */
function decidePerson (
  { identity, userId }: ResourceToken,
  policy: Understood,
  rules: Rules,
  now: EpochMs,
  known: Facts | 'unknown' | undefined
): TokenDecision {
  const isMachine = userId === undefined
  const lacks = lacksOf(identity, isMachine ? NO_RULES : rules, policy, now, isMachine ? NO_FACTS : known)
  const { isPermitted, challenges, facts } = lacks
  if (challenges.length > 0) return isMachine ? FORBIDDEN : askStepUp(challenges) // no machine can step up
  if (!isPermitted) return FORBIDDEN
  return facts === 'met' ? ALLOWED : byFacts(facts)
}

/** A machine has no address and is in no group. */
const NO_FACTS: Facts = Object.freeze({ address: undefined, groups: [] })

function refuse (reason: TokenRefusal): TokenDecision {
  return Object.freeze({ kind: 'refuse', reason })
}
