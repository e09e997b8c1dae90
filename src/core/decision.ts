import type { EpochMs } from './jwt.ts'
import { SESSION_ONLY, type Policy, type Rules } from './policy.ts'
import type { Identity, Resolution } from './resolution.ts'

/** What a client could do to be let in (RFC 9470). */
export type Challenge = Readonly<{ maxAge: number | undefined, amr: readonly string[] }>

export type Decision =
  | Readonly<{ kind: 'allow', resolution: Resolution & { kind: 'valid' } }>
  | Readonly<{ kind: 'refuse', reason: 'invalid_session' | 'bad_policy' | 'forbidden' }>
  | Readonly<{ kind: 'refuse', reason: 'step_up_required', challenge: Challenge }>

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
  const person = readPerson(resolution.identity)
  const challenge = challengeOf(person, policy, now)
  if (challenge !== undefined) return { kind: 'refuse', reason: 'step_up_required', challenge }
  return isPermitted(person, policy) ? { kind: 'allow', resolution } : FORBIDDEN
}

type Person = Readonly<{ roles: readonly string[], amr: readonly string[], verified: boolean, anonymous: boolean, authenticatedAt: number }>

/** What is missing counts against the person: not verified, anonymous, no role, never authenticated. */
function readPerson ([, , anonymous, verified, roles, amr, authenticatedAt]: Identity): Person {
  return {
    roles: (roles ?? '').split(','),
    amr: (amr ?? '').split(' '),
    verified: verified === 'true',
    anonymous: anonymous !== 'false',
    authenticatedAt: /^[0-9]{1,12}$/.test(authenticatedAt ?? '') ? Number(authenticatedAt) * 1000 : NaN
  }
}

function isPermitted ({ roles, verified, anonymous }: Person, policy: Rules): boolean {
  if (policy.verified && !verified) return false
  if (policy.notAnonymous && anonymous) return false
  return policy.roles.every((group) => group.some((role) => roles.includes(role)))
}

function challengeOf (person: Person, policy: Rules, now: EpochMs): Challenge | undefined {
  const missing = policy.amr.filter((group) => !group.some((method) => person.amr.includes(method)))
  const fresh = policy.maxAge === undefined || isFresh(person.authenticatedAt, policy.maxAge, now)
  if (fresh && missing.length === 0) return undefined
  return { maxAge: fresh ? undefined : policy.maxAge, amr: [...new Set(missing.flat())] }
}

/** Missing, unreadable or far in the future is not fresh. */
function isFresh (authenticatedAt: number, maxAge: number, now: EpochMs): boolean {
  return authenticatedAt - now <= MAX_AHEAD && now - authenticatedAt <= maxAge * 1000
}
