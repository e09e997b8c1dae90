import type { Identity, UserId } from './resolution.ts'
import type { EpochMs } from './token-expiry.ts'

/** A resource token whose signature is verified (docs/resource-tokens.md). */
export type ResourceToken = Readonly<{
  /** Made of the claims, in a session's form. A machine's: `false`, and an empty user id. */
  identity: Identity
  /** Undefined for a machine. */
  userId: UserId | undefined
  clientId: string
  audience: readonly string[]
  scopes: readonly string[]
  /** `jti` */
  id: string
  issuedAt: EpochMs
  /** The earlier one of `exp` and the longest accepted life after `iat`. */
  expiresAt: EpochMs
}>

/** Largest difference of Authgear's clock to this machine's and to Redis'. */
export const CLOCK_TOLERANCE_MS = 5000
