import { type Bad, bad, type Challenge, PARAMETERS, type Requirement } from './requirement.ts'
import type { Resolution } from './resolution.ts'
import type { EpochMs } from './token-expiry.ts'

export type { Challenge } from './requirement.ts'

/**
 * What a route asks beyond a session (docs/interface.md, "Policies"): all of these. It can only tighten, since no
 * requirement takes another back.
 */
export type Policy = Bad | Readonly<{ kind: 'understood', requirements: readonly Requirement[] }>

/** Characters of one text; no route needs more, and a client may be its author. */
const MAX_LENGTH = 8192
/** A name that a person may have meant; a client may have written anything. */
const NAME = /^[A-Za-z][\w-]{0,19}$/
const BY_NAME: ReadonlyMap<string, (typeof PARAMETERS)[keyof typeof PARAMETERS]> = new Map(Object.entries(PARAMETERS))

export const SESSION_ONLY: Policy = Object.freeze({ kind: 'understood', requirements: Object.freeze([]) })

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
  return understood(requirements)
}

/** The separators and the name are never decoded, so that an escape cannot hide or add a parameter. */
function parseParameter (parameter: string): Requirement | Bad {
  const equals = parameter.indexOf('=')
  if (equals === -1) return bad('a parameter has no value')
  const name = parameter.slice(0, equals)
  const known = BY_NAME.get(name)
  if (known === undefined) {
    return bad(NAME.test(name) ? `${name} is not a parameter` : 'it has a parameter that is not known')
  }
  const value = percentDecode(parameter.slice(equals + 1))
  return value === undefined ? bad(`${name} has an escape that cannot be decoded`) : known.parse(value)
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

function understood (requirements: readonly Requirement[]): Policy {
  return { kind: 'understood', requirements: Object.freeze(requirements) }
}

export type Decision =
  | Readonly<{ kind: 'allow', resolution: Resolution & { kind: 'valid' } }>
  | Readonly<{ kind: 'refuse', reason: 'invalid_session' | 'bad_policy' | 'forbidden' }>
  | Readonly<{ kind: 'refuse', reason: 'step_up_required', challenge: Challenge }>

const refuse = (reason: 'invalid_session' | 'bad_policy' | 'forbidden'): Decision =>
  Object.freeze({ kind: 'refuse', reason })
const INVALID = refuse('invalid_session')
const BAD_POLICY = refuse('bad_policy')
const FORBIDDEN = refuse('forbidden')

/**
 * On every request, after the cache; starts from denied. Only a valid session learns anything about the policy, and a
 * step-up comes before forbidden.
 */
export function decide (resolution: Resolution, policy: Policy, now: EpochMs): Decision {
  if (resolution.kind !== 'valid') return INVALID
  if (policy.kind !== 'understood') return BAD_POLICY
  if (policy === SESSION_ONLY) return { kind: 'allow', resolution } // most routes, and no identity to read
  const challenges: Challenge[] = []
  let isPermitted = true
  for (const requirement of policy.requirements) {
    if (requirement.kind === 'token') return BAD_POLICY // no session meets it: token-policy.ts
    const outcome = requirement.meets(resolution.identity, now)
    if (typeof outcome === 'object') challenges.push(outcome.stepUp)
    else if (outcome !== 'met') isPermitted = deny(outcome)
  }
  if (challenges.length > 0) return askStepUp(challenges)
  return isPermitted ? { kind: 'allow', resolution } : FORBIDDEN
}

/** Another kind of outcome does not compile: it would count as this one. */
export const deny = (_outcome: 'forbidden'): false => false

/** The challenge is what would be enough for all of them: the smallest age, and each method once. */
export function askStepUp (challenges: readonly Challenge[]): Decision & { reason: 'step_up_required' } {
  const ages = challenges.flatMap(({ maxAge }) => maxAge ?? [])
  const challenge: Challenge = {
    maxAge: ages.length === 0 ? undefined : Math.min(...ages),
    amr: [...new Set(challenges.flatMap(({ amr }) => amr))]
  }
  return { kind: 'refuse', reason: 'step_up_required', challenge }
}
