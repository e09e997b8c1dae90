import { type Clock, elapsedSince, type Moment, NEVER } from '../../base/clock.ts'

/**
 * A running replica writes back what Redis lost: it is connected again within a second, and looks once a second and
 * when it reads a new log.
 */
const RESTORED_WITHIN_MS = 2500

export type ReadingDeps = Readonly<{
  clock: Clock
  /** False: the Redis that is read may be one that was deposed, and lack what others say. */
  isFollowing: () => boolean
  /** How long a list may be used after it was read. */
  staleMs: number
}>

/**
 * Whether this replica knows the list. One that knew none for a while does not believe the first that it reads: Redis
 * may have lost a block that was acknowledged meanwhile, and those that know it have to write it back first.
 */
export function createReading ({ clock, isFollowing, staleMs }: ReadingDeps) {
  let readAt = NEVER
  /** By Redis' clock. */
  let logSince = Infinity
  /** Since when the list can be read without a gap; monotonic milliseconds. */
  let backAt: number | undefined
  const isRead = (): boolean => readAt !== NEVER
  const isFresh = (): boolean => isRead() && elapsedSince(readAt, clock) <= staleMs
  function isRestored (sent: Moment, now: number | undefined): boolean {
    const since = (backAt ??= clock.monotonic())
    if (sent.monotonic - since >= RESTORED_WITHIN_MS) return true
    // a start beside a log that is older: it would have begun a new one where the server may have lost it
    return !isRead() && now !== undefined && now - logSince >= RESTORED_WITHIN_MS
  }
  return Object.freeze({
    isRead,
    isFresh,
    /** @param since when the log that is followed began */
    begins (since: number): void {
      logSince = since
      backAt = undefined
    },
    /** It could not be read. */
    failed (): void { backAt = undefined },
    /**
     * @param sent when it was asked for
     * @param now Redis' time then, where it said so
     * @param isLasting true if nobody can have changed it meanwhile
     * @returns whether what was read counts
     */
    succeeded (sent: Moment, now: number | undefined, isLasting: boolean): boolean {
      const follows = isFollowing()
      const isKnown = follows && (isFresh() || isLasting || isRestored(sent, now))
      if (isKnown) readAt = sent
      if (isKnown || !follows) backAt = undefined
      return isKnown
    }
  })
}
