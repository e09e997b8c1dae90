import type { Entry } from '../core/entry.ts'
import { IDENTITY_HEADERS } from '../core/resolution.ts'
import { isConstant } from './intern.ts'

/**
 * An upper bound of the bytes that one entry takes in V8's heap (64 bits, no compressed pointers):
 * `test/integration/entry-size.all.test.ts` compares it with the heap. Each entry is charged for the values that it
 * shares.
 */
export function entryBytes (key: string, { resolution, stamp, digests }: Entry, isIndexed: boolean): number {
  const identity =
    resolution.kind === 'valid'
      ? IDENTITY_BYTES +
        sum(resolution.identity, (value) => (value === undefined || isConstant(value) ? 0 : textBytes(value)))
      : 0
  return MAP_SLOT_BYTES + SLOT_BYTES + textBytes(key) + identity +
    STAMP_BYTES + textBytes(stamp.position.id) + textBytes(stamp.position.nonce) +
    LIST_BYTES + sum(digests, (digest) => POINTER_BYTES + textBytes(digest) + (isIndexed ? INDEX_BYTES : 0))
}

const POINTER_BYTES = 8
/** The header of an array and of its elements. */
const LIST_BYTES = 48
/** The entry's part of the map of keys, which is up to half empty, and of the least-recently-used lists. */
const MAP_SLOT_BYTES = 104
/** The entry in memory: eleven properties, three of them numbers with a fraction. */
const SLOT_BYTES = 208
/** A resolution, and the array of its values. */
const IDENTITY_BYTES = 104 + IDENTITY_HEADERS.length * POINTER_BYTES
/** Two objects of two properties. */
const STAMP_BYTES = 80
/** The digest's slot in the index, and an array of keys. */
const INDEX_BYTES = 112

/** One byte a character: `intern` makes it so. */
function textBytes (text: string): number {
  return 24 + text.length
}

function sum<T> (list: readonly T[], bytesOf: (item: T) => number): number {
  return list.reduce((total, item) => total + bytesOf(item), 0)
}
