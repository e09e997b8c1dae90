import type { Credentials } from './credentials.ts'
import { identityDeadline, type EpochMs } from './jwt.ts'
import type { Resolution } from './resolution.ts'

export type Lifetimes = Readonly<{ ttlMs: number, negativeTtlMs: number }>

/** Share by which a life may be shorter, so that entries made together do not end together. */
const JITTER = 0.1

/**
 * How long a fresh resolution may be remembered, in milliseconds; 0 = not at all.
 * @param random 0 ≤ random < 1
 */
export function lifetimeOf (resolution: Resolution, credentials: Credentials, lifetimes: Lifetimes, now: EpochMs, random: number): number {
  const full = resolution.kind === 'valid' ? lifetimes.ttlMs : lifetimes.negativeTtlMs
  return capByToken(Math.floor(full * (1 - JITTER * random)), resolution, credentials, now)
}

/** @returns the life, never past the `exp` of a token that was sent; a refusal has nothing to outlive */
export function capByToken (lifeMs: number, resolution: Resolution, credentials: Credentials, now: EpochMs): number {
  return capAt(lifeMs, resolution, resolution.kind === 'valid' ? identityDeadline(credentials, now) : Infinity, now)
}

/** As `capByToken`, where it is known when the tokens end. */
export function capAt (lifeMs: number, resolution: Resolution, deadline: number, now: EpochMs): number {
  return resolution.kind === 'valid' ? Math.max(0, Math.floor(Math.min(lifeMs, deadline - now))) : lifeMs
}
