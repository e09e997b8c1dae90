import type { AdminKey } from '../../authgear/admin-api/token.ts'
import type { UserId } from '../../core/resolution.ts'

/** What IDENTITY_PROFILE may ask for. */
export const PROFILE_FIELDS = ['email', 'name', 'username', 'phone', 'picture', 'groups'] as const
export type ProfileField = typeof PROFILE_FIELDS[number]

/** What may go out. */
export type ProfileRules = Readonly<{
  fields: readonly ProfileField[]
  /** IDENTITY_UNVERIFIED_EMAIL=send */
  sendsUnverifiedEmail: boolean
}>

export type ProfileSettings = ProfileRules & Readonly<{
  /** The Admin API, with the key of the project. */
  api: Readonly<{ url: string, key: AdminKey, appId: string }>
  /** PROFILE_TTL */
  ttlMs: number
  /** PROFILE_TIMEOUT */
  timeoutMs: number
}>

/**
 * Of one user, as Authgear's Admin API says it: cleaned of control characters, not encoded for HTTP. A field that the
 * user does not have, that was not asked for, or that may not go out (an e-mail that is not verified) is missing.
 */
export type Profile = Readonly<
  Partial<Record<Exclude<ProfileField, 'groups'>, string> & Record<'groups', readonly string[]>>
>

/** Nobody's: of a user whom the Admin API does not know, or while it cannot be asked. */
export const NO_PROFILE: Profile = Object.freeze({})

export type Profiles = Readonly<{
  /**
   * Synchronous where memory knows; waits, for PROFILE_TIMEOUT at most, only on the first sight of a user. Never
   * rejects. The same object for as long as nothing changed.
   */
  of: (userId: UserId) => Profile | Promise<Profile>
  /** What memory holds, and no revocation has named since. */
  now: (userId: UserId) => Profile
}>
