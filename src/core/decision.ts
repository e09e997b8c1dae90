import type { ForbiddenReason, RefusalReason, UnauthenticatedReason } from './reason.ts'
import type { Resolution } from './resolution.ts'

/** What a route asks beyond a session. The grammar comes with the issue “Policy”; until then a policy that says anything is not understood. */
export type Policy = Readonly<{ kind: 'session' }> | Readonly<{ kind: 'bad' }>

export type Decision =
  | Readonly<{ kind: 'allow', resolution: Resolution & { kind: 'valid' } }>
  | Readonly<{ kind: 'refuse', reason: UnauthenticatedReason | ForbiddenReason }>

const SESSION: Policy = Object.freeze({ kind: 'session' })
const BAD: Policy = Object.freeze({ kind: 'bad' })
const INVALID: Decision = Object.freeze({ kind: 'refuse', reason: 'invalid_session' satisfies RefusalReason })
const BAD_POLICY: Decision = Object.freeze({ kind: 'refuse', reason: 'bad_policy' satisfies RefusalReason })

/** @param texts the verify URL's query and each policy header, as they came */
export function readPolicy (texts: readonly string[]): Policy {
  return texts.every((text) => text === '') ? SESSION : BAD
}

/** Made anew on every request, after the cache; starts from denied. A stranger learns nothing about the policy. */
export function decide (resolution: Resolution, policy: Policy): Decision {
  if (resolution.kind !== 'valid') return INVALID
  if (policy.kind !== 'session') return BAD_POLICY
  return { kind: 'allow', resolution }
}
