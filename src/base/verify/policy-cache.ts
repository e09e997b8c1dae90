import { joinPolicies, parsePolicy, SESSION_ONLY, type Policy } from '../core/policy.ts'
import { withoutPresentation } from '../core/presentation.ts'
import type { VerifyRequest } from '../http/types.ts'

/**
 * A deployment has a handful of policies. More of them, or long ones, come from clients whose query a proxy passes on.
 */
const MAX_KNOWN = 256
const MAX_KNOWN_LENGTH = 512

/** The places of a request's policies. */
export type PolicyTexts = Pick<VerifyRequest, 'query' | 'proxy'>

/**
 * Where the proxy chooses what goes out: in the request's query or segment (`trusted`), or in the header (`doubtful`:
 * the segment may be a client's own path). The other place may be the client's, and can only tighten: an app's script
 * could ask for an assertion for another app.
 */
export type OwnWords = 'trusted' | 'doubtful'

/** @returns the policy of a request: its query and each of its policy headers; each text is parsed once */
function createPolicies (words: OwnWords = 'trusted'): (request: PolicyTexts) => Policy {
  const known = new Map<string, Policy>()
  const read = (text: string): Policy => {
    const policy = known.get(text) ?? parsePolicy(text)
    if (text.length <= MAX_KNOWN_LENGTH && !known.has(text)) {
      if (known.size >= MAX_KNOWN) known.clear()
      known.set(text, policy)
    }
    return policy
  }
  const stripped = remember(withoutPresentation)
  const readDoubtful = (text: string): Policy => stripped(read(text))
  const [readOwn, readHeader] = words === 'trusted' ? [read, readDoubtful] : [readDoubtful, read]
  return ({ query, proxy }) => {
    const own = query === undefined ? SESSION_ONLY : readOwn(query)
    const [first, ...more] = proxy.policies
    if (first === undefined) return own
    // the usual one of a prefix: the same object each time, so that what is derived from it is remembered too
    if (more.length === 0 && own === SESSION_ONLY) return readHeader(first)
    return joinPolicies([own, ...proxy.policies.map(readHeader)])
  }
}

/** @returns what `derive` makes of a request's policy; made once for each policy that is remembered */
export function createDerivedPolicies<T extends object> (
  derive: (policy: Policy) => T,
  words: OwnWords = 'trusted'
): (request: PolicyTexts) => T {
  const policyOf = createPolicies(words)
  const derivedOf = remember(derive)
  return (request) => derivedOf(policyOf(request))
}

/** The same object for the same policy, so that what is derived from it is remembered too. */
function remember<T extends object> (derive: (policy: Policy) => T): (policy: Policy) => T {
  const derived = new WeakMap<Policy, T>()
  return (policy) => {
    const known = derived.get(policy)
    if (known !== undefined) return known
    const made = derive(policy)
    derived.set(policy, made)
    return made
  }
}
