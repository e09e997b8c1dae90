import type { CacheKey } from '../core/cache-key.ts'
import type { RedisCommands } from '../redis/commands.ts'
import type { Sealer } from '../crypto/sealing.ts'

/** `foreign`: a replica with another CACHE_SECRET sealed it. */
export type SecretCheckResult = 'ours' | 'foreign' | 'none' | 'unreachable'

export type SecretCheckDeps = Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'setPx' | 'setIfAbsent'>
  sealer: Sealer
  name: string
}>

export type SecretCheck = Readonly<{
  read: () => Promise<SecretCheckResult>
  /** As `read`; also writes it where there is none, and prolongs ours. It never touches a foreign one. */
  refresh: () => Promise<SecretCheckResult>
}>

/** Short, so that after a change of the secret everywhere the old value soon ends. */
const REFRESH_INTERVAL_MS = 60_000
const VALUE_LIFE_MS = 3 * REFRESH_INTERVAL_MS

/** No cache key has this length, so no entry can take its place. */
const SEALING_NAME = 'canary' as CacheKey
const PLAINTEXT = Buffer.from('authgear-forward-auth')

/**
 * One sealed value by which replicas, and `doctor`, see whether they share a CACHE_SECRET. Like any entry, it lets a
 * reader of Redis check a guess of the secret, and nothing more.
 */
export function createSecretCheck ({ commands, sealer, name }: SecretCheckDeps): SecretCheck {
  const read = async (): Promise<SecretCheckResult> => {
    const sealed = await commands.getBuffer(name)
    if (sealed === null) return 'none'
    return sealer.open(SEALING_NAME, Buffer.from(sealed.toString(), 'base64')) === undefined ? 'foreign' : 'ours'
  }
  const sealedText = (): string => sealer.seal(SEALING_NAME, PLAINTEXT).toString('base64')
  const refresh = async (): Promise<SecretCheckResult> => {
    const result = await read()
    if (result === 'ours') await commands.setPx(name, Buffer.from(sealedText()), VALUE_LIFE_MS)
    if (result !== 'none') return result
    return await commands.setIfAbsent(name, sealedText(), VALUE_LIFE_MS) ? 'ours' : await read()
  }
  const orUnreachable = (answer: Promise<SecretCheckResult>): Promise<SecretCheckResult> =>
    answer.catch(() => 'unreachable')
  return Object.freeze({ read: () => orUnreachable(read()), refresh: () => orUnreachable(refresh()) })
}

export type SecretCheckTimer = Readonly<{ refresh: () => void, close: () => void }>

/** Refreshes once a minute and on demand; reports a foreign value once, until it is gone. */
export function startSecretCheck (check: Pick<SecretCheck, 'refresh'>, foreign: () => void): SecretCheckTimer {
  let isForeign = false
  const refresh = (): void => {
    check.refresh().then((result) => {
      if (result === 'foreign' && !isForeign) foreign()
      if (result !== 'unreachable') isForeign = result === 'foreign'
    }).catch(() => {})
  }
  const timer = setInterval(refresh, REFRESH_INTERVAL_MS)
  return Object.freeze({ refresh, close: () => clearInterval(timer) })
}
