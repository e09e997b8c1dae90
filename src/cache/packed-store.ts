import { bytesInBlocks, createBlocks, NONE } from './blocks.ts'

/** Values by name outside V8's heap; the one that was written first is the first to be evicted. */
export type PackedStore = Readonly<{
  /**
   * Replaces what that name has.
   * @param indexBytes what is kept elsewhere as long as this is here: part of the limit
   * @returns false where it does not fit at all
   */
  set: (name: string, value: Uint8Array, indexBytes?: number) => boolean
  /** @returns a view that the next call overwrites */
  get: (name: string) => Buffer | undefined
  has: (name: string) => boolean
  delete: (name: string) => boolean
  /** The name that was written first. */
  oldest: () => string | undefined
  size: () => number
  /** Bytes of the limit in use. */
  bytes: () => number
}>

/** `evicted` is told what had to go for something new, while it is still there to be read. */
type Options = Readonly<{ maxEntries: number, maxBytes: number, evicted: (name: string) => void }>

/** Of the lists below, for each entry that may be there: six numbers, and up to two places for its hash. */
export const PACKED_RESERVED_BYTES = 32
/** In front of a record: the length of its name, which is one byte a character. */
const NAME_LENGTH_BYTES = 2

export function createPackedStore ({ maxEntries, maxBytes, evicted }: Options): PackedStore {
  const blocks = createBlocks(maxBytes)
  // not filled: what nobody writes takes no memory
  const list = (): Int32Array => new Int32Array(maxEntries)
  const [places, lengths, indexed, sameHash, older, newer] = [list(), list(), list(), list(), list(), list()]
  const byHash = new Int32Array(2 ** Math.ceil(Math.log2(maxEntries + 1))).fill(NONE)
  let [oldest, newest, firstFree, everUsed, size, allIndexBytes] = [NONE, NONE, NONE, 0, 0, 0]

  const at = (numbers: Int32Array, entry: number): number => numbers[entry] ?? NONE
  const recordOf = (entry: number): Buffer => blocks.read(at(places, entry), at(lengths, entry))
  const bucketOf = (name: string): number => hashOf(name) & (byHash.length - 1)

  /** @returns the entry of that name, whose record is then in the view */
  function find (name: string): number {
    for (let entry = at(byHash, bucketOf(name)); entry !== NONE; entry = at(sameHash, entry)) {
      if (nameIn(recordOf(entry)) === name) return entry
    }
    return NONE
  }

  function unlink (entry: number, bucket: number): void {
    if (byHash[bucket] === entry) byHash[bucket] = at(sameHash, entry)
    else {
      let before = at(byHash, bucket)
      while (at(sameHash, before) !== entry) before = at(sameHash, before)
      sameHash[before] = at(sameHash, entry)
    }
    const [before, after] = [at(older, entry), at(newer, entry)]
    if (before === NONE) oldest = after
    else newer[before] = after
    if (after === NONE) newest = before
    else older[after] = before
  }

  function remove (entry: number, name: string): void {
    unlink(entry, bucketOf(name))
    blocks.free(at(places, entry))
    allIndexBytes -= at(indexed, entry)
    sameHash[entry] = firstFree
    firstFree = entry
    size--
  }

  function drop (name: string): boolean {
    const entry = find(name)
    if (entry !== NONE) remove(entry, name)
    return entry !== NONE
  }

  function evict (): void {
    const name = nameIn(recordOf(oldest))
    evicted(name)
    drop(name)
  }

  function add (name: string, record: Buffer, indexBytes: number): void {
    const [entry, bucket] = [firstFree === NONE ? everUsed++ : firstFree, bucketOf(name)]
    if (entry === firstFree) firstFree = at(sameHash, entry)
    places[entry] = blocks.write(record)
    lengths[entry] = record.length
    indexed[entry] = indexBytes
    sameHash[entry] = at(byHash, bucket)
    byHash[bucket] = entry
    older[entry] = newest
    newer[entry] = NONE
    if (newest === NONE) oldest = entry
    else newer[newest] = entry
    newest = entry
    allIndexBytes += indexBytes
    size++
  }

  const bytes = (): number => blocks.bytes() + allIndexBytes
  const isFullFor = (more: number): boolean => size === maxEntries || bytes() + more > maxBytes
  return Object.freeze({
    set (name: string, value: Uint8Array, indexBytes = 0): boolean {
      drop(name)
      const record = recordFrom(name, value)
      const needed = bytesInBlocks(record.length) + indexBytes
      if (maxEntries < 1 || needed > maxBytes) return false
      while (isFullFor(needed)) evict()
      add(name, record, indexBytes)
      return true
    },
    get (name: string): Buffer | undefined {
      const entry = find(name)
      return entry === NONE ? undefined : recordOf(entry).subarray(NAME_LENGTH_BYTES + name.length)
    },
    has: (name: string) => find(name) !== NONE,
    delete: drop,
    oldest: () => oldest === NONE ? undefined : nameIn(recordOf(oldest)),
    size: () => size,
    bytes
  })
}

function recordFrom (name: string, value: Uint8Array): Buffer {
  const record = Buffer.alloc(NAME_LENGTH_BYTES + name.length + value.length)
  record.writeUInt16LE(name.length)
  record.write(name, NAME_LENGTH_BYTES, 'latin1')
  record.set(value, NAME_LENGTH_BYTES + name.length)
  return record
}

function nameIn (record: Buffer): string {
  return record.toString('latin1', NAME_LENGTH_BYTES, NAME_LENGTH_BYTES + record.readUInt16LE())
}

/** FNV-1a. Names are digests under a secret of this process: nobody outside can choose which of them meet. */
function hashOf (name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
