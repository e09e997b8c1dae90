import { LRUCache } from 'lru-cache'
import type { Slot } from './slot.ts'

export type Store = LRUCache<string, Slot>

/** The least-recently-used lists take these from the start, for each entry that may exist. */
export const RESERVED_ENTRY_BYTES = 40
/** No entry takes fewer: bounds how many fit. */
const MIN_ENTRY_BYTES = 500

/** The lists' own bytes are part of the budget; `max` never exceeds the entries that fit. */
export function openStore (
  maxEntries: number,
  maxBytes: number,
  dispose: (slot: Slot, key: string, reason: LRUCache.DisposeReason) => void = () => {}
): Store {
  const max = Math.max(1, Math.min(maxEntries, Math.floor(maxBytes / (MIN_ENTRY_BYTES + RESERVED_ENTRY_BYTES))))
  const maxSize = Math.max(1, Math.floor(maxBytes - RESERVED_ENTRY_BYTES * max))
  return new LRUCache<string, Slot>({ max, dispose, maxSize })
}
