import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CacheKey } from '../core/cache-key.ts'
import type { Entry } from '../core/entry.ts'
import { within } from '../redis/commands.ts'
import { createRedisCache, judge, readValue, type RedisCache, type RedisTier } from './redis.ts'
import type { Accept, CacheRead } from './types.ts'

/** The fleet's lease for one key: who holds it asks Authgear. */
export type Contention =
  | Readonly<{ kind: 'won' }>
  | Readonly<{ kind: 'lost' }>
  | Readonly<{ kind: 'found', entry: Entry, remainingMs: number }>
  /** A lease without an end, or with too late a one, is not this service's: nobody waits for it. */
  | Readonly<{ kind: 'ignored' }>
  | Readonly<{ kind: 'unreachable', error: unknown }>

export type Leases = Readonly<{
  /** @param token random; proves at the release that the lease is still ours */
  contend: (key: CacheKey, token: string, accept: Accept) => Promise<Contention>
  release: (key: CacheKey, token: string) => Promise<void>
  nameOf: (key: CacheKey) => string
}>

/** Milliseconds; no replica is configured to hold one for longer. */
const MAX_LEASE_MS = 5000

/** @param leaseMs life of a lease, so that a holder that died is succeeded */
export function createLeases (tier: RedisTier, leaseMs: number): Leases {
  const longest = Math.max(MAX_LEASE_MS, leaseMs)
  const nameOf = (key: CacheKey): string => `${tier.keyPrefix}{${key}}:lease`
  const { commands } = tier

  /** SET NX and GET in one tick: a successor sees the value of a holder that has just finished. */
  async function contend (key: CacheKey, token: string, accept: Accept): Promise<Contention> {
    const name = nameOf(key)
    const [mine, leasePttl, stored] = await Promise.all([
      commands.setIfAbsent(name, token, leaseMs), commands.pttl(name), readValue(tier, key)
    ])
    const value = judge(tier, key, stored)
    const usable = value.kind === 'hit' && accept(value.entry, value.remainingMs)
    if (usable && mine) commands.deleteIfEquals(name, token).catch(() => {})
    if (usable) return { ...value, kind: 'found' }
    if (mine) return { kind: 'won' }
    // -2: it ended between the two commands
    return leasePttl === -1 || leasePttl > longest ? { kind: 'ignored' } : { kind: 'lost' }
  }

  return Object.freeze({
    nameOf,
    contend: (key, token, accept) => contend(key, token, accept).catch((error: unknown): Contention => {
      // it may be ours although another command of the tick failed
      commands.deleteIfEquals(nameOf(key), token).catch(() => {})
      return { kind: 'unreachable', error }
    }),
    release: async (key: CacheKey, token: string) => { await commands.deleteIfEquals(nameOf(key), token) }
  })
}

/** The shared cache's answer for a key that memory does not hold. */
export type SharedLookup =
  | Readonly<{ kind: 'found', entry: Entry, remainingMs: number, coalesced: boolean }>
  /** `done` hands over what Authgear said, or nothing; call it once, whatever happened. It never rejects. */
  | Readonly<{ kind: 'ask', done: (entry?: Entry, lifeMs?: number) => Promise<void> }>

export interface SharedCache {
  /** @param leaseWaitMs how long to wait for another's value, in place of what is configured */
  lookup (key: CacheKey, accept: Accept, leaseWaitMs?: number): Promise<SharedLookup>
  /** A plain read: takes no lease and waits for none. */
  read (key: CacheKey, accept: Accept): Promise<SharedLookup & { kind: 'found' } | undefined>
}

export type SharedCacheObserver = Readonly<{
  sharedRead: (outcome: CacheRead['kind']) => void
  sharedError: (operation: 'read' | 'lease' | 'write' | 'release', error: unknown) => void
}>

export type SharedCacheOptions = Readonly<{
  tier: RedisTier
  /** Milliseconds that Redis may cost a request before Authgear is asked (REDIS_TIMEOUT). */
  timeoutMs: number
  /** Milliseconds a lease lives: longer than one resolution may take. */
  leaseMs: number
  /** How long one who lost waits for the winner's value, milliseconds. */
  leaseWaitMs: number
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
  const cache = createRedisCache(options.tier)
  const leases = createLeases(options.tier, options.leaseMs)
  const shared: Shared = { ...options, cache, leases }
  return Object.freeze({
    lookup: (key: CacheKey, accept: Accept, leaseWaitMs = options.leaseWaitMs) =>
      lookup({ shared, accept, leaseWaitMs }, key),
    read: async (key: CacheKey, accept: Accept) => found(await readReported(shared, key), accept)
  })
}

type Shared = SharedCacheOptions & Readonly<{ cache: RedisCache, leases: Leases }>
type Context = Readonly<{ shared: Shared, accept: Accept, leaseWaitMs: number }>

async function lookup (context: Context, key: CacheKey): Promise<SharedLookup> {
  const { shared } = context
  const { clock } = shared.tier
  const started = clock.monotonic()
  const read = await readReported(shared, key)
  const known = found(read, context.accept)
  if (known !== undefined) return known
  if (read.kind === 'unreachable') return ASK_ALONE
  return await contend(context, key, shared.timeoutMs - (clock.monotonic() - started))
}

function found (read: CacheRead, accept: Accept): SharedLookup & { kind: 'found' } | undefined {
  return read.kind === 'hit' && accept(read.entry, read.remainingMs)
    ? { ...read, kind: 'found', coalesced: false }
    : undefined
}

/**
 * One asks Authgear, the others look for its value every 10–20 ms; no one waits for longer than patience, or for a
 * Redis that is gone.
 */
async function contend (context: Context, key: CacheKey, firstMs: number): Promise<SharedLookup> {
  const { shared, leaseWaitMs } = context
  const { clock } = shared.tier
  const token = randomBytes(16).toString('base64url')
  const deadline = clock.monotonic() + leaseWaitMs
  for (let limitMs = firstMs, lost = false; ; lost = true) {
    const contention = await contendWithin(limitMs, context, key, token)
    if (contention.kind === 'found') return { ...contention, coalesced: lost }
    if (contention.kind === 'won') {
      return { kind: 'ask', done: (entry, lifeMs) => finish(shared, key, token, entry, lifeMs) }
    }
    if (contention.kind === 'unreachable') shared.observer.sharedError('lease', contention.error)
    if (contention.kind !== 'lost') return ASK_ALONE
    await sleep(10 + Math.random() * 10)
    limitMs = Math.min(shared.timeoutMs, deadline - clock.monotonic())
    if (limitMs <= 0) return ASK_ALONE // who holds no lease writes nothing: it could not be fenced
  }
}

/** A lease that was won too late to be used is given back. */
async function contendWithin (
  limitMs: number,
  { shared, accept }: Context,
  key: CacheKey,
  token: string
): Promise<Contention> {
  const contention = shared.leases.contend(key, token, accept)
  try {
    return await within(Math.max(0, limitMs), contention)
  } catch (error) {
    contention.then((result) => result.kind === 'won' ? release(shared, key, token) : undefined).catch(() => {})
    return { kind: 'unreachable', error }
  }
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
