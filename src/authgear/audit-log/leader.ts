import { elapsedSince, momentOf, type Clock, type Moment } from '../../clock.ts'
import type { AuditStore } from './store.ts'

export type Leadership = Readonly<{
  /** Takes or renews the lease; rejects where the store does not answer: what was held goes on until it ends. */
  tick: () => Promise<void>
  /**
   * Numbers the time for which this replica leads without a break; undefined while it does not. Asked right before
   * each act: a frozen process wakes up and leads no more, by one clock or the other.
   */
  leaderTerm: () => number | undefined
  resign: () => Promise<void>
}>

/** A share of the lease's life is left as a margin: clocks run differently. */
const MARGIN = 0.9

export function createLeadership (
  store: Pick<AuditStore, 'hold' | 'release'>,
  leaseMs: number,
  clock: Clock
): Leadership {
  let held: Moment | undefined
  let term = 0
  const leaderTerm = (): number | undefined =>
    held !== undefined && elapsedSince(held, clock) < leaseMs * MARGIN ? term : undefined
  return Object.freeze({
    async tick () {
      const sent = momentOf(clock) // the lease begins later, so that it ends later too
      const isHeld = await store.hold()
      if (isHeld && leaderTerm() === undefined) term++
      held = isHeld ? sent : undefined
    },
    leaderTerm,
    async resign () {
      held = undefined
      await store.release()
    }
  })
}
