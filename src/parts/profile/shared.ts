import type { Clock, Moment } from '../../base/clock.ts'
import type { CacheKey } from '../../base/core/cache-key.ts'
import type { Stamp } from '../../base/core/entry.ts'
import { isPositive, isString, parseJson } from '../../base/core/json.ts'
import type { UserId } from '../../base/core/resolution.ts'
import type { EpochMs } from '../../base/core/token-expiry.ts'
import { PROFILE_FIELDS, type Profile } from '../../base/identity/profile.ts'
import type { Contended, SecretCache } from '../../base/cache/contention.ts'
import type { Form } from '../../base/cache/redis.ts'
import type { Dated } from '../../base/cache/types.ts'
import { keyOfForm } from '../../base/redis/keys.ts'
import type { RevocationLog } from '../../base/revocation/types.ts'
import { ADDRESS_STATES, type AddressState } from './read.ts'

export type SharedProfilesOptions = Readonly<{
  cache: SecretCache<StoredProfile>
  /** A keyed digest, so that Redis does not tell who signed in. */
  keyOf: (userId: UserId) => CacheKey
  revocations: Pick<RevocationLog, 'trusts' | 'trustsShared'>
  clock: Clock
  /** Milliseconds to wait for another replica that reads the user. */
  leaseWaitMs: number
}>

type SharedLookup =
  | Readonly<{ kind: 'found', stored: StoredProfile, remainingMs: number }>
  /** `done` hands over Authgear's answer with its age in milliseconds, or nothing; call it once. It never rejects. */
  | Readonly<{ kind: 'ask', done: (stored: StoredProfile | undefined, ageMs: number) => Promise<void> }>

export type SharedProfiles = Readonly<{
  /** @param isGood says whether a profile of that age will do */
  lookup: (userId: UserId, isGood: (stored: StoredProfile, ageMs: number) => boolean) => Promise<SharedLookup>
}>

/** Share of its life after which a profile in use is renewed in the background. */
export const RENEW_AHEAD = 0.8

const ASK_ALONE: SharedLookup = Object.freeze({ kind: 'ask', done: async () => {} })

/** For a service without Redis: each replica reads for itself. */
export const NO_SHARED_PROFILES: SharedProfiles = Object.freeze({ lookup: async () => ASK_ALONE })

/** One replica reads a user for all, under the kind of lease that resolutions have. */
export function createSharedProfiles (
  { cache, keyOf, revocations, clock, leaseWaitMs }: SharedProfilesOptions
): SharedProfiles {
  const isTrusted = (userId: UserId, { stamp, ttlMs, sealedAt }: StoredProfile): boolean =>
    revocations.trusts({ stamp, ttlMs, sealedAt, digests: [], resolution: { kind: 'valid', userId, identity: [] } })
  return Object.freeze({
    async lookup (userId, isGood): Promise<SharedLookup> {
      if (!revocations.trustsShared()) return ASK_ALONE
      const accept = (stored: StoredProfile, remainingMs: number): boolean =>
        isTrusted(userId, stored) && isGood(stored, stored.ttlMs - remainingMs)
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
    done: (stored, ageMs) => {
      const lifeMs = Math.ceil((stored?.ttlMs ?? 0) - ageMs)
      return finish(stored === undefined || lifeMs <= 0 ? { kind: 'keep' } : { kind: 'write', entry: stored, lifeMs })
    }
  }
}

/** The moment at which a value was made, by its remaining life. */
export function madeAt ({ ttlMs }: StoredProfile, remainingMs: number, clock: Clock): Moment {
  const ageMs = ttlMs - remainingMs
  return { monotonic: clock.monotonic() - ageMs, wall: clock.wall() - ageMs }
}

/**
 * A profile as replicas share it. `stamp`: the position in the revocation log before Authgear was asked. `signedInAt`:
 * the time of the sign-in by which it was read, epoch milliseconds; 0 of the Admin API's.
 */
export type StoredProfile =
  & Dated
  & Readonly<{ profile: Profile, address: AddressState, signedInAt: number, stamp: Stamp }>

/** First byte of an encoded profile, and part of its name. Raise it with every change of form. */
const VERSION = 2
/** The form of a key without a number. */
const FIRST_VERSION = 2
const TEXTS = PROFILE_FIELDS.filter((field) => field !== 'groups')

export const STORED_PROFILE: Form<StoredProfile> = Object.freeze({
  // a lease has the name of an entry's lease
  nameOf: (prefix: string, key: string) => keyOfForm(`${prefix}{${key}}:profile`, VERSION, FIRST_VERSION),
  encode ({ profile, address, signedInAt, stamp, ttlMs, sealedAt }: StoredProfile): Buffer {
    const { generation, position: { id, nonce } } = stamp
    const json = JSON.stringify([profile, address, signedInAt, generation, id, nonce, ttlMs, sealedAt])
    return Buffer.concat([Buffer.of(VERSION), Buffer.from(json)])
  },
  decode (bytes: Uint8Array): StoredProfile | undefined {
    const fields = bytes[0] === VERSION ? parseJson(Buffer.from(bytes.subarray(1)).toString()) : undefined
    if (!Array.isArray(fields) || fields.length !== 8) return undefined
    const [given, state, signedInAt, generation, id, nonce, ttlMs, sealedAt]: unknown[] = fields
    const profile = readProfile(given)
    const address = ADDRESS_STATES.find((one) => one === state)
    if (profile === undefined || address === undefined || typeof signedInAt !== 'number') return undefined
    if (!isString(generation) || !isString(id) || !isString(nonce)) return undefined
    if (!isPositive(ttlMs) || !isPositive(sealedAt)) return undefined
    const stamp = { generation, position: { id, nonce } }
    return { profile, address, signedInAt, stamp, ttlMs, sealedAt: sealedAt as EpochMs }
  }
})

/** Accepts only what `profileOf` could have made: values from Redis are hostile. */
function readProfile (value: unknown): Profile | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const given = value as Readonly<Record<string, unknown>>
  const { groups } = given
  if (Object.keys(given).some((name) => !PROFILE_FIELDS.some((field) => field === name))) return undefined
  if (TEXTS.some((field) => given[field] !== undefined && !isString(given[field]))) return undefined
  if (groups === undefined) return Object.freeze({ ...given })
  if (!Array.isArray(groups) || !groups.every(isString)) return undefined
  return Object.freeze({ ...given, groups: Object.freeze(groups) })
}
