import type { UserId } from '../core/resolution.ts'

/** Attributes of a user that the resolver does not send. */
export const PROFILE_FIELDS = ['email', 'name', 'username', 'phone', 'picture', 'groups'] as const
export type ProfileField = typeof PROFILE_FIELDS[number]

/**
 * One user's attributes: cleaned of control characters, not encoded for HTTP. A field is missing where the user has
 * none, where the operator did not ask for it, or where it must not go out.
 */
export type Profile = Readonly<
  Partial<Record<Exclude<ProfileField, 'groups'>, string> & Record<'groups', readonly string[]>>
>

/** The profile of an unknown user, and of every user while nothing can be read. */
export const NO_PROFILE: Profile = Object.freeze({})

/** A source of profiles. */
export type Profiles = Readonly<{
  /**
   * Synchronous where memory knows the user; a promise only on the first sight of one. Never rejects. The same object
   * until something changes.
   */
  of: (userId: UserId) => Profile | Promise<Profile>
  /** The profile in memory, unless a revocation has named the user since. */
  now: (userId: UserId) => Profile
  /** True if it knows groups: roles do not stand in for them then, even while it cannot be read. */
  hasGroups: boolean
}>
