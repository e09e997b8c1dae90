import { createMemoryCache, type MemoryCache } from '../../src/base/cache/memory.ts'
import type { Resolution } from '../../src/base/core/resolution.ts'
import { entryOf } from './entry.ts'
import { validResolution } from './identity.ts'
import { manualClock } from './manual-clock.ts'
import { keyOf } from './redis-tier.ts'

export type Remembered = Resolution & { kind: 'valid' }

export const createMemory = (): MemoryCache =>
  createMemoryCache({ maxEntries: 10_000, maxBytes: 2 ** 30, clock: manualClock() })

/**
 * Somebody signed in, as memory reads them back.
 * @param memory people of one memory share what they have in common
 */
export function remembered (some: Parameters<typeof validResolution>[0], memory = createMemory()): Remembered {
  const key = keyOf(JSON.stringify(some))
  memory.write(key, entryOf({ resolution: validResolution(some) }), 1000)
  const read = memory.read(key)
  if (read.kind !== 'hit' || read.entry.resolution.kind !== 'valid') throw new Error('nobody is there')
  return read.entry.resolution
}
