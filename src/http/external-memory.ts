import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Heads of HTTP/2 are strings outside of V8's heap, and V8 collects for their sake after 64 MiB only: half of a small
 * container. This collects earlier.
 * @returns to call from time to time
 */
export function createCollector (maxGrowthBytes: number): () => void {
  let least = Infinity
  let collect: (() => void) | undefined
  return () => {
    const bytes = getHeapStatistics().external_memory
    least = Math.min(least, bytes)
    if (bytes - least <= maxGrowthBytes) return
    collect ??= garbageCollector()
    collect()
    least = getHeapStatistics().external_memory
  }
}

/** Without a flag at the start V8 gives it to new contexts alone. */
function garbageCollector (): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
