import type { Clock } from '../clock.ts'
import type { LogObserver } from './types.ts'

/** Entries in any second that are read as `everything`; more would be no load any more, but an outage. */
const MAX_PER_SECOND = 5
const SECOND_MS = 1000
/** For so long after the last excess Redis is not used. */
export const JUNK_LEAVE_MS = 30_000

export type JunkGuard = Readonly<{
  /** Whether junk is skipped, and Redis not used. */
  isSkipping: () => boolean
  /** One more entry that says nothing. @returns whether it still counts as `everything` */
  admit: () => boolean
  /** @returns whether Redis may be used again from now on, once everything that was skipped is void */
  ends: () => boolean
}>

/**
 * Each entry that cannot be believed voids every resolution under way: faster than a resolution takes, they would be
 * an outage. Beyond a few a second they are skipped, and for as long Redis is not used.
 */
export function createJunkGuard (clock: Pick<Clock, 'monotonic'>, observer: Pick<LogObserver, 'trouble'>): JunkGuard {
  let times: number[] = []
  let skippingUntil: number | undefined
  return Object.freeze({
    isSkipping: () => skippingUntil !== undefined,
    admit (): boolean {
      const now = clock.monotonic()
      times = [...times.filter((at) => now - at < SECOND_MS), now].slice(-MAX_PER_SECOND - 1)
      if (times.length <= MAX_PER_SECOND) return skippingUntil === undefined
      if (skippingUntil === undefined) {
        observer.trouble(
          'more than five entries a second of the revocation log are not authentic, or of another CACHE_SECRET: ' +
            'Redis is not used until thirty seconds after they end'
        )
      }
      skippingUntil = now + JUNK_LEAVE_MS
      return false
    },
    ends (): boolean {
      if (skippingUntil === undefined || clock.monotonic() < skippingUntil) return false
      skippingUntil = undefined
      return true
    }
  })
}
