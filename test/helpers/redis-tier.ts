import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { createRedisCache, entryForm, type RedisTier } from '../../src/base/cache/redis.ts'
import type { Cache } from '../../src/base/cache/types.ts'
import { createSealer } from '../../src/base/crypto/sealing.ts'
import { deriveKeys, type CacheKey } from '../../src/base/core/cache-key.ts'
import { connectRedis } from '../../src/base/redis/connect.ts'
import type { RedisConnection } from '../../src/base/redis/connection.ts'
import { leaseKey } from '../../src/base/redis/keys.ts'
import type { RedisSettings } from '../../src/base/redis/options.ts'
import { manualClock, type ManualClock } from './manual-clock.ts'
import { settingsFor, type RedisPlace } from './redis-settings.ts'
import { until } from './until.ts'

export const SECRET = Buffer.alloc(32, 1)
export const sealerOf = (secret: Uint8Array) => createSealer(deriveKeys(secret).sealing)

/** A key as createKeyer makes them, of one letter. */
export const keyOf = (letter: string): CacheKey => letter.repeat(43) as CacheKey

export interface TestTier extends RedisTier {
  readonly clock: ManualClock
  readonly connection: RedisConnection
  /** The name under which Redis holds a key's entry. */
  readonly nameOf: (key: CacheKey) => string
}

/** A tier on a real connection, under a prefix of its own; ready, and closed when the test ends. */
export async function redisTier (
  t: Pick<Test, 'teardown'>,
  place: RedisPlace,
  settings: Partial<RedisSettings> = {}
): Promise<TestTier> {
  const keyPrefix = `forward-auth:test-${randomUUID()}:`
  const connection = connectRedis(settingsFor(place, settings), { up () {}, down () {} })
  t.teardown(() => connection.close())
  await until('Redis is connected', () => connection.isUp())
  return {
    commands: connection.commands,
    sealer: sealerOf(SECRET),
    keyPrefix,
    form: entryForm(1), // its name has no number: `nameOf` holds for every ENTRY_VERSION
    clock: manualClock(),
    connection,
    nameOf: (key) => `${keyPrefix}{${key}}:entry`
  }
}

/** The Redis tier of one who has the lease for each key that it writes. */
export function leasedCache (tier: RedisTier): Cache<CacheKey> {
  const { read, write } = createRedisCache(tier)
  return {
    read,
    async write (key, entry, lifeMs) {
      const fence = { name: leaseKey(tier.keyPrefix, key), token: 'ours' }
      await tier.commands.setPx(fence.name, Buffer.from(fence.token), 60_000).catch(() => {}) // the write fails too
      return await write(key, entry, lifeMs, fence)
    }
  }
}
