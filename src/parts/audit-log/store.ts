import { randomBytes } from 'node:crypto'
import { type Clock, elapsedSince, type Moment, momentOf } from '../../base/clock.ts'
import type { SharedRedis } from '../../base/parts/given.ts'
import { decodePosition, encodePosition, type Position } from './position.ts'

export type Stored = Readonly<{
  /** Undefined where it cannot be read. */
  position: Position | undefined
  /** Milliseconds since the poll that brought it. */
  ageMs: number
}>

/**
 * The knowledge that replicas share: who reads the audit log, and how far it was read. All of it rejects where Redis
 * does not answer.
 */
export interface AuditStore {
  /**
   * Takes the lease, or renews it.
   * @returns whether this replica holds it, for the lease's life from when this was sent
   */
  hold (): Promise<boolean>
  /** Gives the lease back, where this replica holds it. */
  release (): Promise<void>
  load (): Promise<Stored | undefined>
  /** @returns false where another replica holds the lease: nothing is written then */
  save (position: Position, ageMs: number): Promise<boolean>
  /** @returns whether nobody did in the last ten minutes: a gap voids everything no more often */
  claimGap (): Promise<boolean>
}

const GAP_INTERVAL_MS = 10 * 60_000

/**
 * Without Redis there is one replica, which leads; a start begins at the newest entry, since nothing is remembered from
 * before it.
 */
export function createMemoryStore (clock: Pick<Clock, 'monotonic'>): AuditStore {
  let claimedAt = -Infinity
  return Object.freeze({
    hold: async () => true,
    release: async () => {},
    load: async () => undefined,
    save: async () => true,
    async claimGap () {
      const isFree = clock.monotonic() - claimedAt >= GAP_INTERVAL_MS
      if (isFree) claimedAt = clock.monotonic()
      return isFree
    }
  } satisfies AuditStore)
}

/** Longer than anything is remembered. A position's age is what of this has passed, by Redis' clock. */
const POSITION_LIFE_MS = 24 * 60 * 60_000

export type RedisAuditStoreDeps = Pick<SharedRedis, 'commands' | 'keyOf'> & Readonly<{
  /** Milliseconds. */
  leaseMs: number
}>

/** Keeps three keys: who leads (a random token), how far the log was read, and that a gap voided everything lately. */
export function createRedisStore ({ commands, keyOf, leaseMs }: RedisAuditStoreDeps): AuditStore {
  const [lease, position, gap] = [keyOf('audit-lease'), keyOf('audit-position'), keyOf('audit-gap')]
  // also while nobody knows whether Redis took it: an answer may have been lost
  let token = ''
  let claim: string | undefined
  const renew = async (): Promise<boolean> =>
    (await commands.setPxWhile(lease, token, lease, Buffer.from(token), leaseMs)) === 'OK'
  return Object.freeze({
    async hold () {
      if (token !== '' && await renew()) return true
      token = randomBytes(16).toString('hex')
      return await commands.setIfAbsent(lease, token, leaseMs)
    },
    async release () {
      if (token !== '') await commands.deleteIfEquals(lease, token)
      token = ''
    },
    async load () {
      const [left, value] = await Promise.all([commands.pttl(position), commands.getBuffer(position)])
      if (value === null || left <= 0) return undefined
      return { position: decodePosition(value.toString()), ageMs: Math.max(0, POSITION_LIFE_MS - left) }
    },
    async save (read: Position, ageMs: number) {
      const life = Math.max(1, Math.round(POSITION_LIFE_MS - ageMs))
      return await commands.setPxWhile(lease, token, position, Buffer.from(encodePosition(read)), life) === 'OK'
    },
    async claimGap () {
      const isRepeated = claim !== undefined // the answer to the one before was lost: it may be in Redis
      claim ??= randomBytes(16).toString('hex')
      const isFree = await commands.setIfAbsent(gap, claim, GAP_INTERVAL_MS) ||
        (isRepeated && await commands.setPxWhile(gap, claim, gap, Buffer.from(claim), GAP_INTERVAL_MS) === 'OK')
      claim = undefined
      return isFree
    }
  } satisfies AuditStore)
}

export type Leadership = Readonly<{
  /** Takes or renews the lease; rejects where the store does not answer: what was held goes on until it ends. */
  tick: () => Promise<void>
  /**
   * Numbers the time for which this replica leads without a break; undefined while it does not. Asked right before
   * each act: a frozen process wakes up and leads no more, by one clock or the other.
   */
  leaderTerm: () => number | undefined
  resign: () => Promise<void>
}>

/** A share of the lease's life is left as a margin: clocks run differently. */
const MARGIN = 0.9

export function createLeadership (
  store: Pick<AuditStore, 'hold' | 'release'>,
  leaseMs: number,
  clock: Clock
): Leadership {
  let held: Moment | undefined
  let term = 0
  const leaderTerm = (): number | undefined =>
    held !== undefined && elapsedSince(held, clock) < leaseMs * MARGIN ? term : undefined
  return Object.freeze({
    async tick () {
      const sent = momentOf(clock) // the lease begins later, so that it ends later too
      const isHeld = await store.hold()
      if (isHeld && leaderTerm() === undefined) term++
      held = isHeld ? sent : undefined
    },
    leaderTerm,
    async resign () {
      held = undefined
      await store.release()
    }
  })
}
