import type { CredentialDigest } from '../core/cache-key.ts'

/** Entries that may share one credential: each junk cookie beside it makes a new key. */
const MAX_VARIANTS = 16
const NO_KEYS: readonly string[] = []

export type Variants = Readonly<{
  /** @returns keys to evict */
  add: (key: string, digests: readonly CredentialDigest[]) => readonly string[]
  remove: (key: string, digests: readonly CredentialDigest[]) => void
  clear: () => void
}>

/** Keys of entries by the credentials that they share, oldest first. */
export function createVariants (): Variants {
  const keysOf = new Map<CredentialDigest, readonly string[]>()
  return Object.freeze({
    add: (key: string, digests: readonly CredentialDigest[]) => digests.flatMap((digest) => {
      // `concat` makes an array without spare capacity
      const keys = NO_KEYS.concat(keysOf.get(digest) ?? NO_KEYS, key)
      keysOf.set(digest, keys)
      return keys.length > MAX_VARIANTS ? keys.slice(0, 1) : []
    }),
    remove (key: string, digests: readonly CredentialDigest[]): void {
      for (const digest of digests) {
        const keys = keysOf.get(digest)?.filter((one) => one !== key) ?? []
        if (keys.length === 0) keysOf.delete(digest)
        else keysOf.set(digest, keys)
      }
    },
    clear: () => { keysOf.clear() }
  })
}
