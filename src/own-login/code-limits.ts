import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { ClientTrace } from '../authgear/resolver/types.ts'
import { networkOf } from '../core/network.ts'

/** Codes that Authgear refused, by client: a stranger's junk must not use up the calls that all people share there. */
export type CodeLimits = Readonly<{
  /** @returns whether one more may be tried; it counts until it is given back */
  take: (trace: ClientTrace) => boolean
  /** Authgear took the code, or said nothing of it. */
  giveBack: (trace: ClientTrace) => void
}>

const PER_MINUTE = 10
/** Where no trusted proxy names the client, everybody has the proxy's address. */
const UNNAMED_PER_MINUTE = 60
const MINUTE_MS = 60_000
const MAX_CLIENTS = 10_000

type Count = { readonly since: number, tries: number }

/** @param now monotonic milliseconds */
export function createCodeLimits (now: () => number): CodeLimits {
  const counts = new LRUCache<string, Count>({ max: MAX_CLIENTS })
  const nameOf = ({ address }: ClientTrace): string => address === undefined ? '' : networkOf(address)
  const countOf = (name: string): Count => {
    const known = counts.get(name)
    if (known !== undefined && now() - known.since < MINUTE_MS) return known
    const begun = { since: now(), tries: 0 }
    counts.set(name, begun)
    return begun
  }
  return Object.freeze({
    take (trace: ClientTrace): boolean {
      const count = countOf(nameOf(trace))
      if (count.tries >= (trace.isNamed === true ? PER_MINUTE : UNNAMED_PER_MINUTE)) return false
      count.tries++
      return true
    },
    giveBack (trace: ClientTrace): void {
      const count = counts.get(nameOf(trace))
      if (count !== undefined && count.tries > 0) count.tries--
    }
  })
}

/** A code is redeemed once: Authgear gives two sessions for one that comes twice at once. */
export type UsedCodes = Readonly<{
  /** @returns whether this call is the first */
  claim: (code: string) => Promise<boolean>
  /** Nothing became of it: the same code may be tried once more. */
  release: (code: string) => Promise<void>
}>

/** Authgear's codes end after five minutes. */
const USED_MS = 10 * 60_000
const MAX_USED = 10_000

export type SharedCodes = Readonly<{
  setIfAbsent: (name: string, lifeMs: number) => Promise<boolean>
  release: (name: string) => Promise<void>
}>

/** @param shared of all replicas; undefined without Redis */
export function createUsedCodes (shared: SharedCodes | undefined): UsedCodes {
  const used = new LRUCache<string, true>({ max: MAX_USED, ttl: USED_MS })
  const nameOf = (code: string): string => createHash('sha256').update(code).digest('base64url')
  return Object.freeze({
    async claim (code: string): Promise<boolean> {
      const name = nameOf(code)
      if (used.has(name)) return false
      used.set(name, true)
      // while Redis cannot be reached Authgear alone sees to that
      return await shared?.setIfAbsent(name, USED_MS).catch(() => true) ?? true
    },
    async release (code: string): Promise<void> {
      used.delete(nameOf(code))
      await shared?.release(nameOf(code)).catch(() => {})
    }
  })
}
