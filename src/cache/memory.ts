import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import type { CredentialDigest } from '../core/cache-key.ts'
import type { Entry } from '../core/entry.ts'
import type { Cache, CacheRead, CacheWrite } from './cache.ts'
import { createCompactor } from './compact.ts'

/**
 * Ends by both clocks: only the wall clock goes on while a machine sleeps, and only the other one is never set back. Whole milliseconds,
 * of the wall clock since the cache was made: V8 keeps small integers in the object itself, and 16 bytes elsewhere for any other number.
 * The entry itself with its place in memory: two objects would take 32 bytes more.
 */
type Slot = Entry & Readonly<{ local: number, at: number, isBounded: boolean, endsMonotonic: number, endsWall: number }> & { renewedAt: number }

/**
 * When the entry's resolution began: number of revocations taken here by then, and monotonic milliseconds. A slow older one never
 * takes a newer one's place. `isBounded`: only so many entries of each of its credentials may be remembered.
 */
export type MemoryMark = Readonly<{ local: number, at: number, isBounded?: boolean }>

/** `local`: how many revocations this replica had taken itself when the entry's resolution began. */
export type MemoryRead = CacheRead & { kind: 'hit' } & Readonly<{ local: number }> | Exclude<CacheRead, { kind: 'hit' }>

export interface MemoryCache extends Cache<string> {
  /** Synchronous, since an `async` hop costs 5 % of the hot path. */
  read (key: string): MemoryRead
  /** As `read`, also of what ended no longer ago than CACHE_STALE_IF_ERROR: `remainingMs` may be negative. */
  readEnded (key: string): MemoryRead
  write (key: string, entry: Entry, lifeMs: number, mark?: MemoryMark): CacheWrite
  /** Drops what is older than a resolution that is not remembered itself. */
  forget (key: string, at: number): void
  /** @returns whether the caller is the one to renew an entry; a renewal that failed is tried again after a second */
  claimRenewal (key: string): boolean
  size (): number
  clear (): void
}

export type MemoryOptions = Readonly<{
  /** CACHE_MAX_ENTRIES; the least recently used go first. */
  maxEntries: number
  clock: Clock
  /** CACHE_STALE_IF_ERROR, milliseconds. */
  staleMs?: number
}>

const MISS = Object.freeze({ kind: 'miss' })
const STORED: CacheWrite = Object.freeze({ kind: 'stored' })
/** Entries of one credential: each junk cookie beside it makes another. */
const MAX_BOUNDED = 16
/** Milliseconds. */
const RENEWAL_PAUSE = 1000

export function createMemoryCache ({ maxEntries, clock, staleMs = 0 }: MemoryOptions): MemoryCache {
  const variants = createVariants()
  const compact = createCompactor()
  const epoch = clock.wall()
  const slots = new LRUCache<string, Slot>({ max: maxEntries, dispose: ({ isBounded, digests }, key) => { if (isBounded) variants.remove(key, digests) } })

  function read (key: string, graceMs: number): MemoryRead {
    const slot = slots.get(key)
    if (slot === undefined) return MISS
    const remainingMs = Math.min(slot.endsMonotonic - clock.monotonic(), slot.endsWall + epoch - clock.wall())
    if (remainingMs > -graceMs) return { kind: 'hit', entry: slot, remainingMs, local: slot.local }
    if (remainingMs <= -staleMs) slots.delete(key)
    return MISS
  }

  return Object.freeze({
    read: (key: string) => read(key, 0),
    readEnded: (key: string) => read(key, staleMs),
    write (key: string, entry: Entry, lifeMs: number, { local, at, isBounded = false }: MemoryMark = { local: 0, at: clock.monotonic() }): CacheWrite {
      const isOvertaken = at < (slots.peek(key)?.at ?? -Infinity)
      if (lifeMs <= 0 || isOvertaken) return STORED
      const { resolution, stamp, digests, ttlMs, sealedAt } = compact(entry)
      const slot = {
        resolution, // each by its name: after a spread V8 would keep what follows in an array beside the object
        stamp,
        digests,
        ttlMs,
        sealedAt,
        local,
        at,
        isBounded,
        endsMonotonic: Math.floor(clock.monotonic() + lifeMs),
        endsWall: Math.floor(clock.wall() - epoch + lifeMs),
        renewedAt: -RENEWAL_PAUSE
      }
      slots.set(key, slot)
      if (isBounded) for (const surplus of variants.add(key, digests)) slots.delete(surplus)
      return STORED
    },
    forget (key: string, at: number): void {
      if ((slots.peek(key)?.at ?? Infinity) < at) slots.delete(key)
    },
    claimRenewal (key: string): boolean {
      const slot = slots.peek(key)
      if (slot === undefined || clock.monotonic() - slot.renewedAt < RENEWAL_PAUSE) return false
      slot.renewedAt = Math.floor(clock.monotonic())
      return true
    },
    size: () => slots.size,
    clear: () => slots.clear()
  })
}

/** Keys of entries by what they share, oldest first. */
function createVariants () {
  const keysOf = new Map<CredentialDigest, Set<string>>()
  return {
    /** @returns keys that have to go */
    add (key: string, digests: readonly CredentialDigest[]): readonly string[] {
      return digests.flatMap((digest) => {
        const keys = (keysOf.get(digest) ?? new Set<string>()).add(key)
        keysOf.set(digest, keys)
        return keys.size > MAX_BOUNDED ? [...keys].slice(0, 1) : []
      })
    },
    remove (key: string, digests: readonly CredentialDigest[]): void {
      for (const digest of digests) {
        const keys = keysOf.get(digest)
        keys?.delete(key)
        if (keys?.size === 0) keysOf.delete(digest)
      }
    }
  }
}
