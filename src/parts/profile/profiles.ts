import { elapsedSince } from '../../base/clock.ts'
import type { UserId } from '../../base/core/resolution.ts'
import { NO_PROFILE, type Profile, type Profiles } from '../../base/identity/profile.ts'
import type { Pause } from './batches.ts'
import { createFacts, freshAfter } from './facts.ts'
import { createKnownUsers, type KnownUsersDeps } from './known-users.ts'
import type { Learned, ReadUser } from './reader.ts'
import { RENEW_AHEAD } from './shared.ts'
import type { AnswerOutcome } from './types.ts'
import { isReadableId } from './users.ts'

export type ProfilesDeps = KnownUsersDeps & Readonly<{
  reader: ReadUser
  pause: Pick<Pause, 'isOver'>
  /** PROFILE_TIMEOUT */
  timeoutMs: number
  /** AUTHGEAR_TIMEOUT: a decision waits for so long. */
  decideWithinMs: number
  /** @param count requests with this outcome */
  answered: (outcome: AnswerOutcome, count: number) => void
  /** @returns cancels it */
  after?: (ms: number, act: () => void) => () => void
}>

/** Users being read or waiting to be: some four seconds of Authgear's work, and 1 kB each. */
export const MAX_READS = 4096
/** A user being read. `isLate`: PROFILE_TIMEOUT has passed, and no request waits any more. */
type Read = {
  readonly ended: Promise<void>
  waiting: Promise<Profile> | undefined
  waiters: number
  isLate: boolean
}

/** Memory first; other users are read in the background, and a request waits on the first sight of a user only. */
export function createProfiles (deps: ProfilesDeps): Omit<Profiles, 'knows'> {
  const { reader, pause, timeoutMs, decideWithinMs, clock, answered, after = afterTimeout } = deps
  const { remembered, usable, usableNow, mayStillDecide, keep, keepFailure } = createKnownUsers(deps)
  const reads = new Map<UserId, Read>()

  /** @returns undefined where there is no room, or the Admin API rests */
  function read (userId: UserId, maxAgeMs: number): Read | undefined {
    const running = reads.get(userId)
    if (running !== undefined || reads.size >= MAX_READS || !pause.isOver()) return running
    const settle = (learned: Learned | 'dropped' | undefined): void => {
      reads.delete(userId)
      if (learned === undefined) keepFailure(userId)
      else if (learned !== 'dropped') keep(userId, learned) // the next request reads again, without a pause
    }
    const ended = reader(userId, maxAgeMs).then(settle, () => settle(undefined))
    const begun: Read = { ended, waiting: undefined, waiters: 0, isLate: false }
    reads.set(userId, begun)
    return begun
  }

  /** All requests of one user wait for one read. */
  function waitFor (userId: UserId, read: Read): Promise<Profile> {
    read.waiting ??= new Promise((resolve) => {
      const cancel = after(timeoutMs, () => {
        read.isLate = true
        answered('late', read.waiters)
        resolve(usableNow(userId))
      })
      read.ended.then(() => {
        if (read.isLate) return
        cancel()
        answered('waited', read.waiters)
        resolve(usableNow(userId))
      }, () => {})
    })
    read.waiters++
    return read.waiting
  }

  function firstSight (userId: UserId): Profile | Promise<Profile> {
    if (!isReadableId(userId)) return without('unknown')
    const begun = read(userId, Infinity)
    if (begun === undefined) return without('rejected')
    return begun.isLate ? without('unknown') : waitFor(userId, begun)
  }

  function without (outcome: AnswerOutcome): Profile {
    answered(outcome, 1)
    return NO_PROFILE
  }

  return Object.freeze({
    ...createFacts({ remembered, mayStillDecide, read, clock, decideWithinMs, after }),
    now: usableNow,
    of (userId: UserId): Profile | Promise<Profile> {
      const known = remembered(userId)
      if (known === undefined) return firstSight(userId)
      const ageMs = elapsedSince(known.since, clock)
      if (ageMs < known.lifeMs * RENEW_AHEAD) { answered('known', 1); return known.profile }
      const begun = clock.monotonic() >= known.nextTryAt ? read(userId, freshAfter(known, ageMs)) : undefined
      // a user who was away for longer than PROFILE_TTL counts as new
      if (ageMs >= known.lifeMs && known.failures === 0 && begun?.isLate === false) return waitFor(userId, begun)
      answered(ageMs < known.lifeMs ? 'known' : known.profile === NO_PROFILE ? 'unknown' : 'stale', 1)
      return usable(known, ageMs)
    }
  })
}

function afterTimeout (ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms)
  return () => clearTimeout(timer)
}
