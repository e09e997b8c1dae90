import type { Entry } from '../core/entry.ts'
import { isConstant } from './intern.ts'

/**
 * Bytes of V8's heap (64 bits, no compressed pointers) that what memory keeps of one entry can take, never fewer than
 * it does: `test/integration/entry-size.test.ts` compares both. What many entries have in common is counted for each of
 * them.
 */
export function entryBytes (key: string, { resolution, stamp, digests }: Entry, isIndexed: boolean): number {
  const identity =
    resolution.kind === 'valid'
      ? IDENTITY +
        sum(resolution.identity, (value) => (value === undefined || isConstant(value) ? 0 : textBytes(value)))
      : 0
  return PLACE + SLOT + textBytes(key) + identity +
    STAMP + textBytes(stamp.position.id) + textBytes(stamp.position.nonce) +
    LIST + sum(digests, (digest) => POINTER + textBytes(digest) + (isIndexed ? INDEXED : 0))
}

const POINTER = 8
/** An array's head and that of its elements. */
const LIST = 48
/**
 * Its turn in the map of keys, which is up to twice as large as what is in it, and in the lists of the least recently
 * used.
 */
const PLACE = 104
/** The entry with its place: eleven properties, three of them numbers with a fraction. */
const SLOT = 208
/** A resolution, and the list of its eight values. */
const IDENTITY = 168
/** Two objects of two properties. */
const STAMP = 80
/** The digest's turn in the index, and a list of keys. */
const INDEXED = 112

/** One byte a character: the compactor sees to it. */
function textBytes (text: string): number {
  return 24 + text.length
}

function sum<T> (list: readonly T[], bytesOf: (item: T) => number): number {
  return list.reduce((total, item) => total + bytesOf(item), 0)
}
