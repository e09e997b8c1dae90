import type { Contended, SecretCache } from '../cache/contention.ts'
import type { Clock, Moment } from '../../clock.ts'
import type { CacheKey } from '../../core/cache-key.ts'
import type { UserId } from '../../core/resolution.ts'
import type { RevocationLog } from '../revocation/types.ts'
import type { StoredProfile } from './stored.ts'

export type SharedProfilesOptions = Readonly<{
  cache: SecretCache<StoredProfile>
  /** A keyed digest: no reader of Redis learns who was here. */
  keyOf: (userId: UserId) => CacheKey
  revocations: Pick<RevocationLog, 'trusts' | 'trustsShared'>
  clock: Clock
  /** Milliseconds to wait for another replica that asks. */
  leaseWaitMs: number
}>

type SharedLookup =
  | Readonly<{ kind: 'found', stored: StoredProfile, remainingMs: number }>
  /** `done` hands over what Authgear said, or nothing; call it once. It never rejects. */
  | Readonly<{ kind: 'ask', done: (stored?: StoredProfile) => Promise<void> }>

export type SharedProfiles = Readonly<{
  /** @param isRenewal one that is due for renewal will not do */
  lookup: (userId: UserId, isRenewal: boolean) => Promise<SharedLookup>
}>

/** Share of its life after which a profile in use is renewed in the background. */
export const RENEW_AHEAD = 0.8

const ASK_ALONE: SharedLookup = Object.freeze({ kind: 'ask', done: async () => {} })

/** A service without Redis is a fleet of one. */
export const NO_SHARED_PROFILES: SharedProfiles = Object.freeze({ lookup: async () => ASK_ALONE })

/** One replica asks about a user, for all: by the lease that resolutions have too. */
export function createSharedProfiles (
  { cache, keyOf, revocations, clock, leaseWaitMs }: SharedProfilesOptions
): SharedProfiles {
  const isTrusted = (userId: UserId, { stamp, ttlMs, sealedAt }: StoredProfile): boolean =>
    revocations.trusts({ stamp, ttlMs, sealedAt, digests: [], resolution: { kind: 'valid', userId, identity: [] } })
  return Object.freeze({
    async lookup (userId: UserId, isRenewal: boolean): Promise<SharedLookup> {
      if (!revocations.trustsShared()) return ASK_ALONE
      const accept = (stored: StoredProfile, remainingMs: number): boolean =>
        isTrusted(userId, stored) && !(isRenewal && remainingMs <= stored.ttlMs * (1 - RENEW_AHEAD))
      const key = keyOf(userId)
      const read = await cache.read(key)
      if (read.kind === 'unreachable') return ASK_ALONE
      if (read.kind === 'hit' && accept(read.entry, read.remainingMs)) return found(read)
      const contended = await cache.contend(key, accept, { since: clock.monotonic(), leaseWaitMs })
      return contended.kind === 'won' ? won(contended) : contended.kind === 'found' ? found(contended) : ASK_ALONE
    }
  })
}

function found ({ entry, remainingMs }: Readonly<{ entry: StoredProfile, remainingMs: number }>): SharedLookup {
  return { kind: 'found', stored: entry, remainingMs }
}

function won ({ finish }: Contended<StoredProfile> & { kind: 'won' }): SharedLookup {
  return {
    kind: 'ask',
    done: (stored) =>
      finish(stored === undefined ? { kind: 'keep' } : { kind: 'write', entry: stored, lifeMs: stored.ttlMs })
  }
}

/** When a value was made of which so much is left. */
export function madeAt ({ ttlMs }: StoredProfile, remainingMs: number, clock: Clock): Moment {
  const ageMs = ttlMs - remainingMs
  return { monotonic: clock.monotonic() - ageMs, wall: clock.wall() - ageMs }
}
