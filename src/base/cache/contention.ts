import { randomBytes } from 'node:crypto'
import type { CacheKey } from '../core/cache-key.ts'
import type { Entry } from '../core/entry.ts'
import { RedisTooSlow } from '../errors.ts'
import { createLeases, type Leases, type Timing } from './lease.ts'
import { createRedisCache, NOTHING_STORED, type RedisCache, type RedisTier } from './redis.ts'
import type { Accept, CacheRead, CacheWrite, Dated } from './types.ts'

/** The outcome for the entry when its lease ends. `drop`: a newer one is written under another secret. */
type Outcome<V = Entry> = Readonly<
  | { kind: 'write', entry: V, lifeMs: number }
  | { kind: 'drop' }
  | { kind: 'keep' }
>

export type Contended<V = Entry> =
  | Readonly<{ kind: 'found', entry: V, remainingMs: number, coalesced: boolean }>
  /** `finish` ends the lease; call it once, whatever happened. It never rejects. */
  | Readonly<{ kind: 'won', finish: (outcome: Outcome<V>) => Promise<void> }>
  /** Without a lease nothing is shared: a write could not be fenced. */
  | Readonly<{ kind: 'alone' }>

/** Deadline for waiting on other replicas, shared by all leases of one lookup. */
export type Wait = Readonly<{ since: number, leaseWaitMs: number }>

/** The entries under one secret, and the leases that say who asks Authgear. */
export type SecretCache<V = Entry> = Readonly<{
  read: (key: CacheKey) => Promise<CacheRead<V>>
  contend: (key: CacheKey, accept: Accept<V>, wait: Wait) => Promise<Contended<V>>
}>

export type SharedError = (operation: 'read' | 'lease' | 'write' | 'release', error: unknown) => void

export type SecretCacheOptions = Readonly<{
  leaseWaitMs: number
  leaseMs: number
  timing: Timing
  sharedError: SharedError
}>

/** Two resolutions, since a doubtful one is repeated, and a margin for the write. */
const maxHoldOf = (leaseWaitMs: number): number => 2 * leaseWaitMs + 500

/** A loser looks for the end of the lease after 10 ms, later less often; 60 ms is what it may lose by it. */
const MIN_POLL_MS = 10
const MAX_POLL_MS = 40
const POLL_GROWTH = 0.1
const POLL_JITTER = 0.15

const ALONE = Object.freeze({ kind: 'alone' } as const)

export function createSecretCache<V extends Dated = Entry> (
  tier: RedisTier<V>,
  options: SecretCacheOptions
): SecretCache<V> {
  const { leaseMs, timing, leaseWaitMs, sharedError } = options
  const leases = createLeases({ ...tier, leaseMs, maxHoldMs: maxHoldOf(leaseWaitMs), repeat: timing.repeat })
  const shared: Shared<V> = { tier, timing, sharedError, leases, leaseMs, cache: createRedisCache(tier) }
  return Object.freeze({
    read: shared.cache.read,
    contend: (key: CacheKey, accept: Accept<V>, wait: Wait) => contend({ shared, accept, wait }, key)
  })
}

type Shared<V extends Dated> = Readonly<{
  tier: RedisTier<V>
  timing: Timing
  sharedError: SharedError
  cache: RedisCache<V>
  leases: Leases
  leaseMs: number
}>
type Context<V extends Dated> = Readonly<{ shared: Shared<V>, accept: Accept<V>, wait: Wait }>

/**
 * One replica asks Authgear, the others wait while its lease lives, and the next one takes it where that brings no
 * value; none waits for a Redis that is gone.
 */
async function contend<V extends Dated> (context: Context<V>, key: CacheKey): Promise<Contended<V>> {
  const { shared, accept } = context
  const token = randomBytes(16).toString('base64url')
  for (let coalesced = false, mayRetry = false; ;) {
    const contention = await contendOnce(shared, key, token, accept)
    if (contention.kind === 'found') return { ...contention, coalesced }
    if (contention.kind === 'won') return holding(shared, key, token)
    if (contention.kind === 'ignored') return ALONE
    if (contention.kind === 'lost') {
      if (!await waitUntilFree(context, key)) return ALONE
      coalesced = mayRetry = true
      continue
    }
    shared.sharedError('lease', contention.error)
    if (!mayRetry || !(contention.error instanceof RedisTooSlow)) return ALONE
    mayRetry = false // the value that it waited for is worth a second round trip
  }
}

type Contention<V> =
  | Readonly<{ kind: 'won' }>
  | Readonly<{ kind: 'lost' }>
  | Readonly<{ kind: 'ignored' }>
  | Readonly<{ kind: 'found', entry: V, remainingMs: number }>
  | Readonly<{ kind: 'unreachable', error: unknown }>

/** Lease and value in one tick: a successor sees the value of a holder that has just finished. */
async function contendOnce<V extends Dated> (
  { leases, cache }: Shared<V>,
  key: CacheKey,
  token: string,
  accept: Accept<V>
): Promise<Contention<V>> {
  const release = (): void => { leases.release(key, token).catch(() => {}) }
  try {
    const [lease, value] = await Promise.all([leases.take(key, token), cache.read(key)])
    if (value.kind === 'unreachable') throw value.error
    const isUsable = value.kind === 'hit' && accept(value.entry, value.remainingMs)
    if (isUsable && lease === 'ours') release()
    if (isUsable) return { ...value, kind: 'found' }
    return { kind: lease === 'ours' ? 'won' : lease === 'held' ? 'lost' : 'ignored' }
  } catch (error) {
    release() // it may be ours although another command of the tick failed
    return { kind: 'unreachable', error }
  }
}

function holding<V extends Dated> (shared: Shared<V>, key: CacheKey, token: string): Contended<V> {
  const { leases, sharedError } = shared
  const stopRenewing = leases.hold(key, token)
  return {
    kind: 'won',
    async finish (outcome) {
      const written = await apply(shared, key, token, outcome)
      if (written.kind === 'unreachable') sharedError('write', written.error)
      if (written.kind !== 'stored') {
        await leases.release(key, token).catch((error: unknown) => sharedError('release', error))
      }
      stopRenewing()
    }
  }
}

/** @returns false where the wait is over, the lease is not this service's, or Redis is gone */
async function waitUntilFree<V extends Dated> (
  { shared, wait: { since, leaseWaitMs } }: Context<V>,
  key: CacheKey
): Promise<boolean> {
  const { tier: { clock }, timing, leases, leaseMs, sharedError } = shared
  for (let seenAt = clock.monotonic(); ;) {
    const waitedMs = clock.monotonic() - since
    if (waitedMs >= leaseWaitMs) return false
    await timing.sleep(Math.min(pollInterval(waitedMs), leaseWaitMs - waitedMs))
    try {
      const state = await leases.state(key)
      if (state !== 'held') return state === 'free'
      seenAt = clock.monotonic()
    } catch (error) {
      sharedError('lease', error)
      // an answer that is only late says nothing of the holder, until the lease that was seen must have ended
      if (!(error instanceof RedisTooSlow) || clock.monotonic() - seenAt >= leaseMs) return false
    }
  }
}

function pollInterval (waitedMs: number): number {
  const intervalMs = Math.min(MAX_POLL_MS, MIN_POLL_MS + POLL_GROWTH * waitedMs)
  return intervalMs * (1 + POLL_JITTER * (2 * Math.random() - 1))
}

async function apply<V extends Dated> (
  { cache, leases }: Shared<V>,
  key: CacheKey,
  token: string,
  outcome: Outcome<V>
): Promise<CacheWrite> {
  const fence = { name: leases.nameOf(key), token }
  switch (outcome.kind) {
    case 'write': return await cache.write(key, outcome.entry, outcome.lifeMs, fence)
    case 'drop': return await cache.drop(key, fence)
    case 'keep': return NOTHING_STORED
  }
}
