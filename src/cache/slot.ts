import { decodeEntry, encodeEntry, type Entry } from '../core/entry.ts'

/**
 * An entry ends by both clocks: only the wall clock runs while a machine sleeps, only the monotonic one is never set.
 * Whole milliseconds since the cache was made: V8 stores small integers in the object, other numbers in 16 bytes more.
 * Entry and bookkeeping are one object: two would take 32 bytes more.
 */
export type Slot = Entry
  & Readonly<{ local: number, at: number, isBounded: boolean, endsMonotonic: number, endsWall: number }> & {
    renewedAt: number
  }

/** What of a slot is read without its entry. */
export type Mark = Pick<Slot, 'at' | 'local' | 'isBounded' | 'endsMonotonic' | 'endsWall' | 'renewedAt'>

/** Five numbers and a flag, before the entry as Redis has it. */
const HEAD_BYTES = 41

export function packSlot (slot: Slot): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  const numbers = [slot.at, slot.local, slot.endsMonotonic, slot.endsWall, slot.renewedAt]
  for (const [index, number] of numbers.entries()) head.writeDoubleLE(number, index * 8)
  head.writeUInt8(slot.isBounded ? 1 : 0, HEAD_BYTES - 1)
  return Buffer.concat([head, encodeEntry(slot)])
}

export function readMark (packed: Buffer): Mark {
  return {
    at: packed.readDoubleLE(0),
    local: small(packed.readDoubleLE(8)),
    endsMonotonic: small(packed.readDoubleLE(16)),
    endsWall: small(packed.readDoubleLE(24)),
    renewedAt: small(packed.readDoubleLE(32)),
    isBounded: packed.readUInt8(HEAD_BYTES - 1) === 1
  }
}

/** Else V8 would store each in 16 bytes more, in all slots from then on. */
function small (number: number): number {
  const integer = number | 0
  return integer === number ? integer : number
}

/** @returns undefined for anything that packSlot did not make */
export function unpackEntry (packed: Buffer): Entry | undefined {
  return decodeEntry(packed.subarray(HEAD_BYTES), Infinity)
}

/** No spread: V8 would keep the properties after it in a separate array. */
export function slotOf ({ resolution, stamp, digests, ttlMs, sealedAt }: Entry, mark: Mark): Slot {
  return {
    resolution,
    stamp,
    digests,
    ttlMs,
    sealedAt,
    local: mark.local,
    at: mark.at,
    isBounded: mark.isBounded,
    endsMonotonic: mark.endsMonotonic,
    endsWall: mark.endsWall,
    renewedAt: mark.renewedAt
  }
}
