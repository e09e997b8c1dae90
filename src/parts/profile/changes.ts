import { LRUCache } from 'lru-cache'
import { type Clock, elapsedSince, type Moment, momentOf } from '../../base/clock.ts'
import type { Target } from '../../base/revocation/types.ts'
import { type Life, wholeLife } from './source.ts'

/**
 * userinfo is behind a change that was told: by milliseconds, since Authgear tells it before its cache knows, and by
 * 300 s where an administrator verifies an address or takes that back. A profile that was read before `dueMs` after the
 * change is read again from then on, and counts until `endMs`.
 */
const WINDOWS = [{ dueMs: 2000, endMs: 4000 }, { dueMs: 305_000, endMs: 310_000 }] as const
const SETTLED_MS = 310_000
/** Users whose changes are known one by one; what does not fit counts as a change of everybody. */
const MAX_USERS = 20_000

export type Changes = ReturnType<typeof createChanges>

/** The users that the revocation log named of late. */
export function createChanges (clock: Clock, maxUsers = MAX_USERS) {
  let everybodyAt = momentOf(clock) // what was told before the start is not known here
  const at = new LRUCache<string, Moment>({
    max: maxUsers,
    ttl: SETTLED_MS,
    ttlResolution: 0,
    perf: { now: clock.monotonic },
    dispose: (moment, _userId, reason) => {
      if (reason === 'evict' && moment.monotonic > everybodyAt.monotonic) everybodyAt = moment
    }
  })
  function everybody (): void {
    everybodyAt = momentOf(clock)
  }

  return Object.freeze({
    everybody,
    told (target: Target): void {
      if (target.kind === 'everything') everybody()
      else if (target.kind === 'user') at.set(target.userId, momentOf(clock))
    },
    /** The life of a profile that was read then. */
    lifeOf (userId: string, since: Moment, lifeMs: number): Life {
      const sinceMs = Math.min(...[at.get(userId) ?? everybodyAt, everybodyAt].map((one) => elapsedSince(one, clock)))
      const readAfterMs = sinceMs - elapsedSince(since, clock)
      const window = WINDOWS.find(({ dueMs }) => readAfterMs < dueMs)
      const whole = wholeLife(lifeMs)
      if (window === undefined) return whole
      return {
        lifeMs: Math.min(lifeMs, Math.ceil(window.endMs - readAfterMs)),
        renewMs: Math.min(whole.renewMs, window.dueMs - readAfterMs),
        mayOutlive: false
      }
    }
  })
}
