import type { CredentialDigest } from './cache-key.ts'
import type { EpochMs } from './token-expiry.ts'
import type { Resolution } from './resolution.ts'

/** A place in the revocations; compared within one generation (docs/inside/revocation-rules.md, "Positions"). */
type Position = Readonly<{ id: string, nonce: string }>
/** The place in the revocation log that a replica had read **before** it asked Authgear. */
export type Stamp = Readonly<{ generation: string, position: Position }>

/** One cached resolution, with all that says whether it may still be used. */
export type Entry = Readonly<{
  resolution: Resolution
  stamp: Stamp
  /** The digests of every credential sent and every session id in one: revoking any of them voids the entry. */
  digests: readonly CredentialDigest[]
  /** Full life in milliseconds when it was sealed; what is left is never longer. */
  ttlMs: number
  sealedAt: EpochMs
}>

/** The names that a revocation may have: a user, or a credential. */
export type Affected = Readonly<{ userId: string | undefined, digests: readonly CredentialDigest[] }>

export function affectedOf ({ resolution, digests }: Entry): Affected {
  return { userId: resolution.kind === 'valid' ? resolution.userId : undefined, digests }
}

/** By the life that has passed, since clocks of two machines are never compared; a shortened life counts as older. */
export function ageOf ({ ttlMs }: Pick<Entry, 'ttlMs'>, remainingMs: number): number {
  return ttlMs - remainingMs
}
