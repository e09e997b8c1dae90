import t from 'tap'
import type { CacheRead } from '../../src/cache/cache.ts'
import { createMemoryCache } from '../../src/cache/memory.ts'
import { createRedisCache } from '../../src/cache/redis.ts'
import { cacheContract } from '../helpers/cache-contract.ts'
import { entryOf } from '../helpers/entry.ts'
import { INVALID } from '../helpers/identity.ts'
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
    return { cache: createMemoryCache({ maxEntries: 100, clock }), pass: async lifeMs => clock.advance(lifeMs) }
  })

  t.test('what is left shrinks with the time, to the millisecond', t => {
    const clock = manualClock()
    const cache = createMemoryCache({ maxEntries: 100, clock })
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
    const cache = createMemoryCache({ maxEntries: 100, clock })
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
    const cache = createMemoryCache({ maxEntries: 2, clock: manualClock() })
    cache.write(A, entryOf(), 100)
    cache.write(B, entryOf(), 100)
    cache.read(A)
    cache.write(keyOf('c'), entryOf(), 100)
    t.strictSame([A, B, keyOf('c')].map(key => cache.read(key).kind), ['hit', 'miss', 'hit'])
    t.equal(cache.size(), 2)
    t.end()
  })

  t.test('of what shares a credential sixteen are remembered, the newest; others are not counted', t => {
    const cache = createMemoryCache({ maxEntries: 100, clock: manualClock() })
    const keys = Array.from({ length: 20 }, (_, i) => keyOf(`variant ${i}`))
    const mark = { local: 0, at: 0, isBounded: true }
    cache.write(A, entryOf(), 100)
    for (const key of keys) cache.write(key, entryOf(), 100, mark)
    for (const key of keys.slice(-3)) cache.write(key, entryOf(), 100, mark)
    t.strictSame(keys.map(key => cache.read(key).kind), [...Array(4).fill('miss'), ...Array(16).fill('hit')])
    t.equal(cache.read(A).kind, 'hit')
    t.equal(cache.size(), 17)
    cache.clear()
    for (const key of keys.slice(0, 16)) cache.write(key, entryOf(), 100, mark)
    t.equal(cache.size(), 16, 'what is gone is not counted')
    t.end()
  })

  t.test('what has ended is still there for an outage, as long as was asked, and for nothing else', t => {
    const clock = manualClock()
    const cache = createMemoryCache({ maxEntries: 100, clock, staleMs: 50 })
    cache.write(A, entryOf(), 100)
    clock.advance(100)
    t.strictSame(cache.read(A), MISS)
    t.match(cache.readEnded(A), { kind: 'hit', remainingMs: 0 })
    clock.advance(49)
    t.match(cache.readEnded(A), { kind: 'hit', remainingMs: -49 })
    clock.advance(1)
    t.strictSame(cache.readEnded(A), MISS)
    t.equal(cache.size(), 0)
    t.end()
  })

  t.test('one at a time may renew an entry, and another one a second later', t => {
    const clock = manualClock()
    const cache = createMemoryCache({ maxEntries: 100, clock })
    t.equal(cache.claimRenewal(A), false, 'there is none')
    cache.write(A, entryOf(), 10_000)
    t.strictSame([cache.claimRenewal(A), cache.claimRenewal(A)], [true, false])
    clock.advance(999)
    t.equal(cache.claimRenewal(A), false)
    clock.advance(1)
    t.equal(cache.claimRenewal(A), true)
    cache.write(A, entryOf(), 10_000)
    t.equal(cache.claimRenewal(A), true, 'a new one may be renewed at once')
    t.end()
  })

  t.test('a slow older resolution takes no newer one\'s place', t => {
    const cache = createMemoryCache({ maxEntries: 100, clock: manualClock() })
    const older = entryOf({ resolution: INVALID })
    cache.write(A, entryOf(), 100, { local: 0, at: 10 })
    cache.write(A, older, 100, { local: 0, at: 9 })
    t.match(cache.read(A), { entry: { resolution: { kind: 'valid' } } })
    cache.write(A, older, 100, { local: 0, at: 10 })
    t.match(cache.read(A), { entry: { resolution: { kind: 'invalid' } } }, 'one that began in the same moment does')
    t.end()
  })

  t.test('what a newer resolution refutes is forgotten, what is newer than it is not', t => {
    const cache = createMemoryCache({ maxEntries: 100, clock: manualClock() })
    cache.write(A, entryOf(), 100, { local: 0, at: 5 })
    cache.forget(A, 5)
    t.equal(cache.read(A).kind, 'hit')
    cache.forget(A, 6)
    t.equal(cache.read(A).kind, 'miss')
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
