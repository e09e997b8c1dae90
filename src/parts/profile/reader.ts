import { type Clock, elapsedSince, type Moment, momentOf } from '../../base/clock.ts'
import { type Asker, NO_PROFILE, type Profile } from '../../base/identity/profile.ts'
import type { RevocationLog, RevocationSnapshot } from '../../base/revocation/types.ts'
import { type AddressState, addressStateOf, profileOf } from './read.ts'
import { madeAt, type SharedProfiles, type StoredProfile } from './shared.ts'
import { type Life, type Reading, type Source, wholeLife } from './source.ts'
import type { ProfileRules, ReadOutcome } from './types.ts'

export type ReaderDeps = Readonly<{
  source: Source
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
export type Learned = Life & Readonly<{
  profile: Profile
  address: AddressState
  /** As `Bounds` have it. */
  signedInAt: number
  since: Moment
  /** Position in the revocation log before Authgear was asked. */
  snapshot: Pick<RevocationSnapshot, 'stamp' | 'local'>
  isEmpty: boolean
}>

/** Reads of a user whom revocations keep naming meanwhile: a sign-up is three events. */
const MAX_ATTEMPTS = 4
/** Spreads expiry, so that users who came together are not renewed together. */
const JITTER = 0.1
/** Life of an empty profile, of an unknown or a disabled user: read again soon, and never shared. */
const EMPTY_LIFE_MS = 5000

/** The oldest profile that will do, and the sign-in that it must not predate: epoch milliseconds; 0 for any. */
type Bounds = Readonly<{ maxAgeMs: number, signedInAt: number }>

/**
 * `dropped`: revocations named the user during each attempt. `refused`: these credentials failed. `unreadable`: the
 * user's data did. `failed`: the source failed, which says nothing about the user.
 */
type Unlearned = 'dropped' | 'refused' | 'unreadable' | 'failed'

/** Reads one user from Redis or Authgear. Never rejects. */
export type ReadUser = (asker: Asker, bounds: Bounds) => Promise<Learned | Unlearned>

export function createReader (deps: ReaderDeps): ReadUser {
  const { revocations } = deps
  return async (asker, bounds) => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const learned = await readOnce(deps, asker, bounds)
      if (typeof learned !== 'object') return learned
      if (!revocations.isVoid({ userId: asker.userId, digests: [] }, learned.snapshot)) return learned
    }
    deps.read('dropped')
    return 'dropped'
  }
}

async function readOnce (
  deps: ReaderDeps, asker: Asker, bounds: Bounds
): Promise<Learned | Unlearned> {
  const { shared, revocations, clock, source } = deps
  const { userId } = asker
  const { signedInAt } = bounds
  const isGood = (stored: StoredProfile, ageMs: number): boolean => {
    const since = madeAt(stored, stored.ttlMs - ageMs, clock)
    return ageMs < Math.min(bounds.maxAgeMs, source.lifeOf(asker, since, stored.ttlMs).lifeMs) &&
      stored.signedInAt >= signedInAt
  }
  const lookup = await shared.lookup(userId, isGood)
  if (lookup.kind === 'found') {
    const { stored, remainingMs } = lookup
    const { profile, address, ttlMs } = stored
    const since = madeAt(stored, remainingMs, clock)
    deps.read('redis')
    return {
      ...source.lifeOf(asker, since, ttlMs),
      profile,
      address,
      signedInAt: stored.signedInAt,
      since,
      snapshot: { stamp: stored.stamp, local: revocations.snapshot().local }, // trusted: nothing is pending about them
      isEmpty: false
    }
  }
  // before Authgear is asked: its answer may lack later changes, however long it takes
  const [snapshot, since] = [revocations.snapshot(), momentOf(clock)]
  const learned = learn(deps, asker, await source.read(asker), { signedInAt, snapshot, since })
  const stored = isShareable(deps, userId, learned) ? sealable(learned, clock) : undefined
  await lookup.done(stored, elapsedSince(since, clock))
  return learned
}

function learn (
  { rules, ttlMs, random, read, source }: ReaderDeps,
  asker: Asker,
  reading: Reading,
  common: Pick<Learned, 'signedInAt' | 'snapshot' | 'since'>
): Learned | Unlearned {
  const isDisabled = reading.kind === 'user' && reading.record.isDisabled
  const address = reading.kind === 'user' ? addressStateOf(reading.record, rules) : 'other'
  read(isDisabled ? 'disabled' : address === 'hidden' ? 'hidden' : reading.kind)
  if (isDisabled || reading.kind === 'none') {
    return { ...common, ...wholeLife(EMPTY_LIFE_MS), profile: NO_PROFILE, address, isEmpty: true }
  }
  if (reading.kind === 'failed') return 'failed'
  if (reading.kind !== 'user') return source.isLent ? 'refused' : 'unreadable'
  const lifeMs = Math.ceil(ttlMs * (1 - JITTER * random()))
  const profile = profileOf(reading.record, rules)
  return { ...common, ...source.lifeOf(asker, common.since, lifeMs), profile, address, isEmpty: false }
}

function isShareable (
  { revocations }: ReaderDeps,
  userId: Asker['userId'],
  learned: Learned | Unlearned
): learned is Learned {
  return typeof learned === 'object' && !learned.isEmpty && revocations.trustsShared() &&
    !revocations.isVoid({ userId, digests: [] }, learned.snapshot)
}

const sealable = ({ profile, address, signedInAt, lifeMs, snapshot: { stamp } }: Learned, clock: Clock) =>
  ({ profile, address, signedInAt, stamp, ttlMs: lifeMs, sealedAt: clock.wall() })
