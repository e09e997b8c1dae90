import type { CacheKey } from '../core/cache-key.ts'
import type { RedisCommands } from '../redis/commands.ts'
import type { Sealer } from '../crypto/sealing.ts'

/** `foreign`: what is there was sealed by a replica with another CACHE_SECRET. */
export type CanaryReading = 'ours' | 'foreign' | 'none' | 'unreachable'

export type CanaryDeps = Readonly<{ commands: Pick<RedisCommands, 'getBuffer' | 'setPx' | 'setIfAbsent'>, sealer: Sealer, name: string }>

export type Canary = Readonly<{
  read: () => Promise<CanaryReading>
  /** As `read`; one of ours lives longer by it, and where there is none it is put there. A foreign one is left alone. */
  beat: () => Promise<CanaryReading>
}>

/** Milliseconds between two beats of a replica, and for which one counts: after the secret was changed everywhere the old one is soon gone. */
const BEAT = 60_000
const LIFE = 3 * BEAT

/** No cache key has this length, so that no entry can be put in its place. */
const PLACE = 'canary' as CacheKey
const TEXT = Buffer.from('authgear-forward-auth')

/**
 * One sealed entry by which replicas, and `doctor`, see whether they share a CACHE_SECRET. It tells a reader of Redis no more
 * than any other entry there: who can guess the secret can check the guess.
 */
export function createCanary ({ commands, sealer, name }: CanaryDeps): Canary {
  const read = async (): Promise<CanaryReading> => {
    const sealed = await commands.getBuffer(name)
    if (sealed === null) return 'none'
    return sealer.open(PLACE, Buffer.from(sealed.toString(), 'base64')) === undefined ? 'foreign' : 'ours'
  }
  const text = (): string => sealer.seal(PLACE, TEXT).toString('base64')
  const beat = async (): Promise<CanaryReading> => {
    const reading = await read()
    if (reading === 'ours') await commands.setPx(name, Buffer.from(text()), LIFE)
    if (reading !== 'none') return reading
    return await commands.setIfAbsent(name, text(), LIFE) ? 'ours' : await read()
  }
  const orUnreachable = (answer: Promise<CanaryReading>): Promise<CanaryReading> => answer.catch(() => 'unreachable')
  return Object.freeze({ read: () => orUnreachable(read()), beat: () => orUnreachable(beat()) })
}

export type Beating = Readonly<{ beat: () => void, close: () => void }>

/** Beats once a minute, and whenever asked to; a foreign canary is told once until it is gone. */
export function startBeating (canary: Pick<Canary, 'beat'>, foreign: () => void): Beating {
  let isForeign = false
  const beat = (): void => {
    canary.beat().then((reading) => {
      if (reading === 'foreign' && !isForeign) foreign()
      if (reading !== 'unreachable') isForeign = reading === 'foreign'
    }).catch(() => {})
  }
  const timer = setInterval(beat, BEAT)
  return Object.freeze({ beat, close: () => clearInterval(timer) })
}
