import type { CredentialDigest } from './cache-key.ts'
import type { EpochMs } from './token-expiry.ts'
import type { Resolution } from './resolution.ts'

/**
 * What a replica had read of the revocations **before** it asked Authgear: of which log, and the time of the newest, by
 * Redis (docs/inside/revocation-protocol.md).
 */
export type Stamp = Readonly<{ log: string, at: string }>

/** One cached resolution, with all that says whether it may still be used. */
export type Entry = Readonly<{
  resolution: Resolution
  stamp: Stamp
  /** Of every credential sent and every session id in one: revoking any of them voids the entry. */
  digests: readonly CredentialDigest[]
  /** Full life in milliseconds when it was sealed; what is left is never longer. */
  ttlMs: number
  sealedAt: EpochMs
}>
