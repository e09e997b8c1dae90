import { networkOf } from '../core/network.ts'

/**
 * Bounds the bytes of all that peers have not finished sending, or reading: any of them can begin any number of heads,
 * messages and answers. Over the bound the oldest of the address that holds most is ended, with all
 * that its connection (the owner) holds: a flood from few addresses ends no connection of a proxy at another one.
 */
export type Unfinished = Readonly<{
  maxBytes: number
  hold: (owner: Owner, bytes: number) => Held
  grow: (held: Held, bytes: number) => void
  /** It made progress: others of its address are older now. */
  feed: (held: Held) => void
  release: (held: Held) => void
}>

/** 2000::/3 (RFC 4291, section 2.4): in other networks of IPv6 a /56 is a whole cluster, its proxy among it. */
const GLOBAL_UNICAST = /^[23][0-9a-f]{3}:/i

/** `address`: of public IPv6 the network that one home has; undefined for a socket file. */
export type Owner = Readonly<{ address: string | undefined, destroy: () => unknown, holds: Set<Held> }>

export const ownerOf = (address: string | undefined, destroy: () => unknown): Owner =>
  ({
    address: address !== undefined && GLOBAL_UNICAST.test(address) ? networkOf(address) : address,
    destroy,
    holds: new Set()
  })

export type Held = { readonly owner: Owner, bytes: number }
type Group = { bytes: number, readonly all: Set<Held> }

/** @param ended is called with the owner of each closed connection */
export function createUnfinished (
  maxBytes: number,
  ended: (address: string | undefined) => void = () => {}
): Unfinished {
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
    held.owner.holds.delete(held)
    add(group, -held.bytes)
    if (group.all.size === 0) groups.delete(held.owner.address)
  }
  function endOldest (): void {
    const fullest = [...groups.values()].reduce((a, b) => b.bytes > a.bytes ? b : a)
    const [oldest] = fullest.all
    if (oldest === undefined) return
    for (const held of oldest.owner.holds) release(held)
    oldest.owner.destroy()
    ended(oldest.owner.address)
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
      owner.holds.add(held)
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
