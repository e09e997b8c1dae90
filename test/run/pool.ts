/** Most wait more than they work; where others keep the machine busy, fewer get too small a share of it. */
const AT_ONCE = 8

/**
 * Runs all of them, begun in this order, AT_ONCE at once. Each gets a number below AT_ONCE that no other one has while
 * it runs.
 */
export async function runPool (jobs: ReadonlyArray<(place: number) => Promise<void>>): Promise<void> {
  const waiting = [...jobs]
  await Promise.all(Array.from({ length: AT_ONCE }, async (_, place) => {
    for (let job = waiting.shift(); job; job = waiting.shift()) await job(place)
  }))
}
