import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { Tokens } from '../oidc/token-endpoint.ts'
import { isOfSameSession } from '../oidc/id-token.ts'
import type { Clock } from '../../../base/clock.ts'
import type { EpochMs } from '../../../base/core/token-expiry.ts'
import {
  AuthgearCircuitOpen, AuthgearGarbage, AuthgearStatus, AuthgearTimeout, Overloaded, ResolverError, TokenCallFailed
} from '../../../base/errors.ts'
import { GrantDoubted, GrantRefused, SessionsUnreachable } from '../errors.ts'
import type { RefreshOutcome } from '../metrics.ts'
import type { SessionLease } from './lease.ts'
import { isToken, type SessionRecord, type SessionRef } from './record.ts'
import { createRotation, type RotationDeps } from './rotation.ts'
import type { RecordStore } from './store.ts'

export type Refreshed =
  /** The newest there is: its access token is another one than before. */
  | Readonly<{ kind: 'session', record: SessionRecord }>
  /** The record is gone. */
  | Readonly<{ kind: 'none' }>
  /** Authgear's `invalid_grant` on the newest refresh token. */
  | Readonly<{ kind: 'ended' }>
  | Readonly<{ kind: 'unavailable', error: ResolverError }>

export type RenewalDeps = RotationDeps & Readonly<{
  store: RecordStore
  clock: Clock
  /** True if the records are in Redis. */
  isShared: boolean
  refreshed: (outcome: RefreshOutcome, seconds: number) => void
  /** A refresh token that came for a session which had ended meanwhile: its grant lives. */
  discarded: (refreshToken: string) => void
  /** Redis may have lost writes a moment ago, which other replicas give back to it: no refusal is believed. */
  isUnsettled: () => boolean
}>

/** `timeoutMs` is also the longest wait for another replica's refresh, and for the place of one in the queue. */
export type RefreshDeps = RenewalDeps & Readonly<{ lease: SessionLease }>

/**
 * One refresh of a session at a time, on all replicas together. Never rejects for an answer of Authgear's or Redis'.
 * @param isAwaited whether a request waits for it: else another replica's is not waited for
 */
type RefreshOnce = (target: SessionRef, record: SessionRecord, isAwaited: boolean) => Promise<Refreshed>

export type Refresh = RefreshOnce & Readonly<{
  /** Has this session not refreshed for a moment: the answer is this error. */
  pause: (target: SessionRef, error: ResolverError) => void
  /** A record that is read says whether tokens rotate. */
  learn: (record: SessionRecord) => void
  /** While its access token lives. @param key by which sessions are spread */
  isDue: (record: SessionRecord, key: string) => boolean
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

export function createRefresh (deps: RefreshDeps): Refresh {
  const { lease, clock, timeoutMs } = deps
  const renewal = createRenewal(deps)
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
    target: SessionRef, record: SessionRecord, waitMs: number, tellLate: () => void
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

  function start (target: SessionRef, record: SessionRecord, isAwaited: boolean): Flight {
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

  async function refresh (target: SessionRef, record: SessionRecord, isAwaited: boolean): Promise<Refreshed> {
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

/** A replica that lost its lease while it stood still writes within this, if it ever does. */
const CONFIRM_MS = 500

/** Between two tries to store what Redis did not take, and for how long: then others believe an `invalid_grant`. */
const STORE_AGAIN_MS = 1000
const STORE_TRIES = 60

export function createRenewal (deps: RenewalDeps) {
  const { store, clock } = deps
  const rotation = createRotation(deps)

  /** Runs under the lease: what another one stored meanwhile counts, and the newest token is sent. */
  async function refreshNewest (target: SessionRef, known: SessionRecord, late: () => void): Promise<Refreshed> {
    const read = await store.read(target)
    if (read.kind === 'none') return read
    if (read.kind === 'unreachable') return unreachable(read.error)
    rotation.learn(read.record)
    if (read.record.accessToken === known.accessToken) return await askAuthgear(target, read.record, late)
    deps.refreshed('adopted', 0)
    return { kind: 'session', record: read.record }
  }

  async function askAuthgear (target: SessionRef, record: SessionRecord, late: () => void): Promise<Refreshed> {
    const began = clock.monotonic()
    const askedAt = clock.wall()
    const report = (outcome: RefreshOutcome): void => deps.refreshed(outcome, (clock.monotonic() - began) / 1000)
    // where tokens rotate, a no is believed of the replica that asked first alone: another one may hold the newer token
    const claim = rotation.isOff(record) ? 'ours' : await store.claimRefresh(target, record.version)
    if (claim === 'unreachable') return unreachable()
    try {
      const tokens = await rotation.refresh(target, record, late)
      return await keep(target, record, renewedBy(record, tokens, askedAt), report)
    } catch (error) {
      if (error instanceof GrantRefused) return await judgeRefusal(target, record, claim === 'ours', report)
      if (!(error instanceof ResolverError)) throw error
      report(outcomeOf(error))
      return { kind: 'unavailable', error }
    }
  }

  /** Stored before they are used; what came too late gives way to what is there. */
  async function keep (
    target: SessionRef,
    before: SessionRecord,
    renewed: SessionRecord,
    report: (outcome: RefreshOutcome) => void
  ): Promise<Refreshed> {
    const written = await store.write(target, renewed)
    report(written === 'stored' ? 'refreshed' : 'not_stored')
    if (written === 'stored') return { kind: 'session', record: renewed }
    if (written === 'unreachable') {
      // with rotation the old token is dead: Redis gets these when it is back
      store.hold(target, renewed)
      if (renewed.refreshToken !== before.refreshToken) storeLater(store, target).catch(() => {}) // never rejects
      return { kind: 'session', record: renewed }
    }
    const read = await store.read(target)
    if (read.kind === 'found') return { kind: 'session', record: read.record }
    if (read.kind === 'unreachable') return unreachable(read.error)
    if (renewed.refreshToken !== before.refreshToken) deps.discarded(renewed.refreshToken)
    return read
  }

  /** Another replica may have refreshed, and lost its lease meanwhile: the newest token alone proves something. */
  async function judgeRefusal (
    target: SessionRef,
    record: SessionRecord,
    isFirst: boolean,
    report: (outcome: RefreshOutcome) => void
  ): Promise<Refreshed> {
    const isRotating = !rotation.isOff(record)
    if (deps.isShared && isRotating) await sleep(CONFIRM_MS)
    const read = await store.read(target)
    if (read.kind === 'none') return read
    if (read.kind === 'unreachable') {
      report('error')
      return unreachable(read.error)
    }
    const isNewest = read.record.refreshToken === record.refreshToken && read.record.version === record.version
    // this replica's own memory does not say what another one has stored
    const isKnown = isFirst && (!isRotating || !(read.isRedisAway || deps.isUnsettled()))
    if (isNewest && !isKnown) {
      report('error')
      return read.isRedisAway ? unreachable() : { kind: 'unavailable', error: new GrantDoubted() }
    }
    report(isNewest ? 'ended' : 'adopted')
    return isNewest ? { kind: 'ended' } : { kind: 'session', record: read.record }
  }

  return Object.freeze({
    /** @param late called where Authgear takes longer than anybody waits */
    refreshNewest,
    /** Without a lease: only where `isSafeAlone`. */
    refreshAlone: askAuthgear,
    /** A refresh leaves the old tokens good: the client does not rotate them. */
    isSafeAlone: rotation.isOff,
    /** True if anything has said whether they rotate. */
    isKnown: rotation.isKnown,
    /** Learns what a record says of others, too. */
    learn: rotation.learn
  })
}

/**
 * No other replica has a token that lives: Redis gets it, whether or not this one is asked about it again. A reading
 * writes what is held, and nothing of a session that has ended meanwhile.
 */
async function storeLater (store: RecordStore, target: SessionRef): Promise<void> {
  for (let tries = 0; tries < STORE_TRIES; tries++) {
    await sleep(STORE_AGAIN_MS, undefined, { ref: false })
    const read = await store.read(target)
    if (read.kind === 'none' || (read.kind === 'found' && !read.isRedisAway)) return
  }
}

/** @throws {TokenCallFailed} for what is no token */
function renewedBy (
  record: SessionRecord,
  { accessToken, refreshToken = record.refreshToken, accessLifeMs, idToken }: Tokens,
  askedAt: EpochMs
): SessionRecord {
  if (!isToken(accessToken) || !isToken(refreshToken)) {
    throw new TokenCallFailed(new AuthgearGarbage('it holds no token'))
  }
  const isSame = isToken(idToken) && isOfSameSession(idToken, record)
  return {
    ...record,
    version: record.version + 1,
    accessToken,
    refreshToken,
    accessLifeMs,
    accessEndsAt: askedAt + accessLifeMs as EpochMs,
    idToken: isSame ? idToken : record.idToken,
    usedAt: askedAt,
    rotates: refreshToken !== record.refreshToken
  }
}

export const unreachable = (error?: unknown): Refreshed & { kind: 'unavailable' } =>
  ({ kind: 'unavailable', error: new SessionsUnreachable(error) })

function outcomeOf (error: ResolverError): RefreshOutcome {
  const cause = error instanceof TokenCallFailed ? error.cause : error
  if (cause instanceof AuthgearTimeout) return 'timeout'
  if (cause instanceof Overloaded || cause instanceof AuthgearCircuitOpen) return 'rejected'
  return cause instanceof AuthgearStatus && cause.status === 429 ? 'limited' : 'error'
}
