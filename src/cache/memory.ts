import type { Clock } from '../clock.ts'
import type { Entry } from '../core/entry.ts'
import { entryBytes } from './entry-size.ts'
import { createInterner } from './intern.ts'
import { openStore, RESERVED_ENTRY_BYTES } from './lru.ts'
import { createSessions, sweepStore, type Hot } from './sessions.ts'
import { slotOf, type Mark } from './slot.ts'
import type { Cache, CacheRead, CacheWrite } from './types.ts'

/**
 * When the entry's resolution began: the revocations this replica had taken by then, and monotonic milliseconds. A
 * slow older resolution never replaces a newer one. `isBounded`: only so many entries may share its credentials.
 */
export type MemoryMark = Readonly<{ local: number, at: number, isBounded?: boolean }>

/** `local`: how many revocations this replica had taken itself when the entry's resolution began. */
export type MemoryRead = CacheRead & { kind: 'hit' } & Readonly<{ local: number }> | Exclude<CacheRead, { kind: 'hit' }>

export interface MemoryCache extends Cache<string> {
  /** Synchronous, since an `async` hop costs 5 % of the hot path. */
  read (key: string): MemoryRead
  /** As `read`, and entries that ended within CACHE_STALE_IF_ERROR: `remainingMs` may be negative. */
  readEnded (key: string): MemoryRead
  /** Whether the last resolution was valid, even if the entry has ended: it does not say so of now. */
  knowsAsValid (key: string): boolean
  write (key: string, entry: Entry, lifeMs: number, mark?: MemoryMark): CacheWrite
  /** Drops an entry that is older than a resolution which is not remembered itself. */
  forget (key: string, at: number): void
  /** @returns whether the caller is the one to renew an entry; a renewal that failed is tried again after a second */
  claimRenewal (key: string): boolean
  /** Drops a batch of ended entries; a timer calls it, since without writes nothing else would. */
  sweep (): void
  size (): number
  /** Bytes of the budget in use. */
  bytes (): number
  clear (): void
}

export type MemoryOptions = Readonly<{
  /** CACHE_MAX_ENTRIES: valid entries, evicted least recently used first; refusals: at most a tenth as many. */
  maxEntries: number
  /** CACHE_MAX_MEMORY: for valid entries and refusals together. */
  maxBytes: number
  clock: Clock
  /** CACHE_STALE_IF_ERROR, milliseconds. */
  staleMs?: number
  /** Other ones in tests only. */
  hot?: Hot
}>

const MISS = Object.freeze({ kind: 'miss' })
const STORED: CacheWrite = Object.freeze({ kind: 'stored' })
const RENEWAL_PAUSE_MS = 1000
/** Share of both limits for refusals: a stranger can make any number, and none may evict a session. */
const REFUSED_SHARE = 0.1
/** Ended entries that a write, and a sweep, removes at most. */
const SWEEP_ENTRIES_BY_WRITE = 2
const SWEEP_ENTRIES = 2000

/** More than are in use at a time on one replica: what is beyond them is unpacked when it is asked for. */
const HOT: Hot = { entries: 8192, bytes: 10 * 2 ** 20 }

export function createMemoryCache (options: MemoryOptions): MemoryCache {
  const { maxEntries, maxBytes, clock, staleMs = 0, hot = HOT } = options
  const intern = createInterner()
  const epoch = clock.wall()
  const remainingOf = (mark: Mark): number =>
    Math.min(mark.endsMonotonic - clock.monotonic(), mark.endsWall + epoch - clock.wall())
  const hasEnded = (graceMs: number) => (mark: Mark): boolean => remainingOf(mark) <= -graceMs
  const [sessionEnded, refusalEnded] = [hasEnded(staleMs), hasEnded(0)]
  const refusedBytes = maxBytes * REFUSED_SHARE
  const valid = createSessions({
    maxEntries,
    maxBytes: maxBytes - refusedBytes,
    hot,
    intern,
    isUseful: (mark) => !sessionEnded(mark)
  })
  /** First in, first out: reads only peek. */
  const refused = openStore(Math.ceil(maxEntries * REFUSED_SHARE), refusedBytes)
  const remove = (key: string): void => { if (!valid.delete(key)) refused.delete(key) }
  const markOf = (key: string): Mark | undefined => valid.mark(key) ?? refused.peek(key)

  function read (key: string, graceMs: number): MemoryRead {
    const slot = valid.get(key) ?? refused.peek(key)
    if (slot === undefined) return MISS
    const remainingMs = remainingOf(slot)
    if (remainingMs > -graceMs) return { kind: 'hit', entry: slot, remainingMs, local: slot.local }
    if (remainingMs <= -staleMs) remove(key)
    return MISS
  }

  /** Refusals end oldest first; of the sessions the least recently used end first, since nobody renewed them. */
  function sweep (most: number): void {
    valid.sweep(most, sessionEnded)
    sweepStore(refused, most, refusalEnded)
  }

  return Object.freeze({
    read: (key: string) => read(key, 0),
    readEnded: (key: string) => read(key, staleMs),
    knowsAsValid: (key: string) => valid.has(key),
    write (
      key: string,
      entry: Entry,
      lifeMs: number,
      { local, at, isBounded = false }: MemoryMark = { local: 0, at: clock.monotonic() }
    ): CacheWrite {
      sweep(SWEEP_ENTRIES_BY_WRITE)
      const isOvertaken = at < (markOf(key)?.at ?? -Infinity)
      if (lifeMs <= 0 || isOvertaken) return STORED
      const slot = slotOf(intern(entry), {
        local,
        at,
        isBounded: isBounded && entry.resolution.kind === 'valid',
        endsMonotonic: Math.floor(clock.monotonic() + lifeMs),
        endsWall: Math.floor(clock.wall() - epoch + lifeMs),
        renewedAt: -RENEWAL_PAUSE_MS
      })
      if (slot.resolution.kind === 'valid') {
        refused.delete(key)
        valid.put(key, slot)
      } else {
        valid.delete(key)
        refused.set(key, slot, { size: entryBytes(key, slot, false) })
      }
      return STORED
    },
    forget (key: string, at: number): void {
      if ((markOf(key)?.at ?? Infinity) < at) remove(key)
    },
    claimRenewal (key: string): boolean {
      const slot = valid.get(key)
      if (slot === undefined || clock.monotonic() - slot.renewedAt < RENEWAL_PAUSE_MS) return false
      slot.renewedAt = Math.floor(clock.monotonic())
      return true
    },
    sweep: () => sweep(SWEEP_ENTRIES),
    size: () => valid.size() + refused.size,
    bytes: () => RESERVED_ENTRY_BYTES * refused.max + valid.bytes() + refused.calculatedSize,
    clear: () => { valid.clear(); refused.clear() }
  })
}
