import { type Clock, type Moment, momentOf } from '../../base/clock.ts'
import type { UserId } from '../../base/core/resolution.ts'
import { NO_PROFILE, type Profile } from '../../base/identity/profile.ts'
import type { RevocationLog, RevocationSnapshot } from '../../base/revocation/types.ts'
import type { Batches, BatchReading } from './batches.ts'
import { profileOf } from './read.ts'
import { madeAt, type SharedProfiles } from './shared.ts'
import type { ProfileRules, ReadOutcome } from './types.ts'

export type ReaderDeps = Readonly<{
  batches: Batches
  shared: SharedProfiles
  revocations: Pick<RevocationLog, 'snapshot' | 'isVoid' | 'trustsShared'>
  rules: ProfileRules
  /** PROFILE_TTL */
  ttlMs: number
  clock: Clock
  /** From 0 to 1. */
  random: () => number
  read: (outcome: ReadOutcome) => void
}>

/** A profile to remember. */
export type Learned = Readonly<{
  profile: Profile
  since: Moment
  lifeMs: number
  /** Position in the revocation log before Authgear was asked. */
  snapshot: Pick<RevocationSnapshot, 'stamp' | 'local'>
  isEmpty: boolean
}>

/** Reads of a user whom revocations keep naming meanwhile. */
const MAX_ATTEMPTS = 2
/** Spreads expiry, so that users who came together are not renewed together. */
const JITTER = 0.1
/** Life of an empty profile, of an unknown or a disabled user: read again soon, and never shared. */
const EMPTY_LIFE_MS = 5000

/**
 * Reads one user from Redis or the Admin API. Never rejects; undefined if nothing was learned. `dropped`: revocations
 * named the user during each attempt, which is no failure of the Admin API.
 */
export type ReadUser = (userId: UserId, maxAgeMs: number) => Promise<Learned | 'dropped' | undefined>

export function createReader (deps: ReaderDeps): ReadUser {
  const { revocations } = deps
  return async (userId, maxAgeMs) => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const learned = await readOnce(deps, userId, maxAgeMs)
      if (learned === undefined || !revocations.isVoid({ userId, digests: [] }, learned.snapshot)) return learned
    }
    deps.read('dropped')
    return 'dropped'
  }
}

async function readOnce (deps: ReaderDeps, userId: UserId, maxAgeMs: number): Promise<Learned | undefined> {
  const { shared, revocations, clock, batches } = deps
  const lookup = await shared.lookup(userId, maxAgeMs)
  if (lookup.kind === 'found') {
    const { stored, remainingMs } = lookup
    deps.read('redis')
    return {
      profile: stored.profile,
      since: madeAt(stored, remainingMs, clock),
      lifeMs: stored.ttlMs,
      snapshot: { stamp: stored.stamp, local: revocations.snapshot().local }, // trusted: nothing is pending about them
      isEmpty: false
    }
  }
  const snapshot = revocations.snapshot() // before Authgear is asked: its answer may lack later changes
  const learned = learn(deps, await batches.read(userId), snapshot)
  await lookup.done(isShareable(deps, userId, learned) ? sealable(learned, clock) : undefined)
  return learned
}

function learn (
  { rules, ttlMs, clock, random, read }: ReaderDeps,
  reading: BatchReading,
  snapshot: Learned['snapshot']
): Learned | undefined {
  const since = momentOf(clock)
  const isDisabled = reading.kind === 'user' && reading.record.isDisabled
  read(isDisabled ? 'disabled' : reading.kind)
  if (isDisabled || reading.kind === 'none') {
    return { profile: NO_PROFILE, since, lifeMs: EMPTY_LIFE_MS, snapshot, isEmpty: true }
  }
  if (reading.kind !== 'user') return undefined
  const profile = profileOf(reading.record, rules)
  const lifeMs = Math.ceil(ttlMs * (1 - JITTER * random()))
  return { profile, since, lifeMs, snapshot, isEmpty: false }
}

function isShareable (
  { revocations }: ReaderDeps,
  userId: UserId,
  learned: Learned | undefined
): learned is Learned {
  return learned !== undefined && !learned.isEmpty && revocations.trustsShared() &&
    !revocations.isVoid({ userId, digests: [] }, learned.snapshot)
}

const sealable = ({ profile, lifeMs, snapshot: { stamp } }: Learned, clock: Clock) =>
  ({ profile, stamp, ttlMs: lifeMs, sealedAt: clock.wall() })
