import { setTimeout as sleep } from 'node:timers/promises'
import type { CacheKey } from '../../core/cache-key.ts'
import type { Entry } from '../../core/entry.ts'
import { leaseKey } from '../redis/keys.ts'
import { judge, readValue, type RedisTier } from './redis.ts'
import type { Accept, Dated } from './types.ts'

/** The outcome of asking for the fleet's lease of one key; its holder asks Authgear. */
type Contention<V = Entry> =
  | Readonly<{ kind: 'won' }>
  | Readonly<{ kind: 'lost' }>
  | Readonly<{ kind: 'found', entry: V, remainingMs: number }>
  /** A lease without an end, or with too late a one, is not this service's: nobody waits for it. */
  | Readonly<{ kind: 'ignored' }>
  | Readonly<{ kind: 'unreachable', error: unknown }>

export type Leases<V = Entry> = Readonly<{
  /** @param token random; proves later that the lease is still ours */
  contend: (key: CacheKey, token: string, accept: Accept<V>) => Promise<Contention<V>>
  /** Renews it until the function that this returns is called, or until it is somebody else's. */
  hold: (key: CacheKey, token: string) => () => void
  /** One command, so that a long wait costs little. @throws where Redis does not answer */
  state: (key: CacheKey) => Promise<'free' | 'held' | 'ignored'>
  release: (key: CacheKey, token: string) => Promise<void>
  nameOf: (key: CacheKey) => string
}>

export type Timing = Readonly<{
  sleep: (ms: number) => Promise<unknown>
  /** Calls again and again until the function that this returns is called. */
  repeat: (ms: number, act: () => void) => () => void
}>

export const systemTiming: Timing = Object.freeze({
  sleep,
  repeat: (ms: number, act: () => void) => {
    const timer = setInterval(act, ms)
    return () => clearInterval(timer)
  }
})

export type LeaseOptions = Readonly<{
  /** Life of a lease without renewal: a dead holder is replaced within it. */
  leaseMs: number
  /** A holder renews no longer than this, whatever it waits for. */
  maxHoldMs: number
  timing: Timing
}>

/** A longer lease is not this service's, even by a server that took over and whose clock is behind. */
const MAX_FOREIGN_LEASE_MS = 5000
/** Two may be lost. */
const RENEWALS_PER_LIFE = 3

export function createLeases<V extends Dated> (
  tier: RedisTier<V>,
  { leaseMs, maxHoldMs, timing }: LeaseOptions
): Leases<V> {
  const { commands, clock } = tier
  const longestMs = Math.max(MAX_FOREIGN_LEASE_MS, leaseMs)
  const nameOf = (key: CacheKey): string => leaseKey(tier.keyPrefix, key)
  const isIgnored = (pttl: number): boolean => pttl === -1 || pttl > longestMs

  /** SET NX and GET in one tick: a successor sees the value of a holder that has just finished. */
  async function contend (key: CacheKey, token: string, accept: Accept<V>): Promise<Contention<V>> {
    const name = nameOf(key)
    const [isOurs, leasePttl, stored] = await Promise.all([
      commands.setIfAbsent(name, token, leaseMs), commands.pttl(name), readValue(tier, key)
    ])
    const value = judge(tier, key, stored)
    const isUsable = value.kind === 'hit' && accept(value.entry, value.remainingMs)
    if (isUsable && isOurs) commands.deleteIfEquals(name, token).catch(() => {})
    if (isUsable) return { ...value, kind: 'found' }
    if (isOurs) return { kind: 'won' }
    return isIgnored(leasePttl) ? { kind: 'ignored' } : { kind: 'lost' }
  }

  /** Compare and set in one script; one that Redis does not answer is tried again at the next renewal. */
  function hold (key: CacheKey, token: string): () => void {
    const name = nameOf(key)
    const value = Buffer.from(token)
    const since = clock.monotonic()
    const stop = timing.repeat(leaseMs / RENEWALS_PER_LIFE, () => {
      if (clock.monotonic() - since > maxHoldMs) return stop()
      commands.setPxWhile(name, token, name, value, leaseMs).then((reply) => { if (reply !== 'OK') stop() }, () => {})
    })
    return stop
  }

  return Object.freeze({
    nameOf,
    contend: (key, token, accept) => contend(key, token, accept).catch((error: unknown): Contention<V> => {
      // it may be ours although another command of the tick failed
      commands.deleteIfEquals(nameOf(key), token).catch(() => {})
      return { kind: 'unreachable', error }
    }),
    hold,
    state: async (key: CacheKey) => {
      const pttl = await commands.pttl(nameOf(key))
      return pttl === -2 ? 'free' : isIgnored(pttl) ? 'ignored' : 'held'
    },
    release: async (key: CacheKey, token: string) => { await commands.deleteIfEquals(nameOf(key), token) }
  })
}
