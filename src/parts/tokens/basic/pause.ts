import type { Clock } from '../../../base/clock.ts'

/** Authgear's bucket of a project has another call by then. */
const SHORTEST_MS = 3000
const LONGEST_MS = 30_000

/** A pause after each 429, twice as long where the one before did not help: other programs need tokens, too. */
export function createPause (clock: Pick<Clock, 'monotonic'>) {
  let until = -Infinity
  let lastMs = 0
  const isOver = (): boolean => clock.monotonic() >= until
  return Object.freeze({
    isOver,
    /** Several calls of one moment are one. */
    limited (): void {
      if (!isOver()) return
      lastMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, 2 * lastMs))
      until = clock.monotonic() + lastMs
    },
    /** Authgear took a call. */
    taken: (): void => { lastMs = 0 }
  })
}
