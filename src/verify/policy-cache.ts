import { joinPolicies, parsePolicy, SESSION_ONLY, type Policy } from '../core/policy.ts'
import { withoutPresentation } from '../core/presentation.ts'
import type { VerifyRequest } from '../http/types.ts'

/**
 * A deployment has a handful of policies. More of them, or long ones, come from clients whose query a proxy passes on.
 */
const MAX_KNOWN = 256
const MAX_KNOWN_LENGTH = 512

/** Where a request's policies stand. */
export type PolicyTexts = Pick<VerifyRequest, 'query' | 'proxy'>

/**
 * Whose words a request's query is: `doubtful` ones may be a client's own path, which can tighten, and choose nothing
 * that goes out.
 */
export type OwnWords = 'trusted' | 'doubtful'

/** @returns the policy of a request: its query and each of its policy headers; each text is parsed once */
export function createPolicies (words: OwnWords = 'trusted'): (request: PolicyTexts) => Policy {
  const known = new Map<string, Policy>()
  const read = (text: string): Policy => {
    const policy = known.get(text) ?? parsePolicy(text)
    if (text.length <= MAX_KNOWN_LENGTH && !known.has(text)) {
      if (known.size >= MAX_KNOWN) known.clear()
      known.set(text, policy)
    }
    return policy
  }
  const readOwn = words === 'trusted' ? read : createRemembered(read)
  return ({ query, proxy }) => {
    const own = query === undefined ? SESSION_ONLY : readOwn(query)
    const [first, ...more] = proxy.policies
    if (first === undefined) return own
    // the usual one of a prefix: the same object each time, so that what is derived from it is remembered too
    if (more.length === 0 && own === SESSION_ONLY) return read(first)
    return joinPolicies([own, ...proxy.policies.map(read)])
  }
}

/** The same object for the same text, so that what is derived from it is remembered too. */
function createRemembered (read: (text: string) => Policy): (text: string) => Policy {
  const stripped = new WeakMap<Policy, Policy>()
  return (text) => {
    const policy = read(text)
    const known = stripped.get(policy) ?? withoutPresentation(policy)
    stripped.set(policy, known)
    return known
  }
}

/** @returns what `derive` makes of a request's policy; made once for each policy that is remembered */
export function createDerivedPolicies<T extends object> (
  derive: (policy: Policy) => T,
  words: OwnWords = 'trusted'
): (request: PolicyTexts) => T {
  const policyOf = createPolicies(words)
  const derived = new WeakMap<Policy, T>()
  return (request) => {
    const policy = policyOf(request)
    const known = derived.get(policy)
    if (known !== undefined) return known
    const made = derive(policy)
    derived.set(policy, made)
    return made
  }
}
