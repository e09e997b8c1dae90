import { LRUCache } from 'lru-cache'
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConcurrencyLimit, inTurn, type Limit } from '../../../base/authgear/resolver/concurrency-limit.ts'
import type { ClientTrace } from '../../../base/authgear/resolver/types.ts'
import { networkOf } from '../../../base/core/network.ts'
import { Overloaded } from '../../../base/errors.ts'
import type { RedisCommands } from '../../../base/redis/commands.ts'
import { GrantRefused } from '../errors.ts'
import { ownKey } from '../sessions/record.ts'

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

/** Codes that Authgear refused: a stranger's junk must not use up the calls that all people share there. */
export type CodeLimits = Readonly<{
  /**
   * Redeems a code, when it is this client's turn: a whole office may come back from Authgear at once.
   * @returns `too_many` where Authgear refused too many codes of this browser within a minute
   * @throws {Overloaded} at once where no turn comes in time
   * @throws what `redeem` throws
   */
  run: <T>(trace: ClientTrace, browser: Visitor, redeem: () => Promise<T>) => Promise<T | 'too_many'>
}>

export type Visitor = Readonly<{
  /** No other browser has it. */
  id: string
  /** A stranger would need an account to claim it. */
  hasSignedIn: boolean
}>

/**
 * The bounds of one client. Where no trusted proxy names the client, everybody has the proxy's address. Beyond
 * `refusedPerMinute` its codes are not refused, since a network is many people: they go one at a time, and a code that
 * Authgear refused keeps the next one waiting. Browsers that signed in before pass beside that queue.
 */
const NAMED = { refusedPerMinute: 10, maxRunning: 6, maxWaiting: 128 } as const
const UNNAMED = { refusedPerMinute: 30, maxRunning: 8, maxWaiting: 512 } as const
/** One browser, whose person may have opened many tabs. */
const BROWSER = { refusedPerMinute: 10, maxRunning: 6, maxWaiting: 32 } as const
/** 60 a minute: half of what Authgear allows an address, and of all people where it sees one address alone. */
const PAUSE_MS = 1000
/** A stranger's own good code must not make the next turns look short. */
const AVERAGED_TURNS = 8
const MINUTE_MS = 60_000
const MAX_CLIENTS = 10_000
const MAX_WAITING = 1024
/** How long a person waits for a page; a code lives for five minutes. */
const MAX_WAIT_MS = 10_000

/** `turnMs`: how long a turn took lately, while the client was slowed. */
type Count = { readonly since: number, refused: number, turnMs: number }
type Times = Readonly<{ maxWaitMs?: number, pause?: (ms: number) => Promise<void> }>

/** @param now monotonic milliseconds */
export function createCodeLimits (
  now: () => number,
  { maxWaitMs = MAX_WAIT_MS, pause = sleep }: Times = {}
): CodeLimits {
  const refused = createRefusedCounts(now)
  const turns = createConcurrencyLimit(Infinity, MAX_WAITING)
  return Object.freeze({
    async run<T> (trace: ClientTrace, browser: Visitor, redeem: () => Promise<T>): Promise<T | 'too_many'> {
      const [ofClient, ofBrowser] = [`client ${clientOf(trace)}`, `browser ${browser.id}`]
      const ofBeside = `signed in before, ${ofClient}`
      const { refusedPerMinute, ...bounds } = trace.isNamed === true ? NAMED : UNNAMED
      const isSlow = (): boolean => refused.of(ofClient) >= refusedPerMinute
      const hasTooMany = (): boolean => refused.of(ofBrowser) >= BROWSER.refusedPerMinute
      if (hasTooMany()) return 'too_many'
      const isBesideOpen = (): boolean => refused.of(ofBeside) < refusedPerMinute
      const isBeside = isSlow() && browser.hasSignedIn && refused.of(ofBrowser) === 0 && isBesideOpen()
      const queue = isBeside
        ? { ...bounds, name: ofBeside, alternates: true }
        : queueOf(ofClient, bounds, isSlow, () => maxWaitMs / refused.turnMsOf(ofClient))
      return await inTurn(turns, [queue, { name: ofBrowser, ...BROWSER }], maxWaitMs, async () => {
        if (hasTooMany()) return 'too_many' // others of this browser were refused meanwhile
        if (isBeside && !isBesideOpen()) throw new Overloaded()
        const slowSince = isSlow() ? now() : undefined
        try {
          return await redeem()
        } catch (error) {
          if (!(error instanceof GrantRefused)) throw error
          refused.add(ofClient)
          refused.add(ofBrowser)
          if (isBeside) refused.add(ofBeside)
          if (slowSince !== undefined) await pause(PAUSE_MS)
          throw error
        } finally {
          if (slowSince !== undefined && !isBeside) refused.took(ofClient, now() - slowSince)
        }
      })
    }
  })
}

/** @param turnsInTime how many turns one after another fit into the longest wait */
function queueOf (
  name: string,
  { maxRunning, maxWaiting }: Readonly<{ maxRunning: number, maxWaiting: number }>,
  isSlow: () => boolean,
  turnsInTime: () => number
): Limit {
  return {
    name,
    alternates: true,
    get maxRunning () { return isSlow() ? 1 : maxRunning },
    // the oldest waiter has every second turn, after the one that is under way
    get maxWaiting () { return isSlow() ? Math.min(maxWaiting, Math.floor((turnsInTime() - 1) / 2)) : maxWaiting }
  }
}

/** The refused codes of each client and browser, within the minute that began with the first. */
function createRefusedCounts (now: () => number) {
  const counts = new LRUCache<string, Count>({ max: 3 * MAX_CLIENTS })
  const current = (name: string): Count | undefined => {
    const count = counts.get(name)
    return count !== undefined && now() - count.since < MINUTE_MS ? count : undefined
  }
  const turnMsOf = (name: string): number => counts.get(name)?.turnMs ?? 0
  return {
    of: (name: string): number => current(name)?.refused ?? 0,
    add (name: string): void {
      const count = current(name)
      if (count === undefined) counts.set(name, { since: now(), refused: 1, turnMs: turnMsOf(name) })
      else count.refused++
    },
    /** The longest of the last turns; a flood is known in its next minute, too. */
    turnMsOf,
    took (name: string, ms: number): void {
      const count = counts.get(name)
      if (count !== undefined) count.turnMs += (ms - count.turnMs) / AVERAGED_TURNS
    }
  }
}

/** Never empty: that is the name of all together. */
const clientOf = ({ address }: ClientTrace): string => address === undefined ? 'unknown' : networkOf(address)
