import { LRUCache } from 'lru-cache'
import type { Clock } from '../../../base/clock.ts'
import { AuthgearTimeout, type ResolverError, TokenCallFailed } from '../../../base/errors.ts'
import type { SessionLease } from './lease.ts'
import type { OwnRecord, Target } from './record.ts'
import { type Refreshed, type Renewal, unreachable } from './renewal.ts'

export type RefreshDeps = Readonly<{
  renewal: Renewal
  lease: SessionLease
  clock: Clock
  /** Milliseconds: longest wait for another replica's refresh, and for the place of one in the queue. */
  timeoutMs: number
}>

/**
 * One refresh of a session at a time, on all replicas together. Never rejects for an answer of Authgear's or Redis'.
 * @param isAwaited whether a request waits for it: else another replica's is not waited for
 */
export type Refresh = ((target: Target, record: OwnRecord, isAwaited: boolean) => Promise<Refreshed>) & Readonly<{
  /** Has this session not refreshed for a moment: the answer is this error. */
  pause: (target: Target, error: ResolverError) => void
  /** A record that is read says whether tokens rotate. */
  learn: (record: OwnRecord) => void
  /** While its access token lives. @param key by which sessions are spread */
  isDue: (record: OwnRecord, key: string) => boolean
  /** Comes when none is under way, and after some seconds at most: what Authgear has rotated is stored. */
  settled: () => Promise<void>
}>

/** Pause before a session in trouble is tried again. */
const PAUSE_MS = 1000
const MAX_FAILED = 10_000
/** The longest wait at the end of a replica. */
const SETTLE_WITHIN_MS = 5000

/** `whole` may outlive all who wait: with rotation Authgear's answer is the only one. */
type Flight = Readonly<{ whole: Promise<Refreshed | 'busy'>, inTime: Promise<Refreshed | 'busy'> }>

export function createRefresh ({ renewal, lease, clock, timeoutMs }: RefreshDeps): Refresh {
  /**
   * Errors of a moment ago: the same fails once more at once, so that people wait for nothing, and Authgear is not
   * asked.
   */
  const failed = new LRUCache<string, ResolverError>({
    max: MAX_FAILED, ttl: PAUSE_MS, ttlResolution: 0, perf: { now: clock.monotonic }
  })
  const underWay = new Map<string, Flight>()
  const late: Refreshed = { kind: 'unavailable', error: new TokenCallFailed(new AuthgearTimeout(timeoutMs)) }

  async function run (
    target: Target, record: OwnRecord, waitMs: number, tellLate: () => void
  ): Promise<Refreshed | 'busy'> {
    const leased = await lease(target.keys, waitMs, () => renewal.refreshNewest(target, record, tellLate))
    switch (leased.kind) {
      case 'ran': return leased.value
      case 'busy': return 'busy'
      case 'unreachable':
        // without Redis nothing new can be stored: so tokens may be asked for only where the old ones stay good
        return renewal.isSafeAlone(record)
          ? await renewal.refreshAlone(target, record, tellLate)
          : unreachable(leased.error)
    }
  }

  function start (target: Target, record: OwnRecord, isAwaited: boolean): Flight {
    const name = target.keys.current
    let tell = (): void => {}
    const isLate = new Promise<Refreshed>((resolve) => { tell = () => resolve(late) })
    const whole = run(target, record, isAwaited ? timeoutMs : 0, tell)
      .then((refreshed) => {
        if (refreshed !== 'busy' && refreshed.kind === 'unavailable') failed.set(name, refreshed.error)
        return refreshed
      })
      .finally(() => { if (underWay.get(name) === flight) underWay.delete(name) })
    const flight = { whole, inTime: Promise.race([whole, isLate]) }
    flight.inTime.catch(() => {}) // nobody may wait
    underWay.set(name, flight)
    return flight
  }

  async function refresh (target: Target, record: OwnRecord, isAwaited: boolean): Promise<Refreshed> {
    const error = failed.get(target.keys.current)
    if (error !== undefined) return { kind: 'unavailable', error }
    const flight = (): Promise<Refreshed | 'busy'> =>
      (underWay.get(target.keys.current) ?? start(target, record, isAwaited)).inTime
    const first = await flight()
    // one that nobody waited for gives up at once where another replica is at it
    const refreshed = first === 'busy' && isAwaited ? await flight() : first
    return refreshed === 'busy' ? late : refreshed
  }
  const isDue: Refresh['isDue'] = (record, key) =>
    record.accessEndsAt - clock.wall() < record.accessLifeMs * (renewal.isKnown(record) ? shareOf(key) : FIRST_SHARE)
  const pause: Refresh['pause'] = ({ keys }, error) => { failed.set(keys.current, error) }
  async function settled (): Promise<void> {
    const all = Promise.allSettled([...underWay.values()].map(({ whole }) => whole))
    await Promise.race([all, new Promise((resolve) => { setTimeout(resolve, SETTLE_WITHIN_MS).unref() })])
  }
  return Object.freeze(Object.assign(refresh, { pause, learn: renewal.learn, isDue, settled }))
}

/**
 * Share of a token's life that is left when it is refreshed. Sessions of one moment, such as nine o'clock, are spread
 * over a third of it: Authgear takes 120 calls a minute and address.
 */
const LEAST_SHARE = 0.15
const SPREAD_SHARE = 0.35
/** The same where nobody knows whether tokens rotate: what one refresh tells is needed while Redis is away. */
const FIRST_SHARE = 0.9

const shareOf = (key: string): number =>
  LEAST_SHARE + SPREAD_SHARE * (Buffer.from(key.slice(0, 4), 'base64url')[0] ?? 0) / 256
