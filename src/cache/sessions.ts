import { CHUNK_BYTES } from './blocks.ts'
import { entryBytes, indexBytes } from './entry-size.ts'
import type { Entry } from '../core/entry.ts'
import { openStore, RESERVED_ENTRY_BYTES, type Store } from './lru.ts'
import { createPackedStore, PACKED_RESERVED_BYTES, type PackedStore } from './packed-store.ts'
import { packSlot, readMark, slotOf, unpackEntry, type Mark, type Slot } from './slot.ts'
import { createVariants } from './variants.ts'

/** Valid entries: objects while in use, else bytes outside V8's heap (docs/decisions/156-sessions-as-bytes.md). */
export type Sessions = Readonly<{
  /** The most recently used one from now on. */
  get: (key: string) => Slot | undefined
  mark: (key: string) => Mark | undefined
  has: (key: string) => boolean
  put: (key: string, slot: Slot) => void
  delete: (key: string) => boolean
  /** Removes so many that have ended at most, the least recently used first, up to the first that has not. */
  sweep: (most: number, hasEnded: (mark: Mark) => boolean) => void
  clear: () => void
  size: () => number
  /** Bytes of the limit in use, with what is reserved. */
  bytes: () => number
}>

/** How many are objects at most, and their bytes. */
export type Hot = Readonly<{ entries: number, bytes: number }>

type Options = Readonly<{
  maxEntries: number
  maxBytes: number
  hot: Hot
  /** A copy whose common values are shared. */
  intern: (entry: Entry) => Entry
  /** Whether one that is no longer in use is worth keeping. */
  isUseful: (mark: Mark) => boolean
}>

/** No packed entry takes fewer: bounds how many fit. */
const MIN_PACKED_BYTES = 256

export function createSessions ({ maxEntries, maxBytes, hot, intern, isUseful }: Options): Sessions {
  const variants = createVariants()
  const isSplit = maxEntries > hot.entries && maxBytes >= 2 * hot.bytes
  const objects: Store = openStore(
    isSplit ? hot.entries : maxEntries,
    isSplit ? hot.bytes : maxBytes,
    (slot, key, reason) => {
      const isKept = reason === 'evict' && isUseful(slot) && pack(key, slot)
      if (!isKept && slot.isBounded) variants.remove(key, slot.digests)
    }
  )
  const open = (): Packed | undefined =>
    isSplit ? openPacked(maxEntries - 1, maxBytes - hot.bytes, forgetVariants) : undefined
  let packed = open()
  const reservedBytes = RESERVED_ENTRY_BYTES * objects.max + (packed?.reservedBytes ?? 0)

  function pack (key: string, slot: Slot): boolean {
    return packed?.store.set(key, packSlot(slot), slot.isBounded ? indexBytes(key, slot.digests) : 0) ?? false
  }

  function forgetVariants (key: string): void {
    const bytes = packed?.store.get(key)
    if (bytes !== undefined && readMark(bytes).isBounded) variants.remove(key, unpackEntry(bytes)?.digests ?? [])
  }

  function dropPacked (key: string): boolean {
    forgetVariants(key)
    return packed?.store.delete(key) ?? false
  }

  /** It stays among the variants meanwhile: nothing of it has changed. */
  function unpack (key: string): Slot | undefined {
    const bytes = packed?.store.get(key)
    if (bytes === undefined) return undefined
    const [mark, entry] = [readMark(bytes), unpackEntry(bytes)]
    packed?.store.delete(key)
    if (entry === undefined) return undefined // Authgear is asked: no answer at all would be worse
    const slot = slotOf(intern(entry), mark)
    objects.set(key, slot, { size: entryBytes(key, slot, slot.isBounded) })
    return slot
  }

  /** Large objects are few: the packed ones may then be more than `hot.entries` leaves. */
  function trim (): void {
    for (let surplus = size() - maxEntries; surplus > 0; surplus--) {
      const key = packed?.store.oldest()
      if (key !== undefined) dropPacked(key)
    }
  }

  const size = (): number => objects.size + (packed?.store.size() ?? 0)
  const remove = (key: string): boolean => objects.delete(key) || dropPacked(key)

  function sweepPacked (most: number, hasEnded: (mark: Mark) => boolean): void {
    for (let left = most; left > 0; left--) {
      const key = packed?.store.oldest()
      const mark = key === undefined ? undefined : markOfPacked(key)
      if (key === undefined || mark === undefined || !hasEnded(mark)) return
      dropPacked(key)
    }
  }

  function markOfPacked (key: string): Mark | undefined {
    const bytes = packed?.store.get(key)
    return bytes === undefined ? undefined : readMark(bytes)
  }

  return Object.freeze({
    get: (key: string) => objects.get(key) ?? unpack(key),
    mark: (key: string) => objects.peek(key) ?? markOfPacked(key),
    has: (key: string) => objects.has(key) || packed?.store.has(key) === true,
    put (key: string, slot: Slot): void {
      dropPacked(key)
      objects.set(key, slot, { size: entryBytes(key, slot, slot.isBounded) })
      trim()
      if (slot.isBounded && objects.has(key)) for (const surplus of variants.add(key, slot.digests)) remove(surplus)
    },
    delete: remove,
    sweep (most: number, hasEnded: (mark: Mark) => boolean): void {
      sweepPacked(most - sweepStore(objects, most, hasEnded), hasEnded)
    },
    clear (): void {
      objects.clear()
      packed = open()
      variants.clear()
    },
    size,
    bytes: () => reservedBytes + objects.calculatedSize + (packed?.store.bytes() ?? 0)
  })
}

type Packed = Readonly<{ store: PackedStore, reservedBytes: number }>

function openPacked (most: number, maxBytes: number, evicted: (key: string) => void): Packed {
  const maxEntries = Math.max(1, Math.min(most, Math.floor(maxBytes / (MIN_PACKED_BYTES + PACKED_RESERVED_BYTES))))
  const reservedBytes = PACKED_RESERVED_BYTES * maxEntries + CHUNK_BYTES
  return { store: createPackedStore({ maxEntries, maxBytes: maxBytes - reservedBytes, evicted }), reservedBytes }
}

/** @returns how many were removed */
export function sweepStore (store: Store, most: number, hasEnded: (mark: Mark) => boolean): number {
  const ended: string[] = []
  for (const key of store.rkeys()) {
    const slot = store.peek(key)
    if (ended.length === most || slot === undefined || !hasEnded(slot)) break
    ended.push(key)
  }
  for (const key of ended) store.delete(key)
  return ended.length
}
