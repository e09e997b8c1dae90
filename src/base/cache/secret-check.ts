import type { Clock } from '../clock.ts'
import type { CacheKey } from '../core/cache-key.ts'
import type { EpochMs } from '../core/token-expiry.ts'
import type { Sealer } from '../crypto/sealing.ts'
import type { RedisCommands } from '../redis/commands.ts'
import { systemTiming, type Timing } from './lease.ts'

/**
 * `current`, `previous`: the secret that the fleet writes under, and since when.
 * `foreign`: a replica with neither of this one's secrets sealed it.
 */
export type SecretCheckResult =
  | Readonly<{ kind: 'current' | 'previous', since: EpochMs }>
  | Readonly<{ kind: 'foreign' | 'none' | 'unreachable' }>

export type SecretCheckDeps = Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'setPx' | 'setIfAbsent'>
  sealer: Sealer
  /** The sealer of CACHE_SECRET_PREVIOUS, while there is one. */
  previous?: Sealer | undefined
  name: string
  clock: Pick<Clock, 'wall'>
  refreshMs?: number
}>

type SecretCheck = ReturnType<typeof createSecretCheck>

/** Short, so that after a change of the secret everywhere the old value soon ends. */
export const REFRESH_INTERVAL_MS = 60_000
/** The value lives for so many intervals. */
const LIFE_INTERVALS = 3
/** A replica that knows the previous secret alone would have written it again within one. */
const ABSENT_INTERVALS = 2

/** No cache key has this length, so no entry can take its place. */
const SEALING_NAME = 'canary' as CacheKey
const PLAINTEXT = 'authgear-forward-auth'

/**
 * One sealed value by which replicas, and `doctor`, see whether they share a CACHE_SECRET. Like any entry, it lets a
 * reader of Redis check a guess of the secret, and nothing more.
 */
export function createSecretCheck (deps: SecretCheckDeps) {
  const { commands, sealer, previous, name, clock, refreshMs = REFRESH_INTERVAL_MS } = deps
  const lifeMs = LIFE_INTERVALS * refreshMs
  const sealedText = (since: number): string =>
    sealer.seal(SEALING_NAME, Buffer.from(`${PLAINTEXT} ${since}`)).toString('base64')
  const read = async (): Promise<SecretCheckResult> => {
    const text = await commands.getBuffer(name)
    return text === null ? { kind: 'none' } : open(Buffer.from(text.toString(), 'base64'))
  }
  function open (sealed: Buffer): SecretCheckResult {
    const current = sealer.open(SEALING_NAME, sealed)
    if (current !== undefined) return { kind: 'current', since: sinceOf(current) }
    const older = previous?.open(SEALING_NAME, sealed)
    return older === undefined ? { kind: 'foreign' } : { kind: 'previous', since: sinceOf(older) }
  }
  const refresh = async (claims: boolean): Promise<SecretCheckResult> => {
    const result = await read()
    const now = clock.wall()
    if (result.kind === 'current') await commands.setPx(name, Buffer.from(sealedText(result.since)), lifeMs)
    if (result.kind !== 'none' || !claims) return result
    const isClaimed = await commands.setIfAbsent(name, sealedText(now), lifeMs)
    return isClaimed ? { kind: 'current', since: now } : await read()
  }
  const orUnreachable = (answer: Promise<SecretCheckResult>): Promise<SecretCheckResult> =>
    answer.catch((): SecretCheckResult => ({ kind: 'unreachable' }))
  return Object.freeze({
    read: () => orUnreachable(read()),
    /**
     * As `read`; also prolongs the one under this replica's own secret, never another.
     * @param claims whether it writes one where there is none
     */
    refresh: (claims: boolean) => orUnreachable(refresh(claims))
  })
}

/** Authentic, so it has the form that `sealedText` gave it. */
const sinceOf = (plain: Buffer): EpochMs => Number(plain.toString().slice(PLAINTEXT.length + 1)) as EpochMs

export type SecretCheckTimer = ReturnType<typeof startSecretCheck>

export type SecretCheckTimerDeps = Readonly<{
  check: Pick<SecretCheck, 'refresh'>
  /** True if there is a CACHE_SECRET_PREVIOUS. */
  isRotating: boolean
  clock: Pick<Clock, 'monotonic'>
  /** Told once, until it is gone. */
  foreign: () => void
  /** The fleet writes under CACHE_SECRET from now on; told while it is being rotated. */
  rotated: () => void
  refreshMs?: number
  repeat?: Timing['repeat']
}>

/**
 * Refreshes once a minute and on demand. While CACHE_SECRET is rotated the value says under which secret the fleet
 * writes: replicas that know the previous one alone keep it there, and only after they have ended it becomes another.
 */
export function startSecretCheck (deps: SecretCheckTimerDeps) {
  const { check, isRotating, clock, foreign, rotated } = deps
  const { refreshMs = REFRESH_INTERVAL_MS, repeat = systemTiming.repeat } = deps
  let seen: SecretCheckResult['kind'] = 'unreachable'
  let writesPrevious = isRotating
  let absentSince: number | undefined
  const mayClaim = (): boolean =>
    !writesPrevious ||
    (absentSince !== undefined && clock.monotonic() - absentSince >= ABSENT_INTERVALS * refreshMs)
  function saw (kind: SecretCheckResult['kind']): void {
    absentSince = kind === 'none' ? absentSince ?? clock.monotonic() : undefined
    if (kind === 'unreachable') return
    if (kind === 'foreign' && seen !== 'foreign') foreign()
    seen = kind
    if (kind === 'previous') writesPrevious = true
    if (kind !== 'current' || !writesPrevious) return
    writesPrevious = false
    rotated()
  }
  const refresh = (): void => { check.refresh(mayClaim()).then(({ kind }) => saw(kind)).catch(() => {}) }
  const close = repeat(refreshMs, refresh)
  return Object.freeze({
    refresh,
    close,
    /** True if this replica writes under CACHE_SECRET_PREVIOUS: a replica may be left that has only this one. */
    writesPrevious: () => writesPrevious
  })
}
