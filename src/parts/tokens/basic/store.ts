import { createSecretCache, type SecretCache, type Wait } from '../../../base/cache/contention.ts'
import { LEASE_MS, systemTiming } from '../../../base/cache/lease.ts'
import type { Accept } from '../../../base/cache/types.ts'
import type { CacheKey } from '../../../base/core/cache-key.ts'
import type { Clock } from '../../../base/clock.ts'
import { bytesOfText, createHmacSha256, type Hmac } from '../../../base/crypto/hmac.ts'
import type { Given, PurposeKeys } from '../../../base/parts/given.ts'
import { type Known, STORED_PAIR, type StoredPair } from './record.ts'
import type { Pair } from './sent.ts'

/** A pair for a resource under CACHE_SECRET, and under the previous one while it is rotated. */
export type PairKey = Readonly<{ current: CacheKey, previous: CacheKey | undefined, client: string }>

/** What Authgear said, and how long it is remembered. */
export type Told = Readonly<{ known: Known, lifeMs: number }>

/** `known`: another replica has it. Else call `done` once, with what Authgear said or nothing; it never rejects. */
export type Turn =
  | Readonly<{ kind: 'known', known: Known, remainingMs: number }>
  | Readonly<{ kind: 'ask', done: (told?: Told) => Promise<void> }>

export type PairStore = Readonly<{
  keyOf: (pair: Pair, resource: string) => PairKey
  /** What any replica knows, also a pair whose token has ended. Never rejects. */
  read: (key: PairKey) => Promise<Readonly<{ known: Known, remainingMs: number }> | undefined>
  /** One replica asks Authgear, the others wait for its answer. @param isEnough says which answer will do */
  contend: (key: PairKey, isEnough: (known: Known) => boolean) => Promise<Turn>
}>

const ASK_ALONE: Turn = Object.freeze({ kind: 'ask', done: async () => {} })

/** What replicas share of pairs; without Redis nothing. */
export function createPairStore (
  { redis, clock, authgear }: Pick<Given, 'redis' | 'clock' | 'authgear'>, keys: PurposeKeys
): PairStore {
  const keyOf = createKeyOf(keys, authgear.issuer)
  if (redis === undefined) return Object.freeze({ keyOf, read: async () => undefined, contend: async () => ASK_ALONE })
  const { commands, sealing: { sealer, previous }, keyPrefix, cacheError } = redis
  const { leaseMs = LEASE_MS, leaseWaitMs = authgear.timeoutMs } = redis
  const tier = { commands, sealer, keyPrefix, clock, form: STORED_PAIR }
  const options = { leaseMs, leaseWaitMs, timing: systemTiming, sharedError: cacheError }
  const cache = createSecretCache(tier, options)
  const older = previous && createSecretCache({ ...tier, sealer: previous }, options)
  return Object.freeze({
    keyOf,
    async read (key: PairKey) {
      return await readOne(cache, key.current) ??
        (older === undefined || key.previous === undefined ? undefined : await readOne(older, key.previous))
    },
    contend: (key: PairKey, isEnough: (known: Known) => boolean) =>
      contend(cache, key.current, ({ known }) => isEnough(known), { since: clock.monotonic(), leaseWaitMs }, clock)
  })
}

async function readOne (cache: SecretCache<StoredPair>, key: CacheKey) {
  const read = await cache.read(key)
  return read.kind === 'hit' ? { known: read.entry.known, remainingMs: read.remainingMs } : undefined
}

async function contend (
  cache: SecretCache<StoredPair>, key: CacheKey, accept: Accept<StoredPair>, wait: Wait, clock: Pick<Clock, 'wall'>
): Promise<Turn> {
  const contended = await cache.contend(key, accept, wait)
  if (contended.kind === 'found') {
    return { kind: 'known', known: contended.entry.known, remainingMs: contended.remainingMs }
  }
  if (contended.kind === 'alone') return ASK_ALONE
  const { finish } = contended
  return {
    kind: 'ask',
    done: (told) => told === undefined
      ? finish({ kind: 'keep' })
      : finish({
        kind: 'write', entry: { known: told.known, ttlMs: told.lifeMs, sealedAt: clock.wall() }, lifeMs: told.lifeMs
      })
  }
}

function createKeyOf ({ current, previous }: PurposeKeys, project: string): PairStore['keyOf'] {
  const hmac = createHmacSha256(current)
  const older: Hmac | undefined = previous && createHmacSha256(previous)
  return ({ clientId, secret }, resource) => {
    const text = [project, resource, clientId, bytesOfText(secret)].map((part) => `${part.length}:${part}`).join('')
    return {
      current: hmac(`pair:${text}`) as CacheKey,
      previous: older?.(`pair:${text}`) as CacheKey | undefined,
      client: hmac(`client:${clientId}`).slice(0, 22)
    }
  }
}
