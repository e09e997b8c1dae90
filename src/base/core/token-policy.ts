import { type Policy, understood } from './policy.ts'
import type { CallRequirement, Requirement } from './requirement.ts'

/** @returns the policy without what only a resource token can meet */
export function withoutTokenRequirements (policy: Policy): Policy {
  if (policy.kind === 'bad') return policy
  return understood(policy.requirements.filter((one) => !isOfTokens(one)).map(withoutScopes))
}

/** True if a session may meet it: what only a resource token can meet belongs on the endpoints for those. */
export function isForSessions (policy: Policy): boolean {
  return policy.kind === 'bad' || !policy.requirements.some((one) => isOfTokens(one) || asksScope(one))
}

const isOfTokens = ({ kind }: Requirement): boolean => kind === 'token' || kind === 'machine'
const asksScope = (one: Requirement): one is CallRequirement => one.kind === 'call' && one.toolScopes !== undefined
const withoutScopes = (one: Requirement): Requirement => asksScope(one) ? { ...one, toolScopes: [] } : one
