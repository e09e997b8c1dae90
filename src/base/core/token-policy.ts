import type { Policy } from './policy.ts'

/** @returns the policy without what only a resource token can meet */
export function withoutTokenRequirements (policy: Policy): Policy {
  if (policy.kind === 'bad') return policy
  return {
    kind: 'understood',
    requirements: Object.freeze(policy.requirements.filter(({ kind }) => kind !== 'token'))
  }
}

/** True if a session may meet it: what only a resource token can meet belongs on the endpoints for those. */
export function isForSessions (policy: Policy): boolean {
  return policy.kind === 'bad' || policy.requirements.every(({ kind }) => kind !== 'token')
}
