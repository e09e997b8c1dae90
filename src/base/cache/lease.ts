import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Repeat } from '../clock.ts'
import type { CacheKey } from '../core/cache-key.ts'
import type { RedisCommands } from '../redis/commands.ts'
import { leaseKey } from '../redis/keys.ts'

/** `ignored`: one without an end, or with too late a one, is not this service's: nobody waits for it. */
type LeaseState = 'free' | 'held' | 'ignored'

export type Leases = ReturnType<typeof createLeases>

export type Timing = Readonly<{
  sleep: (ms: number) => Promise<unknown>
  repeat: Repeat
}>

export const systemTiming: Timing = Object.freeze<Timing>({
  sleep,
  repeat: (ms, act) => {
    const timer = setInterval(act, ms)
    return () => clearInterval(timer)
  }
})

export type LeasesDeps = Readonly<{
  commands: Pick<RedisCommands, 'setIfAbsent' | 'pttl' | 'setPxWhile' | 'deleteIfEquals'>
  keyPrefix: string
  clock: Pick<Clock, 'monotonic'>
  /** Life of a lease without renewal: a dead holder is replaced within it. */
  leaseMs: number
  /** A holder renews no longer than this, whatever it waits for. */
  maxHoldMs: number
  repeat: Repeat
}>

/** Long enough for a busy event loop and two lost renewals, short enough to wait for a dead holder. */
export const LEASE_MS = 400
/** A longer lease is not this service's, even by a server that took over and whose clock is behind. */
const MAX_FOREIGN_LEASE_MS = 5000
/** Two may be lost. */
const RENEWALS_PER_LIFE = 3

/** The fleet's leases; who holds a key's asks Authgear. */
export function createLeases ({ commands, keyPrefix, clock, leaseMs, maxHoldMs, repeat }: LeasesDeps) {
  const longestMs = Math.max(MAX_FOREIGN_LEASE_MS, leaseMs)
  const nameOf = (key: CacheKey): string => leaseKey(keyPrefix, key)
  const isIgnored = (pttl: number): boolean => pttl === -1 || pttl > longestMs
  return Object.freeze({
    nameOf,
    /** @param token random; proves later that the lease is still ours */
    async take (key: CacheKey, token: string): Promise<'ours' | Exclude<LeaseState, 'free'>> {
      const name = nameOf(key)
      const [taken, pttl] = [commands.setIfAbsent(name, token, leaseMs), commands.pttl(name)]
      pttl.catch(() => {}) // of one that is ours nobody asks it
      if (await taken) return 'ours'
      return isIgnored(await pttl) ? 'ignored' : 'held'
    },
    /**
     * Renews it until the returned function is called, or until another replica holds it: compare and set in one
     * script; a renewal that Redis does not answer is tried again at the next renewal.
     */
    hold (key: CacheKey, token: string): () => void {
      const name = nameOf(key)
      const value = Buffer.from(token)
      const since = clock.monotonic()
      const stop = repeat(leaseMs / RENEWALS_PER_LIFE, () => {
        if (clock.monotonic() - since > maxHoldMs) return stop()
        commands.setPxWhile(name, token, name, value, leaseMs).then((reply) => { if (reply !== 'OK') stop() }, () => {})
      })
      return stop
    },
    /** One command, so that a long wait costs little. @throws where Redis does not answer */
    async state (key: CacheKey): Promise<LeaseState> {
      const pttl = await commands.pttl(nameOf(key))
      return pttl === -2 ? 'free' : isIgnored(pttl) ? 'ignored' : 'held'
    },
    release: (key: CacheKey, token: string) => commands.deleteIfEquals(nameOf(key), token)
  })
}
