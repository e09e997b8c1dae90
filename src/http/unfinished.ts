/**
 * Bounds the bytes of all that peers have not finished sending, or reading, on all listeners: whoever reaches one can
 * begin any number of heads, messages and answers. Over the bound the owner (a connection) of the oldest is ended, so
 * that the newest, and those that make progress, go on.
 */
export type Unfinished = Readonly<{
  maxBytes: number
  hold: (owner: Owner, bytes: number) => Held
  grow: (held: Held, bytes: number) => void
  /** It made progress: others are older now. */
  feed: (held: Held) => void
  release: (held: Held) => void
}>

export type Owner = Readonly<{ destroy: () => unknown }>
export type Held = { readonly owner: Owner, bytes: number }

export function createUnfinished (maxBytes: number): Unfinished {
  const all = new Set<Held>()
  let total = 0
  const release = (held: Held): void => {
    if (all.delete(held)) total -= held.bytes
  }
  function makeRoom (): void {
    for (const { owner } of all) {
      if (total <= maxBytes) return
      for (const held of all) if (held.owner === owner) release(held)
      owner.destroy()
    }
  }
  function grow (held: Held, bytes: number): void {
    held.bytes += bytes
    if (!all.has(held)) return
    total += bytes
    if (total > maxBytes) makeRoom()
  }
  return Object.freeze({
    maxBytes,
    hold (owner: Owner, bytes: number): Held {
      const held = { owner, bytes: 0 }
      all.add(held)
      grow(held, bytes)
      return held
    },
    grow,
    feed (held: Held): void {
      if (all.delete(held)) all.add(held)
    },
    release
  })
}
