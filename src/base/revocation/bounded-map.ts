/** In the map and in the queue: one object, since there are many. */
type Slot<V> = Readonly<{ key: string, value: V }>

/**
 * A map that forgets what was set longest ago, in constant time. A `Map` alone takes longer the more it forgot: what is
 * deleted at its beginning leaves holes, and each look for the oldest steps over them (900,000 entries of a log took
 * minutes). lru-cache takes twice as long: docs/inside/decisions/013-revocation-log.md.
 */
export class BoundedMap<V> {
  readonly #max: number
  readonly #slots = new Map<string, Slot<V>>()
  /** In the order of setting; a slot that is not its key's newest counts for nothing. */
  #queue: Array<Slot<V> | undefined> = []
  #head = 0

  constructor (max: number) { this.#max = max }

  get size (): number { return this.#slots.size }
  /** True if the next new key takes the place of the oldest. */
  get isFull (): boolean { return this.#slots.size >= this.#max }

  get (key: string): V | undefined { return this.#slots.get(key)?.value }
  has (key: string): boolean { return this.#slots.has(key) }
  delete (key: string): void { this.#slots.delete(key) }

  clear (): void {
    this.#slots.clear()
    this.#queue = []
    this.#head = 0
  }

  /** Puts it last; @returns the value of the oldest, where it had to go */
  set (key: string, value: V): V | undefined {
    const slot = { key, value }
    this.#slots.set(key, slot)
    this.#queue.push(slot)
    if (this.#queue.length - this.#head > 2 * this.#slots.size + 1000) this.#rebuild()
    if (this.#slots.size <= this.#max) return undefined
    const oldest = this.oldest()
    if (oldest !== undefined) this.#slots.delete(oldest[0])
    return oldest?.[1]
  }

  oldest (): readonly [key: string, value: V] | undefined {
    for (; this.#head < this.#queue.length; this.#head++) {
      const slot = this.#queue[this.#head]
      if (this.#isLive(slot)) {
        this.#compact()
        return [slot.key, slot.value]
      }
      this.#queue[this.#head] = undefined // its memory goes now, its place with the next compaction
    }
    this.#compact()
    return undefined
  }

  /** Oldest first. */
  * entries (): Iterable<readonly [key: string, value: V]> {
    for (const slot of this.#queue.slice(this.#head)) {
      if (this.#isLive(slot)) yield [slot.key, slot.value]
    }
  }

  #isLive (slot: Slot<V> | undefined): slot is Slot<V> {
    return slot !== undefined && this.#slots.get(slot.key) === slot
  }

  #compact (): void {
    const isMostlyOver = this.#head > 1000 && this.#head * 2 > this.#queue.length
    if (!isMostlyOver) return
    this.#queue = this.#queue.slice(this.#head)
    this.#head = 0
  }

  /** A few keys that are set again and again. */
  #rebuild (): void {
    this.#queue = this.#queue.filter((slot) => this.#isLive(slot))
    this.#head = 0
  }
}
