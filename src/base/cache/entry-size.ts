import type { Entry } from '../core/entry.ts'
import { AT, IDENTITY_HEADERS, type Identity, valuesOf } from '../core/resolution.ts'
import { isConstant, isSmallInteger } from './intern.ts'

/**
 * An upper bound of the bytes that one entry takes in V8's heap (64 bits, no compressed pointers):
 * `test/integration/entry-size.all.test.ts` compares it with the heap. Each entry is charged for the values that it
 * shares.
 */
export function entryBytes (key: string, { resolution, stamp, digests }: Entry, isIndexed: boolean): number {
  return MAP_SLOT_BYTES + SLOT_BYTES + textBytes(key) +
    (resolution.kind === 'valid' ? identityBytes(resolution.identity) : 0) +
    STAMP_BYTES + textBytes(stamp.position.id) + textBytes(stamp.position.nonce) +
    (digests.length > 2 ? LIST_BYTES + digests.length * POINTER_BYTES : 0) +
    sum(digests, (digest) => textBytes(digest) + (isIndexed ? INDEX_BYTES : 0))
}

const POINTER_BYTES = 8
/** The header of an array and of its elements. */
const LIST_BYTES = 48
/** The entry's part of the map of keys, which is up to half empty, and of the least-recently-used lists. */
const MAP_SLOT_BYTES = 104
/** The entry in memory: fifteen properties, three of them numbers with a fraction, and after 24 days six. */
const SLOT_BYTES = 240
/** Two objects of two properties. */
const STAMP_BYTES = 80
/** The digest's slot in the index, and an array of keys. */
const INDEX_BYTES = 112

function identityBytes (identity: Identity): number {
  return LIST_BYTES + IDENTITY_HEADERS.length * POINTER_BYTES + sum(valuesOf(identity), (value, index) =>
    value === undefined || isConstant(value) || (index === AT.authenticatedAt && isSmallInteger(value))
      ? 0
      : textBytes(value))
}

/** One byte a character: `intern` makes it so. */
function textBytes (text: string): number {
  return 24 + text.length
}

function sum<T> (list: readonly T[], bytesOf: (item: T, index: number) => number): number {
  return list.reduce((total, item, index) => total + bytesOf(item, index), 0)
}
