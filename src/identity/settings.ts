import type { Encoding } from './values.ts'
import type { IdentityHeaders, UserField } from './sets.ts'

export type IdentitySettings = Readonly<{
  /** IDENTITY_HEADERS */
  headers: IdentityHeaders
  /** IDENTITY_USER: what stands for the user. */
  user: UserField
  /** IDENTITY_ENCODING */
  encoding: Encoding
}>
