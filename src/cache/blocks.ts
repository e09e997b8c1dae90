/** Where bytes are, or NONE. */
export type Place = number

export type Blocks = Readonly<{
  /** @returns where they are, or NONE where there is no room for them */
  write: (bytes: Buffer) => Place
  /** @returns a view that the next read overwrites; `length` bytes were written there */
  read: (place: Place, length: number) => Buffer
  free: (place: Place) => void
  /** Bytes in use, whole blocks. */
  bytes: () => number
}>

export const NONE: Place = -1
/** A remembered session takes three; half of a block is wasted on average. */
const BLOCK_BYTES = 128
/** In front of each block: the next one of the same bytes, or of those that are free. */
const LINK_BYTES = 4
const PAYLOAD_BYTES = BLOCK_BYTES - LINK_BYTES
/** Memory is taken 64 KiB at a time, so that little is taken for little, and is never given back. */
const CHUNK_BLOCKS = 512
/** Bytes that are taken at a time; of the last ones none may be in use yet. */
export const CHUNK_BYTES = CHUNK_BLOCKS * BLOCK_BYTES

const blocksOf = (length: number): number => Math.max(1, Math.ceil(length / PAYLOAD_BYTES))
/** What so many bytes take, the links and the unused end of the last block with them. */
export const bytesInBlocks = (length: number): number => blocksOf(length) * BLOCK_BYTES

/**
 * Memory outside V8's heap: nothing in it is garbage to be collected, and V8 keeps no room beside it. Blocks of one
 * size, chained, so that any free ones do: it never has to be tidied.
 */
export function createBlocks (maxBytes: number): Blocks {
  const max = Math.floor(maxBytes / BLOCK_BYTES)
  const chunks: Buffer[] = []
  let firstFree = NONE
  let everUsed = 0
  let inUse = 0
  let view = Buffer.alloc(1024)

  const chunkOf = (block: number): Buffer => {
    const chunk = chunks[Math.floor(block / CHUNK_BLOCKS)]
    if (chunk === undefined) throw new Error(`there is no block ${block}`)
    return chunk
  }
  const offsetOf = (block: number): number => block % CHUNK_BLOCKS * BLOCK_BYTES
  const nextOf = (block: number): number => chunkOf(block).readInt32LE(offsetOf(block))
  const link = (block: number, next: number): void => { chunkOf(block).writeInt32LE(next, offsetOf(block)) }

  function take (): number {
    if (firstFree !== NONE) {
      const block = firstFree
      firstFree = nextOf(block)
      return block
    }
    if (everUsed % CHUNK_BLOCKS === 0) chunks.push(Buffer.alloc(Math.min(CHUNK_BLOCKS, max - everUsed) * BLOCK_BYTES))
    return everUsed++
  }

  return Object.freeze({
    write (bytes: Buffer): Place {
      const needed = blocksOf(bytes.length)
      if (needed > max - inUse) return NONE
      inUse += needed
      let next = NONE
      // the last one first, so that each knows the one after it
      for (let part = needed - 1; part >= 0; part--) {
        const block = take()
        const from = part * PAYLOAD_BYTES
        bytes.copy(chunkOf(block), offsetOf(block) + LINK_BYTES, from, from + PAYLOAD_BYTES)
        link(block, next)
        next = block
      }
      return next
    },
    read (place: Place, length: number): Buffer {
      if (view.length < length) view = Buffer.alloc(2 * length)
      let block = place
      for (let at = 0; at < length; at += PAYLOAD_BYTES) {
        const from = offsetOf(block) + LINK_BYTES
        chunkOf(block).copy(view, at, from, from + Math.min(PAYLOAD_BYTES, length - at))
        block = nextOf(block)
      }
      return view.subarray(0, length)
    },
    free (place: Place): void {
      for (let block = place; block !== NONE;) {
        const next = nextOf(block)
        link(block, firstFree)
        firstFree = block
        inUse--
        block = next
      }
    },
    bytes: () => inUse * BLOCK_BYTES
  })
}
