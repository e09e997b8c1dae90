/**
 * A map that forgets what was set longest ago, in constant time. A `Map` alone takes longer the more it forgot: what is deleted at its
 * beginning leaves holes that each look at the oldest steps over (900,000 entries of a log took minutes).
 */
export class BoundedMap<V> {
  readonly #max: number
  readonly #slots = new Map<string, Readonly<{ value: V, turn: number }>>()
  /** In the order of setting; a turn that is not its key's newest counts for nothing. */
  #queue: Array<Readonly<{ key: string, turn: number }>> = []
  #head = 0
  #turn = 0

  constructor (max: number) { this.#max = max }

  get size (): number { return this.#slots.size }

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
    this.#slots.set(key, { value, turn: ++this.#turn })
    this.#queue.push({ key, turn: this.#turn })
    if (this.#queue.length - this.#head > 2 * this.#slots.size + 1000) this.#rebuild()
    if (this.#slots.size <= this.#max) return undefined
    const oldest = this.oldest()
    if (oldest !== undefined) this.#slots.delete(oldest[0])
    return oldest?.[1]
  }

  oldest (): readonly [key: string, value: V] | undefined {
    for (; this.#head < this.#queue.length; this.#head++) {
      const { key, turn } = this.#queue[this.#head] ?? { key: '', turn: 0 }
      const slot = this.#slots.get(key)
      if (slot?.turn !== turn) continue
      this.#compact()
      return [key, slot.value]
    }
    this.#compact()
    return undefined
  }

  /** Oldest first. */
  * entries (): Iterable<readonly [key: string, value: V]> {
    for (const { key, turn } of this.#queue.slice(this.#head)) {
      const slot = this.#slots.get(key)
      if (slot?.turn === turn) yield [key, slot.value]
    }
  }

  #compact (): void {
    const isMostlyOver = this.#head > 1000 && this.#head * 2 > this.#queue.length
    if (!isMostlyOver) return
    this.#queue = this.#queue.slice(this.#head)
    this.#head = 0
  }

  /** A few keys that are set again and again. */
  #rebuild (): void {
    this.#queue = this.#queue.filter(({ key, turn }) => this.#slots.get(key)?.turn === turn)
    this.#head = 0
  }
}
