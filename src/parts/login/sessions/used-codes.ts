import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { RedisCommands } from '../../../base/redis/commands.ts'
import { ownKey } from './record.ts'

/** A code is redeemed once: Authgear gives two sessions for one that comes twice at once. */
export type UsedCodes = Readonly<{
  /** @returns true if this call is the first */
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

const USED = 'used'

/** Of all replicas. */
export function codesIn (commands: RedisCommands, keyPrefix: string): SharedCodes {
  const nameOf = (code: string): string => ownKey(keyPrefix, code, 'code')
  return {
    setIfAbsent: (code, lifeMs) => commands.setIfAbsent(nameOf(code), USED, lifeMs),
    release: async (code) => { await commands.deleteIfEquals(nameOf(code), USED) }
  }
}
