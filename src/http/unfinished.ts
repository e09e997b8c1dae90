/**
 * Bounds the bytes of all that peers have not finished sending, or reading: whoever reaches a listener can begin any
 * number of heads, messages and answers. Over the bound the oldest of the address that holds most is ended, with all
 * that its connection (the owner) holds: one neighbour's flood ends no connection of the proxy's.
 */
export type Unfinished = Readonly<{
  maxBytes: number
  hold: (owner: Owner, bytes: number) => Held
  grow: (held: Held, bytes: number) => void
  /** It made progress: others of its address are older now. */
  feed: (held: Held) => void
  release: (held: Held) => void
}>

/** `address` is undefined for a socket file. */
export type Owner = Readonly<{ address: string | undefined, destroy: () => unknown }>
export type Held = { readonly owner: Owner, bytes: number }
type Group = { bytes: number, readonly all: Set<Held> }

export function createUnfinished (maxBytes: number): Unfinished {
  const groups = new Map<string | undefined, Group>()
  let total = 0
  const groupOf = ({ owner }: Held): Group | undefined => groups.get(owner.address)
  const add = (group: Group, bytes: number): void => {
    group.bytes += bytes
    total += bytes
  }
  function release (held: Held): void {
    const group = groupOf(held)
    if (group?.all.delete(held) !== true) return
    add(group, -held.bytes)
    if (group.all.size === 0) groups.delete(held.owner.address)
  }
  function endOldest (): void {
    const fullest = [...groups.values()].reduce((a, b) => b.bytes > a.bytes ? b : a)
    const [oldest] = fullest.all
    for (const held of fullest.all) if (held.owner === oldest?.owner) release(held)
    oldest?.owner.destroy()
  }
  const isOver = (): boolean => total > maxBytes && groups.size > 0
  function grow (held: Held, bytes: number): void {
    held.bytes += bytes
    const group = groupOf(held)
    if (group?.all.has(held) !== true) return
    add(group, bytes)
    while (isOver()) endOldest()
  }
  return Object.freeze({
    maxBytes,
    hold (owner: Owner, bytes: number): Held {
      const held = { owner, bytes: 0 }
      const group = groups.get(owner.address) ?? { bytes: 0, all: new Set() }
      groups.set(owner.address, group)
      group.all.add(held)
      grow(held, bytes)
      return held
    },
    grow,
    feed (held: Held): void {
      const all = groupOf(held)?.all
      if (all?.delete(held) === true) all.add(held)
    },
    release
  })
}
