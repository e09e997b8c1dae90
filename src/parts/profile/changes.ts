import { LRUCache } from 'lru-cache'
import { type Clock, elapsedSince, type Moment, momentOf } from '../../base/clock.ts'
import type { Target } from '../../base/revocation/types.ts'
import { type Life, wholeLife } from './source.ts'

type Window = Readonly<{ dueMs: number, endMs: number, mayOutlive: boolean }>

const CACHED: Window = { dueMs: 305_000, endMs: 310_000, mayOutlive: false }
/**
 * userinfo lags behind a change that was told: by milliseconds, since Authgear sends the webhook before it purges its
 * cache, and by 300 s if an administrator changes a verification. A profile read less than `dueMs` after the change is
 * read again from then on, and expires at `endMs`.
 */
const OF_USER = [{ dueMs: 2000, endMs: 4000, mayOutlive: false }, CACHED] as const
/**
 * Everybody active would be read again at once, more than userinfo can answer in seconds: the first window is left out,
 * and a profile outlives the second while userinfo fails.
 */
const OF_EVERYBODY = [{ ...CACHED, mayOutlive: true }] as const
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
      const ageMs = elapsedSince(since, clock)
      const whole = wholeLife(lifeMs)
      const changed = at.get(userId)
      const own = changed === undefined ? whole : within(OF_USER, elapsedSince(changed, clock) - ageMs, whole)
      return within(OF_EVERYBODY, elapsedSince(everybodyAt, clock) - ageMs, own)
    }
  })
}

/** @param readAfterMs from the change to the read */
function within (windows: readonly Window[], readAfterMs: number, life: Life): Life {
  const window = windows.find(({ dueMs }) => readAfterMs < dueMs)
  if (window === undefined) return life
  return {
    lifeMs: Math.min(life.lifeMs, Math.ceil(window.endMs - readAfterMs)),
    renewMs: Math.min(life.renewMs, window.dueMs - readAfterMs),
    mayOutlive: life.mayOutlive && window.mayOutlive
  }
}
