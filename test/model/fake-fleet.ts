import type { Accept } from '../../src/cache/types.ts'
import type { SharedCache, SharedLookup } from '../../src/cache/coalescing.ts'
import { decodeEntry, encodeEntry, type Entry } from '../../src/core/entry.ts'
import type { FakeRedis } from './fake-redis.ts'
import { PEOPLE } from './people.ts'
import type { Replica } from './replica.ts'
import { LIMITS } from './world.ts'

type Contention = SharedLookup | 'lost'

/**
 * The contract of `Fleet` over faked servers: found only when accepted, one lease a key, the others look again whenever
 * something happened.
 */
export function createSharedTier (replica: Replica): SharedCache {
  const { world } = replica
  const nobody: SharedLookup = {
    kind: 'ask',
    done: async (entry) => {
      if (entry !== undefined) world.told(replica, entry)
    }
  }

  function contend (redis: FakeRedis, key: string, accept: Accept, coalesced: boolean): Contention {
    const slot = redis.cache.get(key)
    const entry = slot === undefined || slot.ends <= world.now ? undefined : decodeEntry(slot.bytes)
    const remainingMs = (slot?.ends ?? 0) - world.now
    if (entry !== undefined && accept(entry, remainingMs)) return { kind: 'found', entry, remainingMs, coalesced }
    if ((redis.leases.get(key)?.ends ?? 0) > world.now) return 'lost'
    const token = {}
    redis.leases.set(key, { token, ends: world.now + LIMITS.timeout + 500 })
    return { kind: 'ask', done: (value, lifeMs) => finish(key, token, value, lifeMs) }
  }

  /** Fenced by the lease; the life counts from here, however late it arrives. */
  async function finish (key: string, token: object, entry?: Entry, lifeMs = 0): Promise<void> {
    const ends = world.now + lifeMs
    if (entry !== undefined) world.told(replica, entry)
    await replica.through('cache', (redis) => {
      if (redis.leases.get(key)?.token !== token) return
      if (entry !== undefined) redis.put(key, encodeEntry(entry), ends)
      redis.leases.delete(key)
    }).catch(() => {})
  }

  async function turn (key: string, accept: Accept): Promise<SharedLookup> {
    const deadline = world.now + 300
    for (let coalesced = false; ; coalesced = true) {
      const contention = await replica
        .through('cache', (redis) => contend(redis, key, accept, coalesced))
        .catch(() => nobody)
      if (contention !== 'lost') return contention
      if (world.now >= deadline) return nobody
      await world.somethingHappens()
    }
  }

  return {
    lookup: (key, accept) => {
      const person = PEOPLE.find((some) => some.cacheKey() === key)
      if (!replica.mayFollow) world.fail('a replica that does not follow asked the fleet')
      if (person !== undefined && replica.isQuiet(person.withoutUser, replica.clock.monotonic())) {
        world.fail('a lease was asked for within a quiet time')
      }
      return turn(key, accept)
    },
    read: async () => undefined // only a client that is slowed down reads without a lease
  }
}
