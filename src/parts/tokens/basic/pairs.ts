import { hash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { createWaitingBudget } from '../../../base/authenticate/waiting-budget.ts'
import { Overloaded } from '../../../base/errors.ts'
import { createAsk } from './ask.ts'
import { type Pair, readPair } from './sent.ts'
import type { Answer, AskDeps, Asked, Found, Good } from './types.ts'

export type PairsDeps = AskDeps & Readonly<{
  maxBytes: number
  /** Bytes that requests may take together while they wait. */
  waitingBytes: number
}>

/** @returns why nobody is asked about that client */
type RefuseClient = (clientId: string) => Answer | undefined

export type Pairs = Readonly<{
  /** Synchronous where memory knows. Never rejects. */
  find: (asked: Asked, headBytes: () => number, refuse: RefuseClient) => Answer | Promise<Answer>
  /** Another token for a pair whose token was revoked; `old` itself where that is too new. Never rejects. */
  replace: (asked: Asked, headBytes: () => number, old: Good) => Promise<Answer>
}>

const RENEW_AGAIN_MS = 30_000
/** A revocation ends tokens of the next seconds, too: an exchange would bring another one that is refused. */
const REPLACE_AFTER_MS = 7000
const ENTRY_BYTES = 900
/** Refused pairs and failures: Authgear was asked about each, so that a minute adds twenty. */
const MAX_OTHERS = 2000

const NO_PAIR: Answer = Object.freeze({ kind: 'refused', why: 'it is no client id and secret' })

/** Exchanges pairs for tokens as seldom as can be: memory, then Redis, then one replica asks Authgear. */
export function createPairs (deps: PairsDeps): Pairs {
  const { clock, random, maxBytes, waitingBytes, store } = deps
  const ask = createAsk(deps)
  // what strangers cause takes no place of a good pair
  const goods = new LRUCache<string, Good>({ maxSize: Math.max(1, maxBytes), sizeCalculation: bytesOf })
  const others = new LRUCache<string, Exclude<Found, Good>>({ max: MAX_OTHERS })
  const flights = new Map<string, Promise<Found>>()
  const waiting = createWaitingBudget(waitingBytes)
  const ofProcess = randomBytes(32).toString('base64url')
  const nameOf = ({ token, resource }: Asked): string => hash('sha256', `${ofProcess}${resource} ${token}`, 'base64url')
  const isLive = (good: Good): boolean => clock.monotonic() < good.endsMonotonic && clock.wall() < good.endsAt

  function otherOf (name: string): Exclude<Found, Good> | undefined {
    const other = others.get(name)
    return other === undefined || clock.monotonic() >= other.until ? undefined : other
  }

  function keep (name: string, found: Found): void {
    const good = goods.get(name)
    if (found.kind === 'good') {
      goods.set(name, found)
      others.delete(name)
    } else if (found.kind === 'unavailable' && good !== undefined && isLive(good)) {
      // neither a failure nor a limit takes away a token that is good
      good.renewAt = clock.monotonic() + RENEW_AGAIN_MS * (1 + random())
      good.failed = found
    } else {
      if (found.kind === 'refused') goods.delete(name)
      if (found.kind === 'refused' || found.isKept) others.set(name, found)
    }
  }

  /** One flight for a pair and resource. */
  function fly (name: string, pair: Pair, { resource, from }: Asked, old: Good | undefined): Promise<Found> {
    const flying = flights.get(name)
    if (flying !== undefined) return flying
    const flight = ask({ pair, resource, key: store.keyOf(pair, resource), old, from: from() }).then((found) => {
      keep(name, found)
      return found
    }).finally(() => flights.delete(name))
    flights.set(name, flight)
    return flight
  }

  async function waitFor (flight: () => Promise<Answer>, headBytes: number): Promise<Answer> {
    const bytes = waiting.take(headBytes)
    if (bytes === undefined) return { kind: 'unavailable', error: new Overloaded() }
    return await flight().finally(() => waiting.giveBack(bytes))
  }

  function renew (name: string, asked: Asked, good: Good): void {
    good.renewAt = Infinity // until the flight says when
    const pair = readPair(asked.token)
    if (pair !== undefined) fly(name, pair, asked, good).catch(() => {}) // it never rejects
  }

  return Object.freeze({
    find (asked: Asked, headBytes: () => number, refuse: RefuseClient): Answer | Promise<Answer> {
      const name = nameOf(asked)
      const good = goods.get(name)
      if (good !== undefined && isLive(good)) {
        if (clock.monotonic() >= good.renewAt) renew(name, asked, good)
        return good
      }
      const other = otherOf(name)
      if (other !== undefined) return other
      const pair = readPair(asked.token)
      if (pair === undefined) return NO_PAIR
      return refuse(pair.clientId) ?? waitFor(() => fly(name, pair, asked, good), headBytes())
    },
    async replace (asked: Asked, headBytes: () => number, old: Good): Promise<Answer> {
      const [name, pair] = [nameOf(asked), readPair(asked.token)]
      const newer = goods.get(name)
      if (newer !== undefined && newer.issuedAt > old.issuedAt) return newer
      if (clock.wall() - old.issuedAt < REPLACE_AFTER_MS || pair === undefined) return old
      if (old.failed !== undefined && clock.monotonic() < old.failed.until) return old.failed
      return otherOf(name) ?? await waitFor(() => fly(name, pair, asked, old), headBytes())
    }
  })
}

const bytesOf = ({ credentials: { bearer = '' } }: Good): number => ENTRY_BYTES + 2 * bearer.length
