import {
  type Bad, bad, type CallRequirement, type Challenge, type FactName, type FactRequirement, type Facts, type Lack,
  lackOf, type Outcome, PARAMETERS, type Requirement
} from './requirement.ts'
import type { Identity, Resolution } from './resolution.ts'
import type { EpochMs } from './token-expiry.ts'

export type { Challenge } from './requirement.ts'

/**
 * The requirements of a route beyond a session (docs/interface.md, "Policies"): all of these. It can only tighten,
 * since no requirement takes another back.
 */
export type Policy = Bad | Understood
export type Understood = Readonly<{
  kind: 'understood'
  requirements: readonly Requirement[]
  /** Each request has to be looked at (`withCall`); without the look nobody meets it. */
  asksCall?: true
}>

/** Requirements on every person, in addition to the route's. */
export type Rules = Understood

/** Characters of one text; no route needs more, and a client may be its author. */
const MAX_LENGTH = 8192
/** Caddy's place of an argument, where a snippet is imported without one. */
const NO_ARGUMENT = /^(?:\{|%7B)args\b/i
/** A name that a person may have meant; a client may have written anything. */
const NAME = /^[A-Za-z][\w-]{0,19}$/
const BY_NAME: ReadonlyMap<string, (typeof PARAMETERS)[keyof typeof PARAMETERS]> = new Map(Object.entries(PARAMETERS))

export const SESSION_ONLY: Understood = Object.freeze({ kind: 'understood', requirements: Object.freeze([]) })
/** Without rules everybody who is signed in may enter where the route asks for no more. */
export const NO_RULES: Rules = Object.freeze({ kind: 'understood', requirements: Object.freeze([]) })

/** @param text a query without its question mark, or the value of one policy header */
export function parsePolicy (text: string): Policy {
  if (text === '') return SESSION_ONLY
  if (text.length > MAX_LENGTH) return bad('it is longer than 8 KiB')
  const requirements: Requirement[] = []
  for (const parameter of text.split('&')) {
    const read = parseParameter(parameter)
    if ('why' in read) return read
    requirements.push(read)
  }
  const joined = joinCalls(requirements)
  return 'why' in joined ? joined : understood(joined)
}

/** The separators and the name are never decoded, so that an escape cannot hide or add a parameter. */
export function parseParameter (parameter: string): Requirement | Bad {
  const equals = parameter.indexOf('=')
  if (equals === -1) {
    return bad(NO_ARGUMENT.test(parameter)
      ? 'its import in the Caddyfile has no argument: write import authgear_policy "", or a policy between the quotes'
      : 'a parameter has no value')
  }
  const name = parameter.slice(0, equals)
  const known = BY_NAME.get(name)
  if (known === undefined) {
    return bad(NAME.test(name) ? `${name} is not a parameter` : 'it has a parameter that is not known')
  }
  const value = percentDecode(parameter.slice(equals + 1))
  return value === undefined ? bad(`${name} has an escape that cannot be decoded`) : known.parse(value)
}

/** The calls that one text allows are one requirement: `tool=` and `prompt=` of a policy open different calls. */
function joinCalls (requirements: readonly Requirement[]): readonly Requirement[] | Bad {
  const calls = requirements.filter((one): one is CallRequirement => one.kind === 'call')
  if (calls.length === 0) return requirements
  const names = calls.flatMap((one) => Object.keys(one).filter((name) => name !== 'kind'))
  if (new Set(names).size < names.length) {
    return bad('tool, resource_uri, prompt and tool_scope each stand once: separate their values with commas')
  }
  return [...requirements.filter(({ kind }) => kind !== 'call'), Object.assign({}, ...calls) as CallRequirement]
}

/** Once. @returns undefined for an escape that is cut off or no UTF-8 (RFC 3629; overlong forms are none) */
function percentDecode (value: string): string | undefined {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}

/** @returns the policy that allows what all of them allow; in time linear in their length: a client may write them */
export function joinPolicies (policies: readonly Policy[]): Policy {
  const requirements: Requirement[] = []
  for (const policy of policies) {
    if (policy.kind === 'bad') return policy
    for (const requirement of policy.requirements) requirements.push(requirement)
  }
  return requirements.length === 0 ? SESSION_ONLY : understood(requirements)
}

export function understood (requirements: readonly Requirement[]): Understood {
  const asksCall = requirements.some(({ kind }) => kind === 'call')
  return { kind: 'understood', requirements: Object.freeze(requirements), ...asksCall && { asksCall } }
}

export type Decision = Judged<Readonly<{ kind: 'allow', resolution: Resolution & { kind: 'valid' } }> | Refusal>

/** `ask`: the facts about the person decide, and are not there yet. `unknown`: they cannot be had. */
export type Judged<D> = D | Readonly<{ kind: 'ask' }> | Readonly<{ kind: 'unknown' }>

/** `lack`: the person lacks nothing but this fact, which may be a little old. */
type Refusal =
  | Readonly<{ kind: 'refuse', reason: 'invalid_session' | 'bad_policy' | 'forbidden', lack?: Lack }>
  | Readonly<{ kind: 'refuse', reason: 'step_up_required', challenge: Challenge }>

const refuse = (reason: 'invalid_session' | 'bad_policy' | 'forbidden'): Decision =>
  Object.freeze({ kind: 'refuse', reason })
const INVALID = refuse('invalid_session')
const BAD_POLICY = refuse('bad_policy')
const FORBIDDEN = refuse('forbidden')
const ASK = Object.freeze({ kind: 'ask' })
const UNKNOWN = Object.freeze({ kind: 'unknown' })

/**
 * On every request, after the cache; starts from denied. Only a valid session learns anything about the policy, and a
 * step-up comes before forbidden, and what is certain before what is not.
 */
export function decide (
  resolution: Resolution, policy: Policy, rules: Rules, now: EpochMs, facts?: Facts | 'unknown'
): Decision {
  if (resolution.kind !== 'valid') return INVALID
  if (policy.kind !== 'understood') return BAD_POLICY
  if (policy === SESSION_ONLY && rules === NO_RULES) return { kind: 'allow', resolution } // no identity is read
  const lacks = lacksOf(resolution.identity, rules, policy, now, facts)
  if (lacks.asksToken) return BAD_POLICY // no session meets it
  if (lacks.challenges.length > 0) return askStepUp(lacks.challenges)
  if (!lacks.isPermitted) return FORBIDDEN
  return lacks.facts === 'met' ? { kind: 'allow', resolution } : byFacts(lacks.facts)
}

type LacksFact = Readonly<{ kind: 'refuse', reason: 'forbidden', lack: Lack }>

/** The decision where a person lacks nothing else. */
export function byFacts (facts: Exclude<Lacks['facts'], 'met'>): Judged<LacksFact> {
  return facts === 'asked' ? ASK : facts === 'unknown' ? UNKNOWN : { kind: 'refuse', reason: 'forbidden', lack: facts }
}

type Lacks = {
  /** Something that only a resource token can meet. */
  asksToken: boolean
  isPermitted: boolean
  readonly challenges: Challenge[]
  facts: 'met' | 'asked' | 'unknown' | Lack
}

/** Everything that a person lacks of the rules and of the route's policy. */
export function lacksOf (
  identity: Identity, rules: Rules, policy: Understood, now: EpochMs, facts: Facts | 'unknown' | undefined
): Readonly<Lacks> {
  const lacks: Lacks = { asksToken: false, isPermitted: true, challenges: [], facts: 'met' }
  if (rules !== NO_RULES) addLacks(lacks, identity, rules, now, facts)
  addLacks(lacks, identity, policy, now, facts)
  return lacks
}

function addLacks (
  lacks: Lacks, identity: Identity, { requirements }: Understood, now: EpochMs, facts: Facts | 'unknown' | undefined
): void {
  for (const requirement of requirements) {
    switch (requirement.kind) {
      case 'token':
      case 'machine': lacks.asksToken = true; break
      case 'fact': addFact(lacks, requirement, facts); break
      case 'call': lacks.isPermitted = false; break // nobody has looked at the call (`withCall`)
      case 'person': addOutcome(lacks, requirement.meets(identity, now))
    }
  }
}

function addFact (lacks: Lacks, requirement: FactRequirement, facts: Facts | 'unknown' | undefined): void {
  if (facts === undefined) lacks.facts = 'asked'
  else if (facts === 'unknown') lacks.facts = 'unknown'
  else if (lacks.facts === 'met' && !requirement.meets(facts)) lacks.facts = lackOf(requirement, facts)
}

function addOutcome (lacks: Lacks, outcome: Outcome): void {
  if (typeof outcome === 'object') lacks.challenges.push(outcome.stepUp)
  else if (outcome !== 'met') lacks.isPermitted = deny(outcome)
}

/** The facts that a policy asks for. */
export function factsIn ({ requirements }: Understood): readonly FactName[] {
  return [...new Set(requirements.flatMap((one) => one.kind === 'fact' ? one.about : []))]
}

/** Another kind of outcome does not compile: it would count as this one. */
const deny = (_outcome: 'forbidden'): false => false

/** The challenge is what would be enough for all of them: the smallest age, and each method once. */
export function askStepUp (challenges: readonly Challenge[]): Decision & { reason: 'step_up_required' } {
  const ages = challenges.flatMap(({ maxAge }) => maxAge ?? [])
  const challenge: Challenge = {
    maxAge: ages.length === 0 ? undefined : Math.min(...ages),
    amr: [...new Set(challenges.flatMap(({ amr }) => amr))]
  }
  return { kind: 'refuse', reason: 'step_up_required', challenge }
}
