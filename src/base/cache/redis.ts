import { elapsedSince, momentOf, type Clock } from '../clock.ts'
import type { CacheKey } from '../core/cache-key.ts'
import type { Entry } from '../core/entry.ts'
import type { RedisCommands } from '../redis/commands.ts'
import { entryKey, keyOfForm } from '../redis/keys.ts'
import { decodeEntry, encodeEntry, ENTRY_VERSION } from './entry-codec.ts'
import type { CacheRead, CacheWrite, Dated } from './types.ts'
import type { Sealer } from '../crypto/sealing.ts'

/** The encoding and the key of a kind of value. */
export type Form<V extends Dated> = Readonly<{
  encode: (value: V) => Uint8Array
  /** @returns undefined for what `encode` did not make */
  decode: (bytes: Uint8Array) => V | undefined
  nameOf: (keyPrefix: string, key: CacheKey) => string
}>

/** @param version another one in tests only */
export function entryForm (version: number = ENTRY_VERSION): Form<Entry> {
  const nameOf: Form<Entry>['nameOf'] = (prefix, key) => keyOfForm(entryKey(prefix, key), version)
  return { encode: encodeEntry, decode: decodeEntry, nameOf }
}

export type RedisTier<V extends Dated = Entry> = Readonly<{
  commands: RedisCommands
  sealer: Sealer
  keyPrefix: string
  clock: Clock
  form: Form<V>
}>

/** How far the clocks of two replicas may differ before an old entry counts as replayed by an attacker. */
const REPLICA_CLOCK_TOLERANCE_MS = 5 * 60_000

const MISS: CacheRead<never> = Object.freeze({ kind: 'miss' })
const STORED: CacheWrite = Object.freeze({ kind: 'stored' })
export const NOTHING_STORED: CacheWrite = Object.freeze({ kind: 'nothing' })

/** The lease that a write needs: a frozen Redis runs its commands when it thaws, and would revive an old answer. */
type Fence = Readonly<{ name: string, token: string }>

/**
 * Never rejects: an error is an outcome. A write or a drop also ends its lease, in one script, so that one who waits
 * for the lease finds the value; after an error nobody knows whether it ended.
 */
export interface RedisCache<V extends Dated = Entry> {
  read (key: CacheKey): Promise<CacheRead<V>>
  write (key: CacheKey, entry: V, lifeMs: number, fence: Fence): Promise<CacheWrite>
  /** Drops an entry that was overtaken by one under another secret. */
  drop (key: CacheKey, fence: Fence): Promise<CacheWrite>
}

export function createRedisCache<V extends Dated> (tier: RedisTier<V>): RedisCache<V> {
  return Object.freeze({
    read: (key: CacheKey) =>
      read(tier, key).catch((error: unknown): CacheRead<V> => ({ kind: 'unreachable', error })),
    async write (key: CacheKey, entry: V, lifeMs: number, { name, token }: Fence): Promise<CacheWrite> {
      if (lifeMs < 1) return NOTHING_STORED
      try {
        const sealed = tier.sealer.seal(key, tier.form.encode(entry))
        await tier.commands.setPxAndDeleteFence(name, token, nameOf(tier, key), sealed, Math.floor(lifeMs))
        return STORED
      } catch (error) {
        return { kind: 'unreachable', error }
      }
    },
    drop: (key: CacheKey, fence: Fence) =>
      tier.commands.deleteWithFence(fence.name, fence.token, nameOf(tier, key)).then(
        () => STORED,
        (error: unknown): CacheWrite => ({ kind: 'unreachable', error })
      )
  })
}

/** A value from Redis is hostile until it is opened, decoded and young enough. */
async function read<V extends Dated> (tier: RedisTier<V>, key: CacheKey): Promise<CacheRead<V>> {
  const { commands, sealer, clock, form } = tier
  const requestedAt = momentOf(clock)
  const [pttl, sealed] = await commands.getWithTtl(nameOf(tier, key))
  if (sealed === null || pttl === -2) return MISS
  if (pttl < 0) return { kind: 'rejected', why: 'endless' }
  const plain = sealer.open(key, sealed)
  if (plain === undefined) return { kind: 'rejected', why: 'unopenable' }
  const entry = form.decode(plain)
  if (entry === undefined) return { kind: 'rejected', why: 'malformed' }
  const ageMs = clock.wall() - entry.sealedAt
  if (ageMs > entry.ttlMs + REPLICA_CLOCK_TOLERANCE_MS || ageMs < -REPLICA_CLOCK_TOLERANCE_MS) {
    return { kind: 'rejected', why: 'revived' }
  }
  // a process that was frozen reads an old answer when it thaws
  const remainingMs = Math.min(pttl, entry.ttlMs) - elapsedSince(requestedAt, clock)
  return remainingMs > 0 ? { kind: 'hit', entry, remainingMs } : MISS
}

function nameOf<V extends Dated> ({ keyPrefix, form }: RedisTier<V>, key: CacheKey): string {
  return form.nameOf(keyPrefix, key)
}
