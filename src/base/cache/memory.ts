import type { Clock } from '../clock.ts'
import type { Entry } from '../core/entry.ts'
import { entryBytes } from './entry-size.ts'
import { createInterner, flat, type Interner } from './intern.ts'
import { type Bookkeeping, RememberedRefusal, RememberedSession, RENEWAL_PAUSE_MS, type Slot } from './remembered.ts'
import { createVariants, openStore, RESERVED_ENTRY_BYTES, sweepStore } from './store.ts'
import type { Cache, CacheRead, CacheWrite } from './types.ts'

/**
 * When the entry's resolution began: the revocations this replica had taken by then, and monotonic milliseconds. A
 * slow older resolution never replaces a newer one. `isBounded`: only so many entries may share its credentials.
 */
type MemoryMark = Readonly<{ local: number, at: number, isBounded?: boolean }>

export type MemoryRead = CacheRead<Slot>

export interface MemoryCache extends Cache<string> {
  /** Synchronous, since an `async` hop costs 5 % of the hot path. */
  read (key: string): MemoryRead
  /** As `read`, and entries, refusals too, that ended within CACHE_STALE_IF_ERROR: `remainingMs` may be negative. */
  readEnded (key: string): MemoryRead
  /** True if the last resolution was valid, even if the entry has ended: it does not say so of now. */
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
}>

const MISS = Object.freeze({ kind: 'miss' })
const STORED: CacheWrite = Object.freeze({ kind: 'stored' })
/** Share of both limits for refusals: a stranger can make any number, and none may evict a session. */
const REFUSED_SHARE = 0.1
/** Ended entries that a write, and a sweep, removes at most. */
const SWEEP_ENTRIES_BY_WRITE = 2
const SWEEP_ENTRIES = 2000

export function createMemoryCache ({ maxEntries, maxBytes, clock, staleMs = 0 }: MemoryOptions): MemoryCache {
  const variants = createVariants()
  const remember = createRemembering(createInterner())
  const epoch = clock.wall()
  const refusedBytes = maxBytes * REFUSED_SHARE
  const valid = openStore(maxEntries, maxBytes - refusedBytes, ({ isBounded, digests }, key) => {
    if (isBounded) variants.remove(key, digests)
  })
  /** First in, first out: reads only peek. */
  const refused = openStore(Math.ceil(maxEntries * REFUSED_SHARE), refusedBytes)
  const reservedBytes = RESERVED_ENTRY_BYTES * (valid.max + refused.max)

  const remainingOf = (slot: Slot): number =>
    Math.min(slot.endsMonotonic - clock.monotonic(), slot.endsWall + epoch - clock.wall())
  const peek = (key: string): Slot | undefined => valid.peek(key) ?? refused.peek(key)
  const remove = (key: string): void => { if (!valid.delete(key)) refused.delete(key) }

  function read (key: string, graceMs = 0): MemoryRead {
    const slot = valid.get(key) ?? refused.peek(key)
    if (slot === undefined) return MISS
    const remainingMs = remainingOf(slot)
    if (remainingMs > -graceMs) return { kind: 'hit', entry: slot, remainingMs }
    if (remainingMs <= -staleMs) remove(key)
    return MISS
  }

  /** Refusals end oldest first; of the sessions the least recently used end first, since nobody renewed them. */
  function sweep (most: number): void {
    sweepStore(valid, most, (slot) => remainingOf(slot) <= -staleMs)
    sweepStore(refused, most, (slot) => remainingOf(slot) <= -staleMs)
  }

  function put (name: string, slot: Slot): void {
    const key = flat(name)
    const [own, other] = slot.resolution.kind === 'valid' ? [valid, refused] : [refused, valid]
    other.delete(key)
    own.set(key, slot, { size: entryBytes(key, slot, slot.isBounded) })
    if (slot.isBounded && own.has(key)) for (const surplus of variants.add(key, slot.digests)) valid.delete(surplus)
  }

  return Object.freeze({
    read,
    readEnded: (key: string) => read(key, staleMs),
    knowsAsValid: (key: string) => valid.has(key),
    write (
      key: string,
      entry: Entry,
      lifeMs: number,
      { local, at, isBounded = false }: MemoryMark = { local: 0, at: clock.monotonic() }
    ): CacheWrite {
      sweep(SWEEP_ENTRIES_BY_WRITE)
      const isOvertaken = at < (peek(key)?.beganAt ?? -Infinity)
      if (lifeMs <= 0 || isOvertaken) return STORED
      put(key, remember(entry, {
        local,
        beganAt: at,
        isBounded: isBounded && entry.resolution.kind === 'valid',
        endsMonotonic: Math.floor(clock.monotonic() + lifeMs),
        endsWall: Math.floor(clock.wall() - epoch + lifeMs)
      }))
      return STORED
    },
    forget (key: string, at: number): void {
      if ((peek(key)?.beganAt ?? Infinity) < at) remove(key)
    },
    claimRenewal (key: string): boolean {
      const slot = valid.peek(key)
      if (slot === undefined || clock.monotonic() - slot.renewedAt < RENEWAL_PAUSE_MS) return false
      slot.renewedAt = Math.floor(clock.monotonic())
      return true
    },
    sweep: () => sweep(SWEEP_ENTRIES),
    size: () => valid.size + refused.size,
    bytes: () => reservedBytes + valid.calculatedSize + refused.calculatedSize,
    clear: () => { valid.clear(); refused.clear() }
  })
}

function createRemembering ({ sharedOf, ownOf, stampOf, digestsOf }: Interner) {
  return ({ resolution, stamp, digests, ttlMs, sealedAt }: Entry, bookkeeping: Bookkeeping): Slot => {
    const entry = { stamp: stampOf(stamp), digests: digestsOf(digests), ttlMs, sealedAt }
    return resolution.kind === 'invalid'
      ? new RememberedRefusal(entry, resolution, bookkeeping)
      : new RememberedSession(entry, ownOf(resolution), sharedOf(resolution.identity), bookkeeping)
  }
}
