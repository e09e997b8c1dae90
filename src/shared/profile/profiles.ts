import { LRUCache } from 'lru-cache'
import { elapsedSince, momentOf, type Clock } from '../../clock.ts'
import { isReadableId } from '../../authgear/admin-api/users.ts'
import type { UserId } from '../../core/resolution.ts'
import type { RevocationLog } from '../revocation/types.ts'
import type { Pause } from './batches.ts'
import type { Learned } from './reader.ts'
import { RENEW_AHEAD } from './shared.ts'
import { NO_PROFILE, type Profile, type Profiles } from './types.ts'

/**
 * How `of` answered. `known`: from memory. `stale`: from memory, past its life. `waited`. `late`: waited in vain.
 * `unknown`: nothing is known of the user, nobody waited. `rejected`: too many users wait, or the Admin API rests.
 */
export const ANSWER_OUTCOMES = ['known', 'stale', 'waited', 'late', 'unknown', 'rejected'] as const
export type AnswerOutcome = typeof ANSWER_OUTCOMES[number]

export type ProfilesDeps = Readonly<{
  reader: (userId: UserId, isRenewal: boolean) => Promise<Learned | undefined>
  pause: Pick<Pause, 'isOver'>
  revocations: Pick<RevocationLog, 'isVoid' | 'snapshot' | 'isFollowing'>
  /** PROFILE_TIMEOUT */
  timeoutMs: number
  maxBytes: number
  clock: Clock
  /** @param count requests that were answered so */
  answered: (outcome: AnswerOutcome, count: number) => void
  /** @returns cancels it */
  after?: (ms: number, act: () => void) => () => void
}>

/** Users who are read at a time, and wait to be: some four seconds of Authgear's work, and 1 kB each. */
export const MAX_READS = 4096
/** After a try that brought nothing about a user. */
const RETRY_MS = 5000
/** Lives for which a profile is given while no newer one can be had. */
export const MAX_STALE_LIVES = 12

/** One user as this replica knows them. */
type Known = Omit<Learned, 'snapshot' | 'isEmpty'> & {
  /** Raised with what was read of the log meanwhile. */
  snapshot: Learned['snapshot']
  /** Tries in a row that brought nothing. */
  failures: number
  /** Monotonic milliseconds: no try before. */
  nextTryAt: number
}

/** One user is being read. `isLate`: PROFILE_TIMEOUT has passed, and nobody waits any more. */
type Read = { readonly ended: Promise<void>, waiting: Promise<Profile> | undefined, waiters: number, isLate: boolean }

/** Memory first; what it lacks is read in the background, and waited for on the first sight of a user only. */
export function createProfiles (deps: ProfilesDeps): Profiles {
  const { reader, pause, revocations, timeoutMs, clock, answered, after = afterTimeout } = deps
  const memory = new LRUCache<UserId, Known>({ maxSize: deps.maxBytes, sizeCalculation: bytesOf })
  const reads = new Map<UserId, Read>()

  /** Never one that the revocation log has named since. */
  function remembered (userId: UserId): Known | undefined {
    const known = memory.get(userId)
    if (known === undefined || !revocations.isVoid({ userId, digests: [] }, known.snapshot)) return known
    memory.delete(userId)
    return undefined
  }

  /** Past its life a profile holds only while every change would be heard of. */
  function usable ({ profile, lifeMs }: Known, ageMs: number): Profile {
    const isUsable = ageMs < lifeMs || (ageMs < lifeMs * MAX_STALE_LIVES && revocations.isFollowing())
    return isUsable ? profile : NO_PROFILE
  }

  function usableNow (userId: UserId): Profile {
    const known = remembered(userId)
    return known === undefined ? NO_PROFILE : usable(known, elapsedSince(known.since, clock))
  }

  function keep (userId: UserId, { isEmpty, ...learned }: Learned): void {
    const before = memory.peek(userId)?.profile
    const profile = before !== undefined && isSame(before, learned.profile) ? before : learned.profile
    const nextTryAt = isEmpty ? clock.monotonic() + learned.lifeMs : -Infinity
    memory.set(userId, { ...learned, profile, failures: Number(isEmpty), nextTryAt })
  }

  /** What is known goes on to be given; it is as good as now, since the log does not name the user up to here. */
  function keepFailure (userId: UserId): void {
    const nextTryAt = clock.monotonic() + RETRY_MS
    const snapshot = revocations.snapshot()
    const known = remembered(userId)
    const tries = { snapshot, nextTryAt, failures: (known?.failures ?? 0) + 1 }
    if (known !== undefined) Object.assign(known, tries)
    else memory.set(userId, { ...tries, profile: NO_PROFILE, since: momentOf(clock), lifeMs: 0 })
  }

  /** @returns undefined where there is no room, or the Admin API rests */
  function read (userId: UserId, isRenewal: boolean): Read | undefined {
    const running = reads.get(userId)
    if (running !== undefined || reads.size >= MAX_READS || !pause.isOver()) return running
    const settle = (learned: Learned | undefined): void => {
      reads.delete(userId)
      if (learned === undefined) keepFailure(userId)
      else keep(userId, learned)
    }
    const ended = reader(userId, isRenewal).then(settle, () => settle(undefined))
    const begun: Read = { ended, waiting: undefined, waiters: 0, isLate: false }
    reads.set(userId, begun)
    return begun
  }

  /** All who ask about one user wait together. */
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
    const begun = read(userId, false)
    if (begun === undefined) return without('rejected')
    return begun.isLate ? without('unknown') : waitFor(userId, begun)
  }

  function without (outcome: AnswerOutcome): Profile {
    answered(outcome, 1)
    return NO_PROFILE
  }

  return Object.freeze({
    now: usableNow,
    of (userId: UserId): Profile | Promise<Profile> {
      const known = remembered(userId)
      if (known === undefined) return firstSight(userId)
      const ageMs = elapsedSince(known.since, clock)
      if (ageMs < known.lifeMs * RENEW_AHEAD) { answered('known', 1); return known.profile }
      const begun = clock.monotonic() >= known.nextTryAt ? read(userId, ageMs < known.lifeMs) : undefined
      // somebody who was away for longer than PROFILE_TTL is new here
      if (ageMs >= known.lifeMs && known.failures === 0 && begun?.isLate === false) return waitFor(userId, begun)
      answered(ageMs < known.lifeMs ? 'known' : known.profile === NO_PROFILE ? 'unknown' : 'stale', 1)
      return usable(known, ageMs)
    }
  })
}

/** Measured on Node 24: 625 for an entry without texts: key, place in the list, stamp, moment, an empty profile. */
const ENTRY_BYTES = 640

/** Two bytes a character, as a text beyond Latin-1 takes. */
function bytesOf ({ profile }: Known): number {
  const texts = Object.values(profile).flat()
  return ENTRY_BYTES + texts.reduce((sum, text) => sum + 24 + 2 * text.length, 0)
}

function isSame (one: Profile, other: Profile): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function afterTimeout (ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms)
  return () => clearTimeout(timer)
}
