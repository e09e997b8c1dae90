import type { EpochMs } from './jwt.ts'
import { SESSION_ONLY, type Policy, type Rules } from './policy.ts'
import type { Identity, Resolution } from './resolution.ts'

/** What a client could do to be let in (RFC 9470). */
export type Challenge = Readonly<{ maxAge: number | undefined, amr: readonly string[] }>

export type Decision =
  | Readonly<{ kind: 'allow', resolution: Resolution & { kind: 'valid' } }>
  | Readonly<{ kind: 'refuse', reason: 'invalid_session' | 'bad_policy' | 'forbidden' }>
  | Readonly<{ kind: 'refuse', reason: 'step_up_required', challenge: Challenge }>

/** Places in IDENTITY_HEADERS; by index, since taking an array apart costs an iterator at each request. */
const AT = { anonymous: 2, verified: 3, roles: 4, amr: 5, authenticatedAt: 6 } as const
/** How far Authgear's clock may be ahead of this machine's, in milliseconds. */
const MAX_AHEAD = 5 * 60_000

const refuse = (reason: 'invalid_session' | 'bad_policy' | 'forbidden'): Decision => Object.freeze({ kind: 'refuse', reason })
const INVALID = refuse('invalid_session')
const BAD_POLICY = refuse('bad_policy')
const FORBIDDEN = refuse('forbidden')

/** Made anew on every request, after the cache; starts from denied. A stranger learns nothing about the policy. */
export function decide (resolution: Resolution, policy: Policy, now: EpochMs): Decision {
  if (resolution.kind !== 'valid') return INVALID
  if (policy.kind !== 'rules') return BAD_POLICY
  if (policy === SESSION_ONLY) return { kind: 'allow', resolution } // most routes, and no identity to read
  const { identity } = resolution
  const challenge = challengeOf(identity, policy, now)
  if (challenge !== undefined) return { kind: 'refuse', reason: 'step_up_required', challenge }
  return isPermitted(identity, policy) ? { kind: 'allow', resolution } : FORBIDDEN
}

/** What is missing counts against the person: not verified, anonymous, no role. Only what is asked for is read. */
function isPermitted (identity: Identity, policy: Rules): boolean {
  if (policy.verified && identity[AT.verified] !== 'true') return false
  if (policy.notAnonymous && identity[AT.anonymous] !== 'false') return false
  if (policy.roles.length === 0) return true
  const own = (identity[AT.roles] ?? '').split(',')
  return policy.roles.every((group) => group.some((role) => own.includes(role)))
}

function challengeOf (identity: Identity, policy: Rules, now: EpochMs): Challenge | undefined {
  const missing = policy.amr.length === 0 ? policy.amr : missingOf(identity, policy)
  const fresh = policy.maxAge === undefined || isFresh(authenticatedAt(identity), policy.maxAge, now)
  if (fresh && missing.length === 0) return undefined
  return { maxAge: fresh ? undefined : policy.maxAge, amr: [...new Set(missing.flat())] }
}

function missingOf (identity: Identity, policy: Rules): Rules['amr'] {
  const own = (identity[AT.amr] ?? '').split(' ')
  return policy.amr.filter((group) => !group.some((method) => own.includes(method)))
}

/** Milliseconds; not a number where it is missing or unreadable. */
function authenticatedAt (identity: Identity): number {
  const text = identity[AT.authenticatedAt] ?? ''
  return /^[0-9]{1,12}$/.test(text) ? Number(text) * 1000 : NaN
}

/** Missing, unreadable or far in the future is not fresh. */
function isFresh (authenticatedAt: number, maxAge: number, now: EpochMs): boolean {
  return authenticatedAt - now <= MAX_AHEAD && now - authenticatedAt <= maxAge * 1000
}
