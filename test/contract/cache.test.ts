import t from 'tap'
import type { CacheRead } from '../../src/cache/cache.ts'
import { createMemoryCache } from '../../src/cache/memory.ts'
import { createRedisCache } from '../../src/cache/redis.ts'
import { cacheContract } from '../helpers/cache-contract.ts'
import { entryOf } from '../helpers/entry.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { keyOf, redisTier } from '../helpers/redis-tier.ts'
import { startRedis } from '../helpers/redis.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { until } from '../helpers/until.ts'

const [A, B] = [keyOf('a'), keyOf('b')]
const MISS: CacheRead = { kind: 'miss' }

t.test('memory', t => {
  cacheContract(t, async () => {
    const clock = manualClock()
    return { cache: createMemoryCache(100, clock), pass: async lifeMs => clock.advance(lifeMs) }
  })

  t.test('what is left shrinks with the time, to the millisecond', t => {
    const clock = manualClock()
    const cache = createMemoryCache(100, clock)
    cache.write(A, entryOf(), 100)
    clock.advance(99)
    t.match(cache.read(A), { kind: 'hit', remainingMs: 1 })
    clock.advance(1)
    t.strictSame(cache.read(A), MISS)
    t.equal(cache.size(), 0, 'and it is gone')
    t.end()
  })

  t.test('a machine that slept, or whose clock was set, keeps nothing longer', t => {
    const clock = manualClock()
    const cache = createMemoryCache(100, clock)
    cache.write(A, entryOf(), 100)
    clock.setWall(clock.wall() - 3_600_000)
    t.match(cache.read(A), { kind: 'hit', remainingMs: 100 }, 'set back: not a millisecond more')
    clock.advance(100)
    t.strictSame(cache.read(A), MISS, 'set back: it ends all the same')
    cache.write(B, entryOf(), 100)
    clock.setWall(clock.wall() + 100)
    t.strictSame(cache.read(B), MISS, 'asleep: the wall clock went on alone')
    t.end()
  })

  t.test('the least recently used go first', t => {
    const cache = createMemoryCache(2, manualClock())
    cache.write(A, entryOf(), 100)
    cache.write(B, entryOf(), 100)
    cache.read(A)
    cache.write(keyOf('c'), entryOf(), 100)
    t.strictSame([A, B, keyOf('c')].map(key => cache.read(key).kind), ['hit', 'miss', 'hit'])
    t.equal(cache.size(), 2)
    t.end()
  })
  t.end()
})

t.test('Redis', { skip: skipOrFail('redis-server') }, async t => {
  const redis = await startRedis(t)
  cacheContract(t, async t => {
    const tier = await redisTier(t, redis.port)
    return { cache: createRedisCache(tier), pass: () => until('the entry ended', async () => await redis.cli('EXISTS', tier.nameOf(A)) === 0) }
  })

  t.test('it has a life in Redis too, as long as was asked', async t => {
    const tier = await redisTier(t, redis.port)
    await createRedisCache(tier).write(A, entryOf(), 20_000.9)
    const pttl = Number(await redis.cli('PTTL', tier.nameOf(A)))
    t.ok(pttl > 15_000 && pttl <= 20_000, `${pttl} ms`)
  })

  t.test('the shorter of both lives counts: of what Redis says, and of what was sealed', async t => {
    const tier = await redisTier(t, redis.port)
    const cache = createRedisCache(tier)
    await cache.write(A, entryOf({ ttlMs: 30_000 }), 30_000)
    await redis.cli('PEXPIRE', tier.nameOf(A), '999000')
    t.match(await cache.read(A), { kind: 'hit', remainingMs: 30_000 })
    await redis.cli('PEXPIRE', tier.nameOf(A), '5000')
    const read = await cache.read(A)
    t.ok(read.kind === 'hit' && read.remainingMs <= 5000)
  })
})
