import type { Clock } from '../clock.ts'
import type { Revocation } from './revocation.ts'

export type FloodDeps = Readonly<{
  clock: Pick<Clock, 'monotonic'>
  publish: (revocation: Revocation, done: () => void) => void
}>

export type Flood = Readonly<{
  /** @returns what holds here until `everything` is published: the revocation, or `everything` where too many wait */
  join: (revocation: Revocation, done: () => void) => Revocation
  /** Publishes one `everything` for all that wait, unless the last one was not long ago. */
  publishDue: () => void
}>

/** Milliseconds between two entries that each stand for all beyond an origin's budget. */
export const FLOOD_INTERVAL_MS = 10_000
/** Names that are held apart, and callers that hear of the entry. */
const MAX_WAITING = 1000

/**
 * Revocations beyond their origin's budget: none is lost. Each holds on this replica at once, and all of them go into
 * the log as one `everything`, the first at once and the others after FLOOD_INTERVAL_MS at most.
 */
export function createFlood ({ clock, publish }: FloodDeps): Flood {
  let waiting: Array<() => void> = []
  let last: Revocation | undefined
  let publishedAt = -Infinity
  return Object.freeze({
    join (revocation: Revocation, done: () => void): Revocation {
      const quietMs = Math.max(revocation.quietMs, last?.quietMs ?? 0)
      last = { ...revocation, target: { kind: 'everything' }, quietMs }
      if (waiting.length >= MAX_WAITING) return { ...revocation, target: { kind: 'everything' } }
      waiting.push(done)
      return revocation
    },
    publishDue (): void {
      const now = clock.monotonic()
      if (last === undefined || now - publishedAt < FLOOD_INTERVAL_MS) return
      const [revocation, told] = [last, waiting]
      publishedAt = now
      last = undefined
      waiting = []
      publish(revocation, () => { for (const done of told) done() })
    }
  })
}
