import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { networkOf } from '../core/network.ts'
import { GrantRefused } from '../errors.ts'
import { createConcurrencyLimit, inTurn, type Limit } from './resolver/concurrency-limit.ts'
import type { ClientTrace } from './resolver/types.ts'

/** Codes that Authgear refused: a stranger's junk must not use up the calls that all people share there. */
export type CodeLimits = Readonly<{
  /**
   * Redeems a code, when it is this client's turn: a whole office may come back from Authgear at once.
   * @param browser an id of it that nobody else has
   * @returns `too_many` where Authgear refused too many codes of this browser within a minute
   * @throws {Overloaded} where too many wait, or for too long
   * @throws what `redeem` throws
   */
  run: <T>(trace: ClientTrace, browser: string, redeem: () => Promise<T>) => Promise<T | 'too_many'>
}>

/**
 * What one client may do. Where no trusted proxy names the client, everybody has the proxy's address. Beyond
 * `refusedPerMinute` its codes are not refused, since a network is many people: they go one at a time, and who was
 * refused keeps the next one waiting.
 */
const NAMED = { refusedPerMinute: 10, maxRunning: 6, maxWaiting: 128 } as const
const UNNAMED = { refusedPerMinute: 30, maxRunning: 8, maxWaiting: 512 } as const
/** One browser, whose person may have opened many tabs. */
const BROWSER = { refusedPerMinute: 10, maxRunning: 6, maxWaiting: 32 } as const
/** 60 a minute: half of what Authgear allows an address, and of all people where it sees one address alone. */
const PAUSE_MS = 1000
const MINUTE_MS = 60_000
const MAX_CLIENTS = 10_000
const MAX_WAITING = 1024
/** A person waits so long for a page; a code lives for five minutes. */
const MAX_WAIT_MS = 10_000

type Count = { readonly since: number, refused: number }
type Times = Readonly<{ maxWaitMs?: number, pause?: (ms: number) => Promise<void> }>

/** @param now monotonic milliseconds */
export function createCodeLimits (
  now: () => number,
  { maxWaitMs = MAX_WAIT_MS, pause = sleep }: Times = {}
): CodeLimits {
  const refused = createRefusedCounts(now)
  const turns = createConcurrencyLimit(Infinity, MAX_WAITING)
  return Object.freeze({
    async run<T> (trace: ClientTrace, browser: string, redeem: () => Promise<T>): Promise<T | 'too_many'> {
      const [ofClient, ofBrowser] = [`client ${clientOf(trace)}`, `browser ${browser}`]
      const { refusedPerMinute, maxRunning, maxWaiting } = trace.isNamed === true ? NAMED : UNNAMED
      const isSlow = (): boolean => refused.of(ofClient) >= refusedPerMinute
      const hasTooMany = (): boolean => refused.of(ofBrowser) >= BROWSER.refusedPerMinute
      if (hasTooMany()) return 'too_many'
      const client: Limit = {
        name: ofClient, get maxRunning () { return isSlow() ? 1 : maxRunning }, maxWaiting, alternates: true
      }
      return await inTurn(turns, [client, { name: ofBrowser, ...BROWSER }], maxWaitMs, async () => {
        if (hasTooMany()) return 'too_many' // others of this browser were refused meanwhile
        const wasSlow = isSlow()
        try {
          return await redeem()
        } catch (error) {
          if (!(error instanceof GrantRefused)) throw error
          refused.add(ofClient)
          refused.add(ofBrowser)
          if (wasSlow) await pause(PAUSE_MS)
          throw error
        }
      })
    }
  })
}

/** Of each client and browser, within the minute that began with the first. */
function createRefusedCounts (now: () => number) {
  const counts = new LRUCache<string, Count>({ max: 2 * MAX_CLIENTS })
  const known = (name: string): Count | undefined => {
    const count = counts.get(name)
    return count !== undefined && now() - count.since < MINUTE_MS ? count : undefined
  }
  return {
    of: (name: string): number => known(name)?.refused ?? 0,
    add (name: string): void {
      const count = known(name)
      if (count === undefined) counts.set(name, { since: now(), refused: 1 })
      else count.refused++
    }
  }
}

/** Never empty: that is the name of all together. */
const clientOf = ({ address }: ClientTrace): string => address === undefined ? 'unknown' : networkOf(address)
