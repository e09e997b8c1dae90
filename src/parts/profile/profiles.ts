import { elapsedSince } from '../../base/clock.ts'
import type { UserId } from '../../base/core/resolution.ts'
import { type Asker, NO_PROFILE, type Profile, type Profiles } from '../../base/identity/profile.ts'
import { createFacts } from './facts.ts'
import { createKnownUsers, type KnownUsersDeps } from './known-users.ts'
import type { ReadUser } from './reader.ts'
import { createReads, type Read } from './reads.ts'
import { signedInAtOf, type Source } from './source.ts'
import type { AnswerOutcome } from './types.ts'
import { isReadableId } from './users.ts'

export type ProfilesDeps = KnownUsersDeps & Readonly<{
  reader: ReadUser
  source: Pick<Source, 'isLent' | 'mayAsk' | 'nameOf'>
  /** PROFILE_TIMEOUT */
  timeoutMs: number
  /** AUTHGEAR_TIMEOUT: the deadline of a decision. */
  decideWithinMs: number
  /** @param count requests with this outcome */
  answered: (outcome: AnswerOutcome, count: number) => void
  /** @returns cancels it */
  after?: (ms: number, act: () => void) => () => void
}>

/** Memory first; other users are read in the background, and a request waits on the first sight of a user only. */
export function createProfiles (deps: ProfilesDeps): Omit<Profiles, 'knows' | 'knowsOfTokens'> {
  const { reader, source, timeoutMs, decideWithinMs, clock, answered, after = afterTimeout } = deps
  const { remembered, usable, usableNow, mayStillDecide, keep, keepFailure } = createKnownUsers(deps)
  const read = createReads({ reader, source, after, remembered, keep, keepFailure })
  const isFromBefore = (asker: Asker, { signedInAt }: Readonly<{ signedInAt: number }>): boolean =>
    source.isLent && signedInAtOf(asker) > signedInAt

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

  function firstSight (asker: Asker): Profile | Promise<Profile> {
    const { userId } = asker
    if (!isReadableId(userId)) return without('unknown')
    const begun = read(asker, Infinity)
    if (begun === undefined) return without('rejected')
    return begun.isLate ? without('unknown') : waitFor(userId, begun)
  }

  function without (outcome: AnswerOutcome): Profile {
    answered(outcome, 1)
    return NO_PROFILE
  }

  return Object.freeze({
    ...createFacts({ remembered, mayStillDecide, isFromBefore, read, clock, decideWithinMs, after }),
    now: usableNow,
    of (asker: Asker): Profile | Promise<Profile> {
      // a resource token opens no profile: it would have one only while a session of its user keeps it here
      if (source.isLent && asker.subject === undefined) return without('unknown')
      const known = remembered(asker.userId)
      if (known === undefined) return firstSight(asker)
      const ageMs = elapsedSince(known.since, clock)
      const isCurrent = ageMs < known.lifeMs && !isFromBefore(asker, known)
      if (isCurrent && ageMs < known.renewMs) { answered('known', 1); return known.profile }
      const begun = clock.monotonic() >= known.nextTryAt
        ? read(asker, isCurrent ? known.renewMs : Infinity)
        : undefined
      // a user who was away for longer than PROFILE_TTL counts as new
      if (!isCurrent && known.failures === 0 && begun?.isLate === false) return waitFor(asker.userId, begun)
      answered(ageMs < known.lifeMs ? 'known' : known.profile === NO_PROFILE ? 'unknown' : 'stale', 1)
      return usable(known, ageMs)
    }
  })
}

function afterTimeout (ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms)
  return () => clearTimeout(timer)
}
