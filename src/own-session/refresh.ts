import type { TokenEndpoint } from '../authgear/token-endpoint.ts'
import { isOfSameSession } from '../authgear/id-token.ts'
import type { ClientTrace } from '../authgear/resolver/types.ts'
import type { Clock } from '../clock.ts'
import type { CacheKeys, SentDigests } from '../core/cache-key.ts'
import type { EpochMs } from '../core/token-expiry.ts'
import {
  AuthgearStatus, AuthgearTimeout, GrantRefused, Overloaded, ResolverError, SessionsUnreachable, TokenCallFailed
} from '../errors.ts'
import type { SessionLease } from './lease.ts'
import { isToken, type OwnRecord } from './record.ts'
import type { RecordStore } from './store.ts'

/** How a refresh ended: a metric's label. `adopted`: another replica had done it. */
export const REFRESH_OUTCOMES = [
  'refreshed', 'adopted', 'ended', 'limited', 'timeout', 'error', 'rejected', 'not_stored'
] as const
export type RefreshOutcome = (typeof REFRESH_OUTCOMES)[number]

/** A session whose record another replica may have changed meanwhile. */
export type Target = Readonly<{
  /** Of the cookie, as `Credentials` have it: host and value. */
  own: string
  keys: CacheKeys
  digests: SentDigests
  trace: ClientTrace
}>

export type Refreshed =
  /** The newest there is: its access token is another one than before. */
  | Readonly<{ kind: 'session', record: OwnRecord }>
  /** The record is gone. */
  | Readonly<{ kind: 'none' }>
  /** Authgear's `invalid_grant` on the newest refresh token. */
  | Readonly<{ kind: 'ended', record: OwnRecord }>
  | Readonly<{ kind: 'unavailable', error: ResolverError }>

export type RefreshDeps = Readonly<{
  store: RecordStore
  lease: SessionLease
  tokens: Pick<TokenEndpoint, 'refresh'>
  clock: Clock
  /** Milliseconds: longest wait for another replica's refresh. */
  timeoutMs: number
  /** Whether the records are in Redis. */
  isShared: boolean
  refreshed: (outcome: RefreshOutcome, seconds: number) => void
  /** The client's refresh tokens rotate: told once. */
  rotates: () => void
}>

/** One refresh of a session at a time, on all replicas together. */
export type Refresh = (target: Target, record: OwnRecord, waitMs?: number) => Promise<Refreshed>

/** After trouble a session is not tried again for so long. */
const PAUSE_MS = 1000
const MAX_PAUSES = 10_000

export function createRefresh (deps: RefreshDeps): Refresh {
  const { store, lease, clock, isShared, timeoutMs } = deps
  const rotation = createRotationNotes(deps.rotates)
  const pauses = createPauses(clock)
  const underWay = new Map<string, Promise<Refreshed>>()

  /** Under the lease: what another one stored meanwhile counts, and the newest token is what is sent. */
  async function refreshNewest (target: Target, known: OwnRecord): Promise<Refreshed> {
    const read = await store.read(target.keys)
    if (read.kind === 'none') return read
    if (read.kind === 'unreachable') return unreachable(read.error)
    if (read.record.accessToken !== known.accessToken) {
      deps.refreshed('adopted', 0)
      return { kind: 'session', record: read.record }
    }
    return await askAuthgear(target, read.record)
  }

  async function askAuthgear (target: Target, record: OwnRecord): Promise<Refreshed> {
    const began = clock.monotonic()
    const askedAt = clock.wall()
    const report = (outcome: RefreshOutcome): void => deps.refreshed(outcome, (clock.monotonic() - began) / 1000)
    try {
      const tokens = await deps.tokens.refresh(record.refreshToken, target.trace, target.digests)
      rotation.seen(tokens.refreshToken !== undefined && tokens.refreshToken !== record.refreshToken)
      const { accessToken, refreshToken = record.refreshToken, accessLifeMs, idToken } = tokens
      if (!isToken(accessToken) || !isToken(refreshToken)) throw new TokenCallFailed(new AuthgearStatus(200))
      const isSame = idToken !== undefined && isToken(idToken) && isOfSameSession(idToken, record)
      const renewed: OwnRecord = {
        ...record,
        version: record.version + 1,
        accessToken,
        refreshToken,
        accessLifeMs,
        accessEndsAt: askedAt + accessLifeMs as EpochMs,
        idToken: isSame ? idToken : record.idToken,
        usedAt: askedAt
      }
      return await keep(target, renewed, report)
    } catch (error) {
      if (error instanceof GrantRefused) return await judgeRefusal(target, record, report)
      if (!(error instanceof ResolverError)) throw error
      report(outcomeOf(error))
      pauses.begin(target.keys.current, error)
      return { kind: 'unavailable', error }
    }
  }

  /** Stored before they are used; what came too late gives way to what is there. */
  async function keep (
    target: Target,
    renewed: OwnRecord,
    report: (outcome: RefreshOutcome) => void
  ): Promise<Refreshed> {
    const written = await store.write(target.keys, renewed)
    report(written === 'stored' ? 'refreshed' : 'not_stored')
    if (written === 'stored') return { kind: 'session', record: renewed }
    if (written === 'unreachable') {
      // with rotation the old token is dead: Redis gets these when it is back
      store.hold(target.keys, renewed)
      return { kind: 'session', record: renewed }
    }
    const read = await store.read(target.keys)
    if (read.kind === 'found') return { kind: 'session', record: read.record }
    return read.kind === 'none' ? read : unreachable(read.error)
  }

  /** Another replica may have refreshed, and lost its lease meanwhile: the newest token alone proves something. */
  async function judgeRefusal (
    { keys }: Target,
    record: OwnRecord,
    report: (outcome: RefreshOutcome) => void
  ): Promise<Refreshed> {
    const read = await store.read(keys)
    if (read.kind === 'unreachable') { report('error'); return unreachable(read.error) }
    if (read.kind === 'none') return read
    if (read.record.refreshToken !== record.refreshToken || read.record.version > record.version) {
      report('adopted')
      return { kind: 'session', record: read.record }
    }
    report('ended')
    return { kind: 'ended', record: read.record }
  }

  async function run (target: Target, record: OwnRecord, waitMs: number): Promise<Refreshed> {
    const leased = await lease(target.keys, waitMs, () => refreshNewest(target, record))
    switch (leased.kind) {
      case 'ran': return leased.value
      case 'busy': return { kind: 'unavailable', error: new TokenCallFailed(new AuthgearTimeout(timeoutMs)) }
      case 'unreachable':
        // without Redis nothing new can be stored: only tokens that stay good whoever refreshes may be asked for
        return rotation.isOff() ? await askAuthgear(target, record) : unreachable(leased.error)
    }
  }

  return (target, record, waitMs = timeoutMs) => {
    const name = target.keys.current
    const paused = pauses.of(name)
    if (paused !== undefined) return Promise.resolve({ kind: 'unavailable', error: paused })
    const running = underWay.get(name)
    if (running !== undefined) return running
    const refreshing = run(target, record, isShared ? waitMs : 0).finally(() => underWay.delete(name))
    underWay.set(name, refreshing)
    return refreshing
  }
}

const unreachable = (error: unknown): Refreshed => ({ kind: 'unavailable', error: new SessionsUnreachable(error) })

function outcomeOf (error: ResolverError): RefreshOutcome {
  const cause = error instanceof TokenCallFailed ? error.cause : error
  if (cause instanceof AuthgearTimeout) return 'timeout'
  if (cause instanceof Overloaded) return 'rejected'
  return cause instanceof AuthgearStatus && cause.status === 429 ? 'limited' : 'error'
}

/** Whether the client rotates its refresh tokens is noticed by its answers. */
function createRotationNotes (told: () => void) {
  let isOn: boolean | undefined
  return {
    isOff: () => isOn === false,
    seen (rotated: boolean): void {
      if (rotated && isOn !== true) told()
      isOn = rotated
    }
  }
}

/** What failed a moment ago fails once more at once: people wait for nothing, and Authgear is left alone. */
function createPauses ({ monotonic }: Pick<Clock, 'monotonic'>) {
  const pauses = new Map<string, Readonly<{ until: number, error: ResolverError }>>()
  return {
    begin (name: string, error: ResolverError): void {
      if (pauses.size >= MAX_PAUSES) pauses.clear()
      pauses.set(name, { until: monotonic() + PAUSE_MS, error })
    },
    of (name: string): ResolverError | undefined {
      const pause = pauses.get(name)
      if (pause === undefined) return undefined
      if (monotonic() < pause.until) return pause.error
      pauses.delete(name)
      return undefined
    }
  }
}

/** Share of a token's life that is left when it is refreshed; sessions of one moment are spread over a tenth of it. */
const LEAST_SHARE = 0.15
const SPREAD_SHARE = 0.1

/** @param key by which sessions are spread */
export function isRefreshDue ({ accessEndsAt, accessLifeMs }: OwnRecord, key: string, now: number): boolean {
  const spread = (Buffer.from(key.slice(0, 4), 'base64url')[0] ?? 0) / 256
  return accessEndsAt - now < accessLifeMs * (LEAST_SHARE + SPREAD_SHARE * spread)
}
