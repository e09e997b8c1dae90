import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import type { CredentialDigest } from '../core/cache-key.ts'
import type { Entry } from '../core/entry.ts'
import { entryBytes } from './entry-size.ts'
import { createInterner } from './intern.ts'
import type { Cache, CacheRead, CacheWrite } from './types.ts'

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
      // as large as what is in it, which no other way makes sure of
      const keys = NONE.concat(keysOf.get(digest) ?? NONE, key)
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

/**
 * Ends by both clocks: only the wall clock goes on while a machine sleeps, and only the other one is never set back.
 * Whole milliseconds, of the wall clock since the cache was made: V8 keeps small integers in the object itself, and 16
 * bytes elsewhere for any other number. The entry itself with its place in memory: two objects would take 32 bytes
 * more.
 */
type Slot = Entry
  & Readonly<{ local: number, at: number, isBounded: boolean, endsMonotonic: number, endsWall: number }> & {
    renewedAt: number
  }

/**
 * When the entry's resolution began: number of revocations taken here by then, and monotonic milliseconds. A slow older
 * one never takes a newer one's place. `isBounded`: only so many entries of each of its credentials may be remembered.
 */
export type MemoryMark = Readonly<{ local: number, at: number, isBounded?: boolean }>

/** `local`: how many revocations this replica had taken itself when the entry's resolution began. */
export type MemoryRead = CacheRead & { kind: 'hit' } & Readonly<{ local: number }> | Exclude<CacheRead, { kind: 'hit' }>

export interface MemoryCache extends Cache<string> {
  /** Synchronous, since an `async` hop costs 5 % of the hot path. */
  read (key: string): MemoryRead
  /** As `read`, also of what ended no longer ago than CACHE_STALE_IF_ERROR: `remainingMs` may be negative. */
  readEnded (key: string): MemoryRead
  /** Whether it was valid when it was last resolved, however long ago it ended: it says nothing of now. */
  knowsAsValid (key: string): boolean
  write (key: string, entry: Entry, lifeMs: number, mark?: MemoryMark): CacheWrite
  /** Drops what is older than a resolution that is not remembered itself. */
  forget (key: string, at: number): void
  /** @returns whether the caller is the one to renew an entry; a renewal that failed is tried again after a second */
  claimRenewal (key: string): boolean
  /** Drops what has ended, so much at a time that nobody waits for it; called now and then where nothing is written. */
  sweep (): void
  size (): number
  /** Bytes of the budget that are taken. */
  bytes (): number
  clear (): void
}

export type MemoryOptions = Readonly<{
  /**
   * CACHE_MAX_ENTRIES: of those that are valid, of which the least recently used go first; refusals are a tenth as many
   * at most.
   */
  maxEntries: number
  /** CACHE_MAX_MEMORY: for what is valid and what is refused together. */
  maxBytes: number
  clock: Clock
  /** CACHE_STALE_IF_ERROR, milliseconds. */
  staleMs?: number
}>

const MISS = Object.freeze({ kind: 'miss' })
const STORED: CacheWrite = Object.freeze({ kind: 'stored' })
const RENEWAL_PAUSE_MS = 1000
/**
 * Share of both limits for refusals: a stranger can make as many as he likes, and none of them is worth a session's
 * place.
 */
const REFUSED_SHARE = 0.1
/** Bytes that the lists of the least recently used take from the start, for each entry that there may be. */
const RESERVED = 40
/** Bytes; no entry takes fewer, so that no more of them fit. */
const SMALLEST = 500
/** Ended entries that go with each write, and at each sweep. */
const SWEPT_BY_WRITE = 2
const SWEPT = 2000

type Store = LRUCache<string, Slot>

export function createMemoryCache ({ maxEntries, maxBytes, clock, staleMs = 0 }: MemoryOptions): MemoryCache {
  const variants = createVariants()
  const compact = createInterner()
  const epoch = clock.wall()
  const refusedBytes = maxBytes * REFUSED_SHARE
  const valid = openStore(maxEntries, maxBytes - refusedBytes, ({ isBounded, digests }, key) => {
    if (isBounded) variants.remove(key, digests)
  })
  /** First in, first out: it is only peeked into. */
  const refused = openStore(Math.ceil(maxEntries * REFUSED_SHARE), refusedBytes)
  const reserved = RESERVED * (valid.max + refused.max)

  const remainingOf = (slot: Slot): number =>
    Math.min(slot.endsMonotonic - clock.monotonic(), slot.endsWall + epoch - clock.wall())
  const peek = (key: string): Slot | undefined => valid.peek(key) ?? refused.peek(key)
  const remove = (key: string): void => { if (!valid.delete(key)) refused.delete(key) }

  function read (key: string, graceMs: number): MemoryRead {
    const slot = valid.get(key) ?? refused.peek(key)
    if (slot === undefined) return MISS
    const remainingMs = remainingOf(slot)
    if (remainingMs > -graceMs) return { kind: 'hit', entry: slot, remainingMs, local: slot.local }
    if (remainingMs <= -staleMs) remove(key)
    return MISS
  }

  /** The oldest of those that are refused end first; of the valid the least recently used, which nobody has renewed. */
  function sweep (most: number): void {
    for (const [store, graceMs] of [[valid, staleMs], [refused, 0]] as const) {
      const ended: string[] = []
      for (const key of store.rkeys()) {
        const slot = store.peek(key)
        if (ended.length === most || slot === undefined || remainingOf(slot) > -graceMs) break
        ended.push(key)
      }
      for (const key of ended) store.delete(key)
    }
  }

  function put (key: string, slot: Slot): void {
    const isValid = slot.resolution.kind === 'valid'
    const isIndexed = isValid && slot.isBounded
    const [own, other] = isValid ? [valid, refused] : [refused, valid]
    other.delete(key)
    own.set(key, slot, { size: entryBytes(key, slot, isIndexed) })
    if (isIndexed && own.has(key)) for (const surplus of variants.add(key, slot.digests)) valid.delete(surplus)
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
      sweep(SWEPT_BY_WRITE)
      const isOvertaken = at < (peek(key)?.at ?? -Infinity)
      if (lifeMs <= 0 || isOvertaken) return STORED
      const { resolution, stamp, digests, ttlMs, sealedAt } = compact(entry)
      put(key, {
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
        renewedAt: -RENEWAL_PAUSE_MS
      })
      return STORED
    },
    forget (key: string, at: number): void {
      if ((peek(key)?.at ?? Infinity) < at) remove(key)
    },
    claimRenewal (key: string): boolean {
      const slot = valid.peek(key)
      if (slot === undefined || clock.monotonic() - slot.renewedAt < RENEWAL_PAUSE_MS) return false
      slot.renewedAt = Math.floor(clock.monotonic())
      return true
    },
    sweep: () => sweep(SWEPT),
    size: () => valid.size + refused.size,
    bytes: () => reserved + valid.calculatedSize + refused.calculatedSize,
    clear: () => { valid.clear(); refused.clear() }
  })
}

/** What the lists take from the start is part of the budget; there are never more entries than would fit. */
function openStore (
  maxEntries: number,
  maxBytes: number,
  dispose: (slot: Slot, key: string) => void = () => {}
): Store {
  const max = Math.max(1, Math.min(maxEntries, Math.floor(maxBytes / (SMALLEST + RESERVED))))
  return new LRUCache<string, Slot>({ max, dispose, maxSize: Math.max(1, Math.floor(maxBytes - RESERVED * max)) })
}
