/** 0 ≤ n < below. */
export type Pick = (below: number) => number

/** Numbers that come again with the same seed (mulberry32). */
export function seeded (seed: number): Pick {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

export function oneOf<T> (pick: Pick, all: readonly T[]): T {
  const one = all[pick(all.length)]
  if (one === undefined) throw new Error('nothing to choose from')
  return one
}
