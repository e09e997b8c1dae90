import type { CredentialDigest } from '../core/cache-key.ts'

/** Entries of one credential: each junk cookie beside it makes another. */
const MAX_VARIANTS = 16
const NONE: readonly string[] = []

export type Variants = Readonly<{
  /** @returns keys that have to go */
  add: (key: string, digests: readonly CredentialDigest[]) => readonly string[]
  remove: (key: string, digests: readonly CredentialDigest[]) => void
}>

/** Keys of entries by the credentials that they share, oldest first. */
export function createVariants (): Variants {
  const keysOf = new Map<CredentialDigest, readonly string[]>()
  return Object.freeze({
    add: (key: string, digests: readonly CredentialDigest[]) => digests.flatMap((digest) => {
      const keys = NONE.concat(keysOf.get(digest) ?? NONE, key) // as large as what is in it, which no other way makes sure of
      keysOf.set(digest, keys)
      return keys.length > MAX_VARIANTS ? keys.slice(0, 1) : []
    }),
    remove (key: string, digests: readonly CredentialDigest[]): void {
      for (const digest of digests) {
        const keys = keysOf.get(digest)?.filter((one) => one !== key) ?? []
        if (keys.length === 0) keysOf.delete(digest)
        else keysOf.set(digest, keys)
      }
    }
  })
}
