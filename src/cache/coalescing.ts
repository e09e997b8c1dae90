import { randomBytes } from 'node:crypto'
import type { CacheKey } from '../core/cache-key.ts'
import type { Entry } from '../core/entry.ts'
import { RedisTooSlow } from '../errors.ts'
import { createLeases, systemTiming, type Leases, type Timing } from './lease.ts'
import { createRedisCache, type RedisCache, type RedisTier } from './redis.ts'
import type { Accept, CacheRead } from './types.ts'

/** The shared cache's answer for a key that memory does not hold. */
export type SharedLookup =
  | Readonly<{ kind: 'found', entry: Entry, remainingMs: number, coalesced: boolean }>
  /** `done` hands over what Authgear said, or nothing; call it once, whatever happened. It never rejects. */
  | Readonly<{ kind: 'ask', done: (entry?: Entry, lifeMs?: number) => Promise<void> }>

export interface SharedCache {
  /** @param maxWaitMs bounds the wait for another replica's value further than `leaseWaitMs` does */
  lookup (key: CacheKey, accept: Accept, maxWaitMs?: number): Promise<SharedLookup>
  /** A plain read: takes no lease and waits for none. */
  read (key: CacheKey, accept: Accept): Promise<SharedLookup & { kind: 'found' } | undefined>
}

export type SharedCacheObserver = Readonly<{
  sharedRead: (outcome: CacheRead['kind']) => void
  sharedError: (operation: 'read' | 'lease' | 'write' | 'release', error: unknown) => void
}>

export type SharedCacheOptions = Readonly<{
  tier: RedisTier
  /** Milliseconds that a loser waits for the holder's value (AUTHGEAR_TIMEOUT: it then asks with a whole one). */
  leaseWaitMs: number
  /** Milliseconds a lease lives without renewal. */
  leaseMs?: number
  timing?: Timing
  observer: SharedCacheObserver
}>

/** Long enough for a busy event loop and two lost renewals, short enough to wait for a dead holder. */
const LEASE_MS = 400
/** Two resolutions, since a doubtful one is repeated, and a margin for the write. */
const maxHoldOf = (leaseWaitMs: number): number => 2 * leaseWaitMs + 500

/** A loser looks for the end of the lease after 10 ms, later less often; 60 ms is what it may lose by it. */
const MIN_POLL_MS = 10
const MAX_POLL_MS = 40
const POLL_GROWTH = 0.1
const POLL_JITTER = 0.15

/** Ask Authgear, and share nothing. */
export const ASK_ALONE: SharedLookup = Object.freeze({ kind: 'ask', done: async () => {} })

/** A service without Redis is a fleet of one. */
export const NO_SHARED_CACHE: SharedCache = Object.freeze({
  lookup: async () => ASK_ALONE,
  read: async () => undefined
})

export function createSharedCache (options: SharedCacheOptions): SharedCache {
  const { tier, leaseWaitMs, leaseMs = LEASE_MS, timing = systemTiming, observer } = options
  const leases = createLeases(tier, { leaseMs, maxHoldMs: maxHoldOf(leaseWaitMs), timing })
  const shared: Shared = { tier, timing, observer, leases, leaseMs, cache: createRedisCache(tier) }
  return Object.freeze({
    lookup: (key: CacheKey, accept: Accept, maxWaitMs = Infinity) =>
      lookup({ shared, accept, leaseWaitMs: Math.min(leaseWaitMs, maxWaitMs) }, key),
    read: async (key: CacheKey, accept: Accept) => found(await readReported(shared, key), accept)
  })
}

type Shared = Readonly<{
  tier: RedisTier
  timing: Timing
  observer: SharedCacheObserver
  cache: RedisCache
  leases: Leases
  leaseMs: number
}>
type Context = Readonly<{ shared: Shared, accept: Accept, leaseWaitMs: number }>

async function lookup (context: Context, key: CacheKey): Promise<SharedLookup> {
  const read = await readReported(context.shared, key)
  const known = found(read, context.accept)
  if (known !== undefined) return known
  return read.kind === 'unreachable' ? ASK_ALONE : await contend(context, key)
}

function found (read: CacheRead, accept: Accept): SharedLookup & { kind: 'found' } | undefined {
  return read.kind === 'hit' && accept(read.entry, read.remainingMs)
    ? { ...read, kind: 'found', coalesced: false }
    : undefined
}

/**
 * One replica asks Authgear, the others wait while its lease lives, and the next one takes it where that brings no
 * value; none waits for a Redis that is gone.
 */
async function contend (context: Context, key: CacheKey): Promise<SharedLookup> {
  const { shared, accept } = context
  const token = randomBytes(16).toString('base64url')
  const since = shared.tier.clock.monotonic()
  for (let coalesced = false, mayRetry = false; ;) {
    const contention = await shared.leases.contend(key, token, accept)
    if (contention.kind === 'found') return { ...contention, coalesced }
    if (contention.kind === 'won') return holding(shared, key, token)
    // without a lease nothing is shared: the write could not be fenced
    if (contention.kind === 'ignored') return ASK_ALONE
    if (contention.kind === 'lost') {
      if (!await waitUntilFree(context, key, since)) return ASK_ALONE
      coalesced = mayRetry = true
      continue
    }
    shared.observer.sharedError('lease', contention.error)
    if (!mayRetry || !(contention.error instanceof RedisTooSlow)) return ASK_ALONE
    mayRetry = false // the value that it waited for is worth a second round trip
  }
}

function holding (shared: Shared, key: CacheKey, token: string): SharedLookup {
  const stopRenewing = shared.leases.hold(key, token)
  return {
    kind: 'ask',
    done: async (entry, lifeMs) => {
      await finish(shared, key, token, entry, lifeMs)
      stopRenewing()
    }
  }
}

/** @returns false where the wait is over, the lease is not this service's, or Redis is gone */
async function waitUntilFree ({ shared, leaseWaitMs }: Context, key: CacheKey, since: number): Promise<boolean> {
  const { tier: { clock }, timing, leases, leaseMs, observer } = shared
  for (let seenAt = clock.monotonic(); ;) {
    const waitedMs = clock.monotonic() - since
    if (waitedMs >= leaseWaitMs) return false
    await timing.sleep(Math.min(pollInterval(waitedMs), leaseWaitMs - waitedMs))
    try {
      const state = await leases.state(key)
      if (state !== 'held') return state === 'free'
      seenAt = clock.monotonic()
    } catch (error) {
      observer.sharedError('lease', error)
      // an answer that is only late says nothing of the holder, until the lease that was seen must have ended
      if (!(error instanceof RedisTooSlow) || clock.monotonic() - seenAt >= leaseMs) return false
    }
  }
}

function pollInterval (waitedMs: number): number {
  const intervalMs = Math.min(MAX_POLL_MS, MIN_POLL_MS + POLL_GROWTH * waitedMs)
  return intervalMs * (1 + POLL_JITTER * (2 * Math.random() - 1))
}

/** The value is acknowledged before the release, or one who waits would find neither. */
async function finish (shared: Shared, key: CacheKey, token: string, entry?: Entry, lifeMs?: number): Promise<void> {
  await write(shared, key, token, entry, lifeMs)
  await release(shared, key, token)
}

async function write (
  { cache, leases, observer }: Shared,
  key: CacheKey,
  token: string,
  entry?: Entry,
  lifeMs = 0
): Promise<void> {
  if (entry === undefined) return
  const written = await cache.write(key, entry, lifeMs, { name: leases.nameOf(key), token })
  if (written.kind === 'unreachable') observer.sharedError('write', written.error)
}

async function release ({ leases, observer }: Shared, key: CacheKey, token: string): Promise<void> {
  try {
    await leases.release(key, token)
  } catch (error) {
    observer.sharedError('release', error)
  }
}

async function readReported ({ cache, observer }: Shared, key: CacheKey): Promise<CacheRead> {
  const read = await cache.read(key)
  observer.sharedRead(read.kind)
  if (read.kind === 'unreachable') observer.sharedError('read', read.error)
  return read
}
