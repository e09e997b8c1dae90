import { LRUCache } from 'lru-cache'
import { type Clock, elapsedSince, momentOf } from '../../base/clock.ts'
import { readAddress } from '../../base/core/email.ts'
import type { Facts } from '../../base/core/requirement.ts'
import type { UserId } from '../../base/core/resolution.ts'
import { NO_PROFILE, type Profile } from '../../base/identity/profile.ts'
import type { RevocationLog } from '../../base/revocation/types.ts'
import type { AddressState } from './read.ts'
import type { Learned } from './reader.ts'

export type KnownUsersDeps = Readonly<{
  revocations: Pick<RevocationLog, 'isVoid' | 'snapshot' | 'isFollowing'>
  maxBytes: number
  /** CACHE_STALE_IF_ERROR */
  staleIfErrorMs: number
  clock: Clock
}>

/** Pause after a user's data could not be read. */
const RETRY_MS = 5000
/** Multiple of its life for which a profile is used while no newer one can be read. */
export const MAX_STALE_LIVES = 12

/** One user as this replica knows them. */
type Known = Omit<Learned, 'snapshot' | 'isEmpty'> & {
  /** The facts in the profile that may decide; unknown while Authgear hides the address. */
  facts: Facts | 'unknown'
  /** Moves forward as the log is read. */
  snapshot: Learned['snapshot']
  /** True while a refusal is being confirmed. */
  isConfirming: boolean
  /** Refusals confirmed since the last renewal or change. */
  confirmed: number
  /** Consecutive attempts that brought nothing. */
  failures: number
  /** Monotonic milliseconds. */
  nextTryAt: number
}

/** The users in memory. */
export function createKnownUsers ({ revocations, maxBytes, staleIfErrorMs, clock }: KnownUsersDeps) {
  const memory = new LRUCache<UserId, Known>({ maxSize: maxBytes, sizeCalculation: bytesOf })

  /** The entry in memory, unless a revocation has named the user since. */
  function remembered (userId: UserId): Known | undefined {
    const known = memory.get(userId)
    if (known === undefined || !revocations.isVoid({ userId, digests: [] }, known.snapshot)) return known
    memory.delete(userId)
    return undefined
  }

  /** Past its life a profile is used only while every change would be noticed. */
  function usable ({ profile, lifeMs, mayOutlive }: Known, ageMs: number): Profile {
    const isUsable = ageMs < lifeMs ||
      (mayOutlive && ageMs < lifeMs * MAX_STALE_LIVES && revocations.isFollowing())
    return isUsable ? profile : NO_PROFILE
  }

  /** Past its life a profile that could not be read again decides for a while, if every change would be noticed. */
  function mayStillDecide ({ lifeMs, mayOutlive }: Known, ageMs: number): boolean {
    return ageMs < lifeMs || (mayOutlive && ageMs < lifeMs + staleIfErrorMs && revocations.isFollowing())
  }

  function usableNow (userId: UserId): Profile {
    const known = remembered(userId)
    return known === undefined ? NO_PROFILE : usable(known, elapsedSince(known.since, clock))
  }

  function keep (userId: UserId, { isEmpty, ...learned }: Learned): void {
    const before = memory.peek(userId)
    const isOld = before !== undefined && before.address === learned.address && isSame(before.profile, learned.profile)
    const profile = isOld ? before.profile : learned.profile
    const confirmed = isOld && before.isConfirming ? before.confirmed + 1 : 0
    const nextTryAt = isEmpty ? clock.monotonic() + learned.lifeMs : -Infinity
    const facts = factsOf(profile, learned.address)
    const tries = { isConfirming: false, confirmed, failures: Number(isEmpty), nextTryAt }
    memory.set(userId, { ...learned, ...tries, profile, facts })
  }

  /**
   * Keeps what is known in use: it is as good as now, since no revocation names the user up to here.
   * @param why a source that failed has its own pause
   */
  function keepFailure (userId: UserId, why: 'failed' | 'unreadable'): void {
    const nextTryAt = why === 'unreadable' ? clock.monotonic() + RETRY_MS : -Infinity
    const snapshot = revocations.snapshot()
    const known = remembered(userId)
    const tries = { snapshot, nextTryAt, failures: (known?.failures ?? 0) + 1, isConfirming: false }
    if (known !== undefined) Object.assign(known, tries)
    else memory.set(userId, { ...tries, ...NOTHING_KNOWN, since: momentOf(clock) })
  }

  return Object.freeze({ remembered, usable, usableNow, mayStillDecide, keep, keepFailure })
}

export type KnownUsers = ReturnType<typeof createKnownUsers>

const NOTHING_KNOWN = Object.freeze({
  profile: NO_PROFILE,
  address: 'other',
  facts: 'unknown',
  signedInAt: 0,
  confirmed: 0,
  lifeMs: 0,
  renewMs: 0,
  mayOutlive: false
})

function factsOf ({ email, groups = [] }: Profile, state: AddressState): Facts | 'unknown' {
  if (state === 'hidden') return 'unknown'
  const address = state === 'verified' && email !== undefined ? readAddress(email) : undefined
  return Object.freeze({ address, groups })
}

/** Measured on Node 24: 625 for an entry without texts: key, place in the list, stamp, moment, an empty profile. */
const ENTRY_BYTES = 640

/** Counts two bytes a character, as a text beyond Latin-1 takes. */
function bytesOf ({ profile }: Known): number {
  const texts = Object.values(profile).flat()
  return ENTRY_BYTES + texts.reduce((sum, text) => sum + 24 + 2 * text.length, 0)
}

function isSame (one: Profile, other: Profile): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
