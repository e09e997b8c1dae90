import type { Encoding, GroupsSource } from './values.ts'
import type { IdentityHeaders, UserField } from './sets.ts'

export type IdentitySettings = Readonly<{
  /** IDENTITY_HEADERS */
  headers: IdentityHeaders
  /** IDENTITY_USER: what stands for the user. */
  user: UserField
  /** IDENTITY_ENCODING */
  encoding: Encoding
  /** The profile's where it is asked for them, also while it cannot be read: a role is no group then. */
  groups: GroupsSource
}>
