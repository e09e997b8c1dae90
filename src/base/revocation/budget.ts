import type { Clock } from '../clock.ts'
import { type Origin, ORIGINS, type Revocation } from './types.ts'

export type FloodDeps = Readonly<{
  clock: Pick<Clock, 'monotonic'>
  publish: (revocation: Revocation, done: () => void) => void
}>

/** Between two entries that each stand for all revocations beyond an origin's budget. */
const FLOOD_INTERVAL_MS = 10_000
/** Revocations that are held one by one, and callers that learn of the entry. */
const MAX_WAITING = 1000

/**
 * Revocations beyond their origin's budget: none is lost. Each holds on this replica at once, and all of them go into
 * the log as one `everything`, the first at once and the others after FLOOD_INTERVAL_MS at most.
 */
export function createFlood ({ clock, publish }: FloodDeps) {
  let waiting: Array<() => void> = []
  let last: Revocation | undefined
  let publishedAt = -Infinity
  function publishNow (): void {
    if (last === undefined) return
    const [revocation, told] = [last, waiting]
    publishedAt = clock.monotonic()
    last = undefined
    waiting = []
    publish(revocation, () => { for (const done of told) done() })
  }
  return Object.freeze({
    /** @returns the revocation that holds here until `everything` is published; `everything` where too many wait */
    join (revocation: Revocation, done: () => void): Revocation {
      const quietMs = Math.max(revocation.quietMs, last?.quietMs ?? 0)
      const ends = revocation.ends === undefined ? last?.ends : 0
      last = { ...revocation, target: { kind: 'everything' }, quietMs, ends }
      if (waiting.length >= MAX_WAITING) return last
      waiting.push(done)
      return revocation
    },
    /** Publishes one `everything` for all that wait, unless the last one is younger than FLOOD_INTERVAL_MS. */
    publishDue (): void {
      if (clock.monotonic() - publishedAt >= FLOOD_INTERVAL_MS) publishNow()
    },
    /** The same without that interval, when this replica stops. */
    publishNow
  })
}

/**
 * Entries of one origin that the log takes in any minute, from all replicas together. At 0.3 kB each (docs/redis.md):
 * over the longest retention (15 minutes) 75 MB, over the default one 27 MB. Anybody signed in causes sign-outs: fewer.
 */
export const ENTRIES_PER_MINUTE: Readonly<Record<Origin, number>> = Object.freeze({
  webhook: 6000,
  management: 3000,
  audit: 6000,
  logout: 1500
})

const MINUTE_MS = 60_000
/** Entries that are never trimmed, and as many that wait for the next trim or were carried over from an older log. */
const BESIDE = 2000

export type Budget = ReturnType<typeof createBudget>

/** Exact for any 60 s, not by calendar minutes: a bound on what the log can hold follows from it. */
export function createBudget (clock: Pick<Clock, 'monotonic'>, limits = ENTRIES_PER_MINUTE) {
  const rings = ORIGINS.map((origin) => [origin, createRing(limits[origin])])
  const spent = Object.fromEntries(rings) as Record<Origin, ReturnType<typeof createRing>>
  return Object.freeze({
    hasRoom: (origin: Origin): boolean => clock.monotonic() - spent[origin].oldest() >= MINUTE_MS,
    /** An entry of this origin was taken here, or read from another replica. */
    spend: (origin: Origin) => spent[origin].push(clock.monotonic())
  })
}

/** @returns how many entries a log may hold whose budgets were all spent for as long as it keeps them */
export function maxEntries (retentionMs: number): number {
  const perMinute = Object.values(ENTRIES_PER_MINUTE).reduce((sum, limit) => sum + limit)
  return Math.ceil(perMinute * retentionMs / MINUTE_MS) + BESIDE
}

/** The last `size` times. */
function createRing (size: number) {
  const times = new Float64Array(size).fill(-Infinity)
  let next = 0
  return {
    push (at: number): void {
      times[next] = at
      next = (next + 1) % size
    },
    oldest: (): number => times[next] ?? -Infinity
  }
}
