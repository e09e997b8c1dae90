/** Takes numbers, one after the other, and has one of 52 bits for all of them: two hashes of 32 bits (cyrb53). */
export class Hash {
  #high = 0xdeadbeef
  #low = 0x41c6ce57

  put (value: number): void {
    this.#high = Math.imul(this.#high ^ value, 2654435761)
    this.#low = Math.imul(this.#low ^ value, 1597334677)
  }

  /** Never 0. */
  value (): number {
    let [high, low] = [this.#high, this.#low]
    high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
    low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
    return (low & 0xfffff) * 0x100000000 + (high >>> 0) + 1
  }
}

/** Numbers the hashes that it is given, in order: 12 bytes each, in a table at most half full. */
export type HashIndex = Readonly<{
  /** @returns the number of that hash: the size before the call where it is new */
  number: (hash: number) => number
  size: () => number
}>

const FIRST_CAPACITY = 1 << 16

export function createHashIndex (): HashIndex {
  let capacity = FIRST_CAPACITY
  let hashes = new Float64Array(capacity)
  let numbers = new Int32Array(capacity)
  let size = 0

  function slotOf (hash: number): number {
    let slot = hash % capacity
    while (hashes[slot] !== 0 && hashes[slot] !== hash) slot = slot + 1 === capacity ? 0 : slot + 1
    return slot
  }

  function grow (): void {
    const [oldHashes, oldNumbers] = [hashes, numbers]
    capacity *= 2
    hashes = new Float64Array(capacity)
    numbers = new Int32Array(capacity)
    oldHashes.forEach((hash, old) => {
      if (hash === 0) return
      const slot = slotOf(hash)
      hashes[slot] = hash
      numbers[slot] = oldNumbers[old] ?? 0
    })
  }

  return Object.freeze({
    size: () => size,
    number (hash: number): number {
      const slot = slotOf(hash)
      if (hashes[slot] === hash) return numbers[slot] ?? 0
      hashes[slot] = hash
      numbers[slot] = size++
      if (size * 2 > capacity) grow()
      return size - 1
    }
  })
}
