import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import type { Entry } from '../core/entry.ts'
import type { Cache, CacheRead, CacheWrite } from './cache.ts'

/** Both ends must lie ahead: the monotonic clock stands still while a machine sleeps, the wall clock may be set back. */
type Slot = Readonly<{ entry: Entry, endsMonotonic: number, endsWall: number, local: number, at: number }>

/** When a resolution began, by the monotonic clock: an older one that ends later never takes a newer one's place. */
export type MemoryMark = Readonly<{ local: number, at: number }>

/** `local`: how many revocations this replica had taken itself when the entry's resolution began. */
export type MemoryRead = CacheRead & { kind: 'hit' } & Readonly<{ local: number }> | Exclude<CacheRead, { kind: 'hit' }>

export interface MemoryCache extends Cache<string> {
  /** Synchronous, since an `async` hop costs 5 % of the hot path. */
  read (key: string): MemoryRead
  write (key: string, entry: Entry, lifeMs: number, mark?: MemoryMark): CacheWrite
  size (): number
  clear (): void
}

const MISS = Object.freeze({ kind: 'miss' })
const STORED: CacheWrite = Object.freeze({ kind: 'stored' })

/** @param maxEntries CACHE_MAX_ENTRIES; the least recently used go first */
export function createMemoryCache (maxEntries: number, clock: Clock): MemoryCache {
  const slots = new LRUCache<string, Slot>({ max: maxEntries })
  return Object.freeze({
    read (key: string): MemoryRead {
      const slot = slots.get(key)
      if (slot === undefined) return MISS
      const remainingMs = Math.min(slot.endsMonotonic - clock.monotonic(), slot.endsWall - clock.wall())
      if (remainingMs > 0) return { kind: 'hit', entry: slot.entry, remainingMs, local: slot.local }
      slots.delete(key)
      return MISS
    },
    write (key: string, entry: Entry, lifeMs: number, { local, at }: MemoryMark = { local: 0, at: clock.monotonic() }): CacheWrite {
      const isOvertaken = at < (slots.peek(key)?.at ?? -Infinity)
      if (lifeMs > 0 && !isOvertaken) slots.set(key, { entry, local, at, endsMonotonic: clock.monotonic() + lifeMs, endsWall: clock.wall() + lifeMs })
      return STORED
    },
    size: () => slots.size,
    clear: () => slots.clear()
  })
}
