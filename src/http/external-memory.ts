import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** From here on V8 does so by itself. */
const BY_ITSELF_BYTES = 64 * 2 ** 20
/** A collection stops everything for some 50 ms in a small heap: a stranger can cause one a second. */
const INTERVAL_MS = 1000

/**
 * Heads of HTTP/2 are strings outside of V8's heap, and V8 collects for their sake after 64 MiB only: half of a small
 * container. This collects earlier.
 * @returns to call from time to time
 */
export function createCollector (maxGrowthBytes: number, now = () => performance.now()): () => void {
  if (maxGrowthBytes >= BY_ITSELF_BYTES) return () => {}
  let least = Infinity
  let collectedAt = -Infinity
  let collect: (() => void) | undefined
  return () => {
    const bytes = getHeapStatistics().external_memory
    least = Math.min(least, bytes)
    if (bytes - least <= maxGrowthBytes || now() - collectedAt < INTERVAL_MS) return
    collect ??= garbageCollector()
    collect()
    collectedAt = now()
    least = getHeapStatistics().external_memory
  }
}

/** Without a flag at the start V8 gives it to new contexts alone. */
function garbageCollector (): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
