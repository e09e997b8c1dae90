import type { ProfileField } from '../../base/identity/profile.ts'

/** The attributes that may go out. */
export type ProfileRules = Readonly<{
  fields: readonly ProfileField[]
  /** IDENTITY_UNVERIFIED_EMAIL=send */
  sendsUnverifiedEmail: boolean
}>

export type ProfileSettings = ProfileRules & Readonly<{
  /** True without the Admin API: each profile is read from userinfo, by a token of its own person. */
  isLent: boolean
  /** PROFILE_TTL */
  ttlMs: number
  /** PROFILE_TIMEOUT */
  timeoutMs: number
}>

/**
 * Outcomes of `Profiles.of`. `known`: from memory. `stale`: from memory, past its life. `late`: waited in vain.
 * `unknown`: nothing is known of the user, and the request did not wait. `rejected`: too many users wait, or the Admin
 * API is left alone after a failure.
 */
export const ANSWER_OUTCOMES = ['known', 'stale', 'waited', 'late', 'unknown', 'rejected'] as const
export type AnswerOutcome = typeof ANSWER_OUTCOMES[number]

/**
 * Outcomes of reading one user. `redis`: another replica had read it. `dropped`: a revocation named the user during
 * each attempt. `hidden`: read, but for the address, which Authgear keeps from apps. `refused`: the person's token was
 * not taken, or none could be lent.
 */
export const READ_OUTCOMES =
  ['redis', 'user', 'disabled', 'none', 'foreign', 'unreadable', 'failed', 'dropped', 'hidden', 'refused'] as const
export type ReadOutcome = typeof READ_OUTCOMES[number]
