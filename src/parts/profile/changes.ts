import { LRUCache } from 'lru-cache'
import type { Clock, Moment } from '../../base/clock.ts'
import type { Target } from '../../base/revocation/types.ts'
import { type Life, wholeLife } from './source.ts'

type Window = Readonly<{ dueMs: number, endMs: number, mayOutlive: boolean }>

const CACHED: Window = { dueMs: 305_000, endMs: 310_000, mayOutlive: false }
/**
 * userinfo lags behind a reported change: by milliseconds, since Authgear sends the webhook before it purges its
 * cache, and by 300 s if an administrator changes a verification. A profile read less than `dueMs` after the change is
 * read again from then on, and expires at `endMs`.
 */
const OF_USER: readonly Window[] = [{ dueMs: 2000, endMs: 4000, mayOutlive: false }, CACHED]
/** Of everybody, or an old entry that a replica reads at its start: userinfo cannot answer about all at once. */
const OF_MANY: readonly Window[] = [{ dueMs: 2000, endMs: 310_000, mayOutlive: false }, CACHED]
/** Nothing was reported: a replica starts, or follows a new log. */
const OF_START: readonly Window[] = [{ ...CACHED, mayOutlive: true }]
/** Users whose changes are known one by one; what does not fit counts as a change of everybody. */
const MAX_USERS = 20_000

/** An entry that is older was told to others before. The clocks may differ, so it still counts from its reading. */
const OLD_MS = 10_000

export type Changes = ReturnType<typeof createChanges>

/** An entry of the revocation log: `of` is the same in its copies, `at` is Redis' wall clock. */
type Entry = Readonly<{ of?: string | undefined, at: number }>
/** `at`: monotonic milliseconds. */
type Change = Readonly<{ at: number, of: string | undefined, windows: readonly Window[] }>

/** The users that the revocation log named of late. */
export function createChanges (clock: Clock, maxUsers = MAX_USERS) {
  let startedAt = clock.monotonic()
  let everybodyAt = -Infinity
  const changed = new LRUCache<string, Change>({
    max: maxUsers,
    ttl: CACHED.endMs,
    ttlResolution: 0,
    perf: { now: clock.monotonic },
    dispose: ({ at }, _userId, reason) => {
      if (reason === 'evict') everybodyAt = Math.max(everybodyAt, at)
    }
  })

  function toldOf (userId: string, entry: Entry | undefined): void {
    const of = entry?.of
    if (of !== undefined && changed.get(userId)?.of === of) return // a copy in a new log changes nothing
    const isOld = entry !== undefined && clock.wall() - entry.at > OLD_MS
    changed.set(userId, { at: clock.monotonic(), of, windows: isOld ? OF_MANY : OF_USER })
  }
  const everybody = (): void => { everybodyAt = clock.monotonic() }

  return Object.freeze({
    begins (): void { startedAt = clock.monotonic() },
    everybody,
    /** @param entry undefined: told just now, to this replica */
    told (target: Target, entry?: Entry): void {
      if (target.kind === 'user') toldOf(target.userId, entry)
      else if (target.kind === 'everything') everybody()
    },
    /** The life of a profile that was read then. By monotonic time: a wall clock set forward must end no window. */
    lifeOf (userId: string, { monotonic: readAt }: Moment, lifeMs: number): Life {
      const own = changed.get(userId)
      const sinceStart = within(OF_START, readAt - startedAt, wholeLife(lifeMs))
      const all = within(OF_MANY, readAt - everybodyAt, sinceStart)
      return own === undefined ? all : within(own.windows, readAt - own.at, all)
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
