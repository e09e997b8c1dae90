import type { Accept } from '../../src/base/cache/types.ts'
import type { SharedCache, SharedLookup } from '../../src/base/cache/coalescing.ts'
import { decodeEntry, encodeEntry } from '../../src/base/cache/entry-codec.ts'
import type { Entry } from '../../src/base/core/entry.ts'
import type { FakeRedis } from './fake-redis.ts'
import { PEOPLE } from './people.ts'
import type { Replica } from './replica.ts'
import { LIMITS } from './world.ts'

type Contention = SharedLookup | 'lost'

const LEASE_MS = 400

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

  /** Leases of this replica that it knows of. */
  const held = new Set<object>()

  function contend (redis: FakeRedis, key: string, accept: Accept, coalesced: boolean, token: object): Contention {
    const slot = redis.cache.get(key)
    const entry = slot === undefined || slot.ends <= world.now ? undefined : decodeEntry(slot.bytes)
    const remainingMs = (slot?.ends ?? 0) - world.now
    if (entry !== undefined && accept(entry, remainingMs)) return { kind: 'found', entry, remainingMs, coalesced }
    const lease = redis.leases.get(key)
    if (lease !== undefined && (lease.ends > world.now || lease.isRenewed())) return 'lost'
    redis.leases.set(key, { token, ends: world.now + LEASE_MS, isRenewed: () => held.has(token) && replica.isCurrent })
    return {
      kind: 'ask',
      done: async (value, lifeMs) => {
        held.delete(token)
        await finish(key, token, value, lifeMs)
      }
    }
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
    const deadline = world.now + LIMITS.timeout
    const token = {}
    for (let coalesced = false; ; coalesced = true) {
      const contention = await replica.through('cache', (redis) => contend(redis, key, accept, coalesced, token))
        .catch(() => nobody)
      if (contention !== 'lost' && contention.kind === 'ask' && contention !== nobody) held.add(token)
      if (contention !== 'lost') return contention
      if (world.now >= deadline) return nobody
      await world.somethingHappens()
    }
  }

  return {
    lookup: ({ current: key }, accept) => {
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
