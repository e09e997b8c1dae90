import type { Clock } from '../clock.ts'
import type { LogObserver } from './types.ts'

/** More changes of generation than this within CHANGES_WITHIN_MS: memory alone is used for as long. */
const MAX_CHANGES = 3
const CHANGES_WITHIN_MS = 10 * 60_000
/**
 * While Redis is not used: between two adoptions, each of which voids all that is under way, and how long a broken
 * generation must have stood before a replica changes it, so that many replicas change it once.
 */
const ADOPT_INTERVAL_MS = 10_000

const TOO_MANY =
  'the revocation log in Redis was lost more than three times in ten minutes: does it evict (maxmemory-policy), or ' +
    'do replicas of another version use it? Memory alone is used until ten minutes after the last time'

export type Suspension = ReturnType<typeof createSuspension>

/**
 * A Redis that evicts, a writer to it, or a replica of another version changes generations faster than a resolution
 * takes, and each change voids those under way. From the fourth within ten minutes on Redis counts as away.
 */
export function createSuspension (clock: Pick<Clock, 'monotonic'>, observer: Pick<LogObserver, 'trouble'>) {
  let changes: number[] = []
  let adoptedAt = -Infinity
  let activeUntil = -Infinity
  let seen = ''
  let standsSince = -Infinity
  const isActive = (): boolean => clock.monotonic() < activeUntil
  return Object.freeze({
    isActive,
    /** The generation that a snapshot showed; empty where the log has none. */
    saw (generation: string): void {
      if (generation === seen) return
      seen = generation
      standsSince = clock.monotonic()
    },
    adopted (isFirst: boolean): void {
      if (isFirst) return
      const now = clock.monotonic()
      const wasActive = isActive()
      adoptedAt = now
      changes = [...changes.filter((at) => now - at < CHANGES_WITHIN_MS), now].slice(-MAX_CHANGES - 1)
      if (changes.length <= MAX_CHANGES) return
      activeUntil = now + CHANGES_WITHIN_MS
      if (!wasActive) observer.trouble(TOO_MANY)
    },
    mayAdopt: (): boolean => !isActive() || clock.monotonic() - adoptedAt >= ADOPT_INTERVAL_MS,
    /** A yes counts as the attempt. */
    mayChange (): boolean {
      const now = clock.monotonic()
      if (isActive() && now - Math.max(standsSince, adoptedAt) < ADOPT_INTERVAL_MS) return false
      standsSince = now
      return true
    }
  })
}
