import type { Clock } from '../clock.ts'
import type { LogObserver } from './types.ts'

/**
 * Entries in any ten seconds that are read as `everything`; more would be no load any more, but an outage. Not in one
 * second: four in each, and an Authgear that takes 300 ms, and no resolution ever ends before the next one.
 */
const MAX_IN_WINDOW = 5
const WINDOW_MS = 10_000
/** How long Redis is not used after the last excess. */
export const JUNK_LEAVE_MS = 30_000

const TOO_MUCH =
  'more than five entries of the revocation log within ten seconds are not authentic, or of another CACHE_SECRET: ' +
    'Redis is not used until thirty seconds after they end'

export type JunkGuard = ReturnType<typeof createJunkGuard>

/**
 * Each entry that cannot be believed voids every resolution under way: faster than a resolution takes, they would be
 * an outage. Beyond a few in ten seconds they are skipped, and for as long Redis is not used.
 */
export function createJunkGuard (clock: Pick<Clock, 'monotonic'>, observer: Pick<LogObserver, 'trouble'>) {
  let times: number[] = []
  let skippingUntil: number | undefined
  return Object.freeze({
    /** True if junk is skipped, and Redis not used. */
    isSkipping: () => skippingUntil !== undefined,
    /** One more entry that says nothing. @returns whether it still counts as `everything` */
    admit (): boolean {
      const now = clock.monotonic()
      times = [...times.filter((at) => now - at < WINDOW_MS), now].slice(-MAX_IN_WINDOW - 1)
      if (times.length <= MAX_IN_WINDOW) return skippingUntil === undefined
      if (skippingUntil === undefined) observer.trouble(TOO_MUCH)
      skippingUntil = now + JUNK_LEAVE_MS
      return false
    },
    /** @returns whether Redis may be used again from now on, once everything that was skipped is void */
    ends (): boolean {
      if (skippingUntil === undefined || clock.monotonic() < skippingUntil) return false
      skippingUntil = undefined
      return true
    }
  })
}
