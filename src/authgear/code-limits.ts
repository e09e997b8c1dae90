import { LRUCache } from 'lru-cache'
import { networkOf } from '../core/network.ts'
import { GrantRefused } from '../errors.ts'
import { createConcurrencyLimit, inTurn } from './resolver/concurrency-limit.ts'
import type { ClientTrace } from './resolver/types.ts'

/** Codes that Authgear refused, by client: a stranger's junk must not use up the calls that all people share there. */
export type CodeLimits = Readonly<{
  /**
   * Redeems a code, when it is this client's turn: a whole office may come back from Authgear at once.
   * @returns `too_many` where Authgear refused too many codes of it within a minute
   * @throws {Overloaded} where too many wait, or for too long
   * @throws what `redeem` throws
   */
  run: <T>(trace: ClientTrace, redeem: () => Promise<T>) => Promise<T | 'too_many'>
}>

/** What one client may do. Where no trusted proxy names the client, everybody has the proxy's address. */
const NAMED = { refusedPerMinute: 10, maxRunning: 6, maxWaiting: 128, alternates: true } as const
const UNNAMED = { refusedPerMinute: 60, maxRunning: 8, maxWaiting: 512, alternates: true } as const
const MINUTE_MS = 60_000
const MAX_CLIENTS = 10_000
const MAX_WAITING = 1024
/** A person waits so long for a page; a code lives for five minutes. */
const MAX_WAIT_MS = 10_000

type Count = { readonly since: number, refused: number }

/** @param now monotonic milliseconds */
export function createCodeLimits (now: () => number, maxWaitMs = MAX_WAIT_MS): CodeLimits {
  const refused = createRefusedCounts(now)
  const turns = createConcurrencyLimit(Infinity, MAX_WAITING)
  return Object.freeze({
    async run<T> (trace: ClientTrace, redeem: () => Promise<T>): Promise<T | 'too_many'> {
      const client = clientOf(trace)
      const { refusedPerMinute, ...limit } = trace.isNamed === true ? NAMED : UNNAMED
      const hasTooMany = (): boolean => refused.of(client) >= refusedPerMinute
      if (hasTooMany()) return 'too_many'
      return await inTurn(turns, { name: client, ...limit }, maxWaitMs, async () => {
        if (hasTooMany()) return 'too_many' // others of this client were refused meanwhile
        try {
          return await redeem()
        } catch (error) {
          if (error instanceof GrantRefused) refused.add(client)
          throw error
        }
      })
    }
  })
}

/** Of each client, within the minute that began with the first. */
function createRefusedCounts (now: () => number) {
  const counts = new LRUCache<string, Count>({ max: MAX_CLIENTS })
  const known = (client: string): Count | undefined => {
    const count = counts.get(client)
    return count !== undefined && now() - count.since < MINUTE_MS ? count : undefined
  }
  return {
    of: (client: string): number => known(client)?.refused ?? 0,
    add (client: string): void {
      const count = known(client)
      if (count === undefined) counts.set(client, { since: now(), refused: 1 })
      else count.refused++
    }
  }
}

/** Never empty: that is the name of all together. */
const clientOf = ({ address }: ClientTrace): string => address === undefined ? 'unknown' : networkOf(address)
