import { setTimeout as sleep } from 'node:timers/promises'
import type { Tokens } from '../grants/token-endpoint.ts'
import { isOfSameSession } from '../grants/id-token.ts'
import type { Clock } from '../../../base/clock.ts'
import type { EpochMs } from '../../../base/core/token-expiry.ts'
import {
  AuthgearCircuitOpen, AuthgearGarbage, AuthgearStatus, AuthgearTimeout, Overloaded, ResolverError, TokenCallFailed
} from '../../../base/errors.ts'
import { GrantDoubted, GrantRefused, SessionsUnreachable } from '../errors.ts'
import type { RefreshOutcome } from '../metrics.ts'
import { isToken, type OwnRecord, type Target } from './record.ts'
import { createRotation, type RotationDeps } from './rotation.ts'
import type { RecordStore } from './store.ts'

export type Refreshed =
  /** The newest there is: its access token is another one than before. */
  | Readonly<{ kind: 'session', record: OwnRecord }>
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

/** A replica that lost its lease while it stood still writes within this, if it ever does. */
const CONFIRM_MS = 500

/** Between two tries to store what Redis did not take, and for how long: then others believe an `invalid_grant`. */
const STORE_AGAIN_MS = 1000
const STORE_TRIES = 60

export type Renewal = ReturnType<typeof createRenewal>

export function createRenewal (deps: RenewalDeps) {
  const { store, clock } = deps
  const rotation = createRotation(deps)

  /** Runs under the lease: what another one stored meanwhile counts, and the newest token is sent. */
  async function refreshNewest (target: Target, known: OwnRecord, late: () => void): Promise<Refreshed> {
    const read = await store.read(target)
    if (read.kind === 'none') return read
    if (read.kind === 'unreachable') return unreachable(read.error)
    rotation.learn(read.record)
    if (read.record.accessToken === known.accessToken) return await askAuthgear(target, read.record, late)
    deps.refreshed('adopted', 0)
    return { kind: 'session', record: read.record }
  }

  async function askAuthgear (target: Target, record: OwnRecord, late: () => void): Promise<Refreshed> {
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
    target: Target,
    before: OwnRecord,
    renewed: OwnRecord,
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
    target: Target,
    record: OwnRecord,
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
async function storeLater (store: RecordStore, target: Target): Promise<void> {
  for (let tries = 0; tries < STORE_TRIES; tries++) {
    await sleep(STORE_AGAIN_MS, undefined, { ref: false })
    const read = await store.read(target)
    if (read.kind === 'none' || (read.kind === 'found' && !read.isRedisAway)) return
  }
}

/** @throws {TokenCallFailed} for what is no token */
function renewedBy (
  record: OwnRecord,
  { accessToken, refreshToken = record.refreshToken, accessLifeMs, idToken }: Tokens,
  askedAt: EpochMs
): OwnRecord {
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
