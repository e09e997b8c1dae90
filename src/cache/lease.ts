import type { CacheKey } from '../core/cache-key.ts'
import type { Entry } from '../core/entry.ts'
import type { Accept } from './cache.ts'
import { judge, readValue, type RedisTier } from './redis.ts'

/** The fleet's lease for one key: who holds it asks Authgear. */
export type Contention =
  | Readonly<{ kind: 'won' }>
  | Readonly<{ kind: 'lost' }>
  | Readonly<{ kind: 'found', entry: Entry, remainingMs: number }>
  /** A lease that never ends, or ends too late, was not made by this service: nobody waits for it. */
  | Readonly<{ kind: 'ignored' }>
  | Readonly<{ kind: 'unreachable', error: unknown }>

export type Leases = Readonly<{
  /** @param token random; proves at the release that the lease is still ours */
  contend: (key: CacheKey, token: string, accept: Accept) => Promise<Contention>
  release: (key: CacheKey, token: string) => Promise<void>
  nameOf: (key: CacheKey) => string
}>

/** Milliseconds; no replica is configured to hold one for longer. */
const LONGEST_LEASE = 5000

/** @param leaseMs life of a lease, so that a holder that died is succeeded */
export function createLeases (tier: RedisTier, leaseMs: number): Leases {
  const longest = Math.max(LONGEST_LEASE, leaseMs)
  const nameOf = (key: CacheKey): string => `${tier.keyPrefix}{${key}}:lease`
  const { commands } = tier

  /** SET NX and GET in one tick: the value of one who just finished is seen by its successor. */
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
