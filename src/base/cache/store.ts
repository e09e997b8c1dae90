import { LRUCache } from 'lru-cache'
import type { CredentialDigest } from '../core/cache-key.ts'
import type { Slot } from './remembered.ts'

export type Store = LRUCache<string, Slot>

/** The least-recently-used lists take these from the start, for each entry that may exist. */
export const RESERVED_ENTRY_BYTES = 40
/** No entry takes fewer: bounds how many fit. */
const MIN_ENTRY_BYTES = 500

/** The lists' own bytes are part of the budget; `max` never exceeds the entries that fit. */
export function openStore (
  maxEntries: number,
  maxBytes: number,
  dispose: (slot: Slot, key: string) => void = () => {}
): Store {
  const max = Math.max(1, Math.min(maxEntries, Math.floor(maxBytes / (MIN_ENTRY_BYTES + RESERVED_ENTRY_BYTES))))
  const maxSize = Math.max(1, Math.floor(maxBytes - RESERVED_ENTRY_BYTES * max))
  return new LRUCache<string, Slot>({ max, dispose, maxSize })
}

/** Removes so many that have ended at most, the least recently used first, up to the first that has not. */
export function sweepStore (store: Store, most: number, hasEnded: (slot: Slot) => boolean): void {
  const ended: string[] = []
  for (const key of store.rkeys()) {
    const slot = store.peek(key)
    if (ended.length === most || slot === undefined || !hasEnded(slot)) break
    ended.push(key)
  }
  for (const key of ended) store.delete(key)
}

/** Entries that may share one credential: each junk cookie beside it makes a new key. */
const MAX_VARIANTS = 16
const NO_KEYS: readonly string[] = []

export type Variants = Readonly<{
  /** @returns keys to evict */
  add: (key: string, digests: readonly CredentialDigest[]) => readonly string[]
  remove: (key: string, digests: readonly CredentialDigest[]) => void
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
    }
  })
}
