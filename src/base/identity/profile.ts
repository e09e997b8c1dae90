import type { CredentialContext } from '../authenticate/types.ts'
import type { FactName, Facts } from '../core/requirement.ts'
import type { Identity, UserId } from '../core/resolution.ts'

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

/** A person who asks. */
export type Asker = Readonly<{
  userId: UserId
  identity: Identity
  /** Their credentials, which a source may read by; undefined: those of a resource token, which open no profile. */
  subject: CredentialContext | undefined
}>

/** The credentials of people, lent to a source that reads each profile by its own person's. */
export type Loans = Readonly<{
  /** @returns an access token of that very user; undefined where there is none now. Never rejects */
  lend: (subject: CredentialContext, userId: UserId) => Promise<string | undefined>
  /**
   * Authgear refused that token: asks the resolver about the credentials again, unless its answer is no older than
   * that. Never rejects.
   */
  doubt: (subject: CredentialContext, maxAgeMs: number) => Promise<unknown>
}>

/** A source of profiles. */
export type Profiles = Readonly<{
  /**
   * Synchronous where memory knows the user; a promise only on the first sight of one. Never rejects. The same object
   * until something changes.
   */
  of: (asker: Asker) => Profile | Promise<Profile>
  /** The profile in memory, unless a revocation has named the user since. */
  now: (userId: UserId) => Profile
  /**
   * The facts that may decide about the user, or `unknown`; a promise where it has to be read: judge the request again
   * then, with `isAwaited`. Never rejects.
   */
  facts: (asker: Asker, isAwaited: boolean) => Facts | 'unknown' | Promise<void>
  /** Reads again what is older than so many milliseconds; undefined where nothing is. Never rejects. */
  confirm: (asker: Asker, maxAgeMs: number) => Promise<void> | undefined
  /** The facts that this source has. With groups roles do not stand in for them, even while it cannot be read. */
  knows: readonly FactName[]
  /** Those of them that it has for resource tokens, too. */
  knowsOfTokens: readonly FactName[]
}>

/** The source of facts that decide; undefined: nobody knows any. */
export type FactSource = Pick<Profiles, 'facts' | 'confirm' | 'knows' | 'knowsOfTokens'> | undefined
