/**
 * Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002): a subset that
 * still fails and of which no part of the final granularity can be left out, in their order.
 * @param fails asks whether a subset still fails; after `isOver` it is not asked any more
 */
export async function shrink<T> (
  all: readonly T[],
  fails: (subset: readonly T[]) => Promise<boolean>,
  isOver: () => boolean = () => false
): Promise<readonly T[]> {
  let left = all
  for (let parts = 2; left.length > 1 && !isOver();) {
    const smaller = await firstFailing(candidatesOf(left, parts), fails, isOver)
    if (smaller !== undefined) {
      parts = Math.max(2, Math.min(parts - 1, smaller.length))
      left = smaller
    } else if (parts >= left.length) break
    else parts = Math.min(left.length, 2 * parts)
  }
  return left
}

/** Each part by itself, and then all without it; the last part first, since what failed came last. */
function candidatesOf<T> (all: readonly T[], parts: number): ReadonlyArray<readonly T[]> {
  const edges = Array.from({ length: parts + 1 }, (_, index) => Math.round(index * all.length / parts))
  const pieces = edges.slice(1).map((to, index) => [edges[index] ?? 0, to] as const).reverse()
  const alone = pieces.map(([from, to]) => all.slice(from, to))
  const without = parts === 2 ? [] : pieces.map(([from, to]) => [...all.slice(0, from), ...all.slice(to)])
  return [...alone, ...without]
}

async function firstFailing<T> (
  candidates: ReadonlyArray<readonly T[]>,
  fails: (subset: readonly T[]) => Promise<boolean>,
  isOver: () => boolean
): Promise<readonly T[] | undefined> {
  for (const candidate of candidates) {
    if (isOver()) return undefined
    if (await fails(candidate)) return candidate
  }
  return undefined
}
