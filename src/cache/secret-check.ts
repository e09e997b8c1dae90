import type { CacheKey } from '../core/cache-key.ts'
import type { RedisCommands } from '../redis/commands.ts'
import type { Sealer } from '../crypto/sealing.ts'

/** `foreign`: what is there was sealed by a replica with another CACHE_SECRET. */
export type SecretCheckResult = 'ours' | 'foreign' | 'none' | 'unreachable'

export type SecretCheckDeps = Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'setPx' | 'setIfAbsent'>
  sealer: Sealer
  name: string
}>

export type SecretCheck = Readonly<{
  read: () => Promise<SecretCheckResult>
  /**
   * As `read`; one of ours lives longer by it, and where there is none it is put there. A foreign one is left alone.
   */
  refresh: () => Promise<SecretCheckResult>
}>

/**
 * Milliseconds between two beats of a replica, and for which one counts: after the secret was changed everywhere the
 * old one is soon gone.
 */
const REFRESH_INTERVAL_MS = 60_000
const MARK_LIFE_MS = 3 * REFRESH_INTERVAL_MS

/** No cache key has this length, so that no entry can be put in its place. */
const PLACE = 'canary' as CacheKey
const TEXT = Buffer.from('authgear-forward-auth')

/**
 * One sealed entry by which replicas, and `doctor`, see whether they share a CACHE_SECRET. It tells a reader of Redis
 * no more than any other entry there: who can guess the secret can check the guess.
 */
export function createSecretCheck ({ commands, sealer, name }: SecretCheckDeps): SecretCheck {
  const read = async (): Promise<SecretCheckResult> => {
    const sealed = await commands.getBuffer(name)
    if (sealed === null) return 'none'
    return sealer.open(PLACE, Buffer.from(sealed.toString(), 'base64')) === undefined ? 'foreign' : 'ours'
  }
  const text = (): string => sealer.seal(PLACE, TEXT).toString('base64')
  const refresh = async (): Promise<SecretCheckResult> => {
    const reading = await read()
    if (reading === 'ours') await commands.setPx(name, Buffer.from(text()), MARK_LIFE_MS)
    if (reading !== 'none') return reading
    return await commands.setIfAbsent(name, text(), MARK_LIFE_MS) ? 'ours' : await read()
  }
  const orUnreachable = (answer: Promise<SecretCheckResult>): Promise<SecretCheckResult> =>
    answer.catch(() => 'unreachable')
  return Object.freeze({ read: () => orUnreachable(read()), refresh: () => orUnreachable(refresh()) })
}

export type SecretCheckTimer = Readonly<{ refresh: () => void, close: () => void }>

/** Beats once a minute, and whenever asked to; a foreign canary is told once until it is gone. */
export function startSecretCheck (check: Pick<SecretCheck, 'refresh'>, foreign: () => void): SecretCheckTimer {
  let isForeign = false
  const refresh = (): void => {
    check.refresh().then((reading) => {
      if (reading === 'foreign' && !isForeign) foreign()
      if (reading !== 'unreachable') isForeign = reading === 'foreign'
    }).catch(() => {})
  }
  const timer = setInterval(refresh, REFRESH_INTERVAL_MS)
  return Object.freeze({ refresh, close: () => clearInterval(timer) })
}
