import type { CacheKeys, CacheKey } from '../core/cache-key.ts'
import type { Entry } from '../core/entry.ts'
import { digestsUnder } from '../core/rotation.ts'
import { createSecretCache, type Contended, type SecretCache, type SharedError, type Wait } from './contention.ts'
import { LEASE_MS, systemTiming, type Timing } from './lease.ts'
import type { RedisTier } from './redis.ts'
import type { Accept, CacheRead } from './types.ts'

/** The shared cache's answer for a key that memory does not hold. */
export type SharedLookup =
  | Readonly<{ kind: 'found', entry: Entry, remainingMs: number, coalesced: boolean }>
  /** `done` hands over what Authgear said, or nothing; call it once, whatever happened. It never rejects. */
  | Readonly<{ kind: 'ask', done: (entry?: Entry, lifeMs?: number) => Promise<void> }>

export interface SharedCache {
  /** @param maxWaitMs bounds the wait for another replica's value further than `leaseWaitMs` does */
  lookup (keys: CacheKeys, accept: Accept, maxWaitMs?: number): Promise<SharedLookup>
  /** A plain read: takes no lease and waits for none. */
  read (keys: CacheKeys, accept: Accept): Promise<SharedLookup & { kind: 'found' } | undefined>
}

export type SharedCacheObserver = Readonly<{
  sharedRead: (outcome: CacheRead['kind']) => void
  sharedError: SharedError
}>

/** Entries under CACHE_SECRET_PREVIOUS, and whether new ones go there. */
type PreviousTier = Readonly<{ tier: RedisTier, isWritten: () => boolean }>

export type SharedCacheOptions = Readonly<{
  tier: RedisTier
  /** Only while CACHE_SECRET is rotated. */
  previous?: PreviousTier | undefined
  /** Milliseconds that a loser waits for the holder's value (AUTHGEAR_TIMEOUT: it then asks with a whole one). */
  leaseWaitMs: number
  /** Milliseconds a lease lives without renewal. */
  leaseMs?: number
  timing?: Timing
  observer: SharedCacheObserver
}>

/** Ask Authgear, and share nothing. */
export const ASK_ALONE: SharedLookup = Object.freeze({ kind: 'ask', done: async () => {} })

/** A service without Redis is a fleet of one. */
export const NO_SHARED_CACHE: SharedCache = Object.freeze({
  lookup: async () => ASK_ALONE,
  read: async () => undefined
})

export function createSharedCache (options: SharedCacheOptions): SharedCache {
  const { tier, leaseWaitMs, observer } = options
  const placesOf = createPlaces(options)
  return Object.freeze({
    async lookup (keys: CacheKeys, accept: Accept, maxWaitMs = Infinity): Promise<SharedLookup> {
      const places = placesOf(keys)
      const read = await readAll(places, accept, observer)
      if (read.kind === 'hit') return { ...read, kind: 'found', coalesced: false }
      if (read.kind === 'unreachable') return ASK_ALONE
      const wait = { since: tier.clock.monotonic(), leaseWaitMs: Math.min(leaseWaitMs, maxWaitMs) }
      return await contendForAll(places, accept, wait)
    },
    async read (keys: CacheKeys, accept: Accept) {
      const read = await readAll(placesOf(keys), accept, observer)
      return read.kind === 'hit' ? { ...read, kind: 'found', coalesced: false } as const : undefined
    }
  })
}

/** One entry's place in Redis: under its name of one secret. */
type Place = Readonly<{ cache: SecretCache, key: CacheKey, secret: 'current' | 'previous', isWritten: () => boolean }>

/** The previous secret's first: replicas that know both take their leases in this order. */
function createPlaces (options: SharedCacheOptions): (keys: CacheKeys) => readonly Place[] {
  const { tier, previous, leaseWaitMs, leaseMs = LEASE_MS, timing = systemTiming } = options
  const { sharedError } = options.observer
  const open = (tier: RedisTier): SecretCache =>
    createSecretCache(tier, { leaseWaitMs, leaseMs, timing, sharedError })
  const cache = open(tier)
  const older = previous && { cache: open(previous.tier), isWritten: previous.isWritten }
  const isCurrentWritten = (): boolean => older?.isWritten() !== true
  return (keys) => {
    const current: Place = { cache, key: keys.current, secret: 'current', isWritten: isCurrentWritten }
    return older === undefined || keys.previous === undefined
      ? [current]
      : [{ ...older, key: keys.previous, secret: 'previous' }, current]
  }
}

/**
 * All at once, in one round trip. @returns the youngest entry that may be used; `miss` too where one may not be, and
 * `unreachable` where nothing was found and not all could be read
 */
async function readAll (
  places: readonly Place[],
  accept: Accept,
  { sharedRead, sharedError }: SharedCacheObserver
): Promise<CacheRead> {
  const reads = await Promise.all(places.map(({ cache, key }) => cache.read(key)))
  const unreachable = reads.find((read) => read.kind === 'unreachable')
  const [youngest, ...others] = reads
    .filter((read) => read.kind === 'hit')
    .toSorted((one, other) => ageOf(one) - ageOf(other))
  sharedRead((youngest ?? unreachable ?? reads.find(({ kind }) => kind === 'rejected') ?? { kind: 'miss' }).kind)
  if (unreachable !== undefined) sharedError('read', unreachable.error)
  const usable = [youngest, ...others].find((hit) => hit !== undefined && accept(hit.entry, hit.remainingMs))
  return usable ?? unreachable ?? { kind: 'miss' }
}

function ageOf ({ entry, remainingMs }: CacheRead & { kind: 'hit' }): number {
  return entry.ttlMs - remainingMs
}

type Won = Contended & { kind: 'won' }

/** One of two replicas that share a secret has its lease: none asks Authgear with less than all of its own. */
async function contendForAll (places: readonly Place[], accept: Accept, wait: Wait): Promise<SharedLookup> {
  const held: Array<readonly [Place, Won]> = []
  for (const place of places) {
    const contended = await place.cache.contend(place.key, accept, wait)
    if (contended.kind === 'won') held.push([place, contended])
    if (contended.kind === 'alone') break
    if (contended.kind === 'found') {
      for (const [, { finish }] of held) finish({ kind: 'keep' }).catch(() => {}) // it never rejects
      return contended
    }
  }
  return held.length === 0 ? ASK_ALONE : { kind: 'ask', done: (entry, lifeMs = 0) => finishAll(held, entry, lifeMs) }
}

/** Written under one secret; what is left under the other one is older. */
async function finishAll (held: ReadonlyArray<readonly [Place, Won]>, entry?: Entry, lifeMs = 0): Promise<void> {
  await Promise.all(held.map(([{ secret, isWritten }, { finish }]) => {
    if (entry === undefined) return finish({ kind: 'keep' })
    if (!isWritten()) return finish({ kind: 'drop' })
    const { resolution, stamp, ttlMs, sealedAt } = entry
    const digests = digestsUnder(secret, entry.digests)
    return finish({ kind: 'write', entry: { resolution, stamp, digests, ttlMs, sealedAt }, lifeMs })
  }))
}
