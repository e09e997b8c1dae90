import t from 'tap'
import type { CacheRead } from '../../src/base/cache/types.ts'
import { createMemoryCache } from '../../src/base/cache/memory.ts'
import { entryForm } from '../../src/base/cache/redis.ts'
import { cacheContract } from '../helpers/cache-contract.ts'
import type { Entry } from '../../src/base/core/entry.ts'
import { entryOf } from '../helpers/entry.ts'
import { INVALID, validResolution } from '../helpers/identity.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { keyOf, leasedCache, redisTier } from '../helpers/redis-tier.ts'
import { startRedis } from '../helpers/redis.ts'
import { until } from '../helpers/until.ts'

const [A, B] = [keyOf('a'), keyOf('b')]
const MISS: CacheRead = { kind: 'miss' }

t.test('memory', async t => {
  cacheContract(t, async () => {
    const clock = manualClock()
    return {
      cache: createMemoryCache({ maxEntries: 100, maxBytes: 2 ** 30, clock }),
      pass: async (lifeMs) => clock.advance(lifeMs)
    }
  })

  t.test('what is left shrinks with the time, to the millisecond', async t => {
    const clock = manualClock()
    const cache = createMemoryCache({ maxEntries: 100, maxBytes: 2 ** 30, clock })
    cache.write(A, entryOf(), 100)
    clock.advance(99)
    t.match(cache.read(A), { kind: 'hit', remainingMs: 1 })
    clock.advance(1)
    t.strictSame(cache.read(A), MISS)
    t.equal(cache.size(), 0, 'and it is gone')
  })

  t.test('a machine that slept, or whose clock was set, keeps nothing longer', async t => {
    const clock = manualClock()
    const cache = createMemoryCache({ maxEntries: 100, maxBytes: 2 ** 30, clock })
    cache.write(A, entryOf(), 100)
    clock.setWall(clock.wall() - 3_600_000)
    t.match(cache.read(A), { kind: 'hit', remainingMs: 100 }, 'set back: not a millisecond more')
    clock.advance(100)
    t.strictSame(cache.read(A), MISS, 'set back: it ends all the same')
    cache.write(B, entryOf(), 100)
    clock.setWall(clock.wall() + 100)
    t.strictSame(cache.read(B), MISS, 'asleep: the wall clock went on alone')
  })

  t.test('the least recently used go first', async t => {
    const cache = createMemoryCache({ maxEntries: 2, maxBytes: 2 ** 30, clock: manualClock() })
    cache.write(A, entryOf(), 100)
    cache.write(B, entryOf(), 100)
    cache.read(A)
    cache.write(keyOf('c'), entryOf(), 100)
    t.strictSame([A, B, keyOf('c')].map(key => cache.read(key).kind), ['hit', 'miss', 'hit'])
    t.equal(cache.size(), 2)
  })

  t.test('remembers the newest sixteen sessions that share a credential', async t => {
    const cache = createMemoryCache({ maxEntries: 100, maxBytes: 2 ** 30, clock: manualClock() })
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
  })

  t.test('keeps an ended entry for an outage, as long as asked, and for nothing else', async t => {
    const clock = manualClock()
    const cache = createMemoryCache({ maxEntries: 100, maxBytes: 2 ** 30, clock, staleMs: 50 })
    cache.write(A, entryOf(), 100)
    clock.advance(100)
    t.strictSame(cache.read(A), MISS)
    t.match(cache.readEnded(A), { kind: 'hit', remainingMs: 0 })
    clock.advance(49)
    t.match(cache.readEnded(A), { kind: 'hit', remainingMs: -49 })
    clock.advance(1)
    t.strictSame(cache.readEnded(A), MISS)
    t.equal(cache.size(), 0)
  })

  t.test('one at a time may renew an entry, and another one a second later', async t => {
    const clock = manualClock()
    const cache = createMemoryCache({ maxEntries: 100, maxBytes: 2 ** 30, clock })
    t.equal(cache.claimRenewal(A), false, 'there is none')
    cache.write(A, entryOf(), 10_000)
    t.strictSame([cache.claimRenewal(A), cache.claimRenewal(A)], [true, false])
    clock.advance(999)
    t.equal(cache.claimRenewal(A), false)
    clock.advance(1)
    t.equal(cache.claimRenewal(A), true)
    cache.write(A, entryOf(), 10_000)
    t.equal(cache.claimRenewal(A), true, 'a new one may be renewed at once')
  })

  t.test('a slow older resolution takes no newer one\'s place', async t => {
    const cache = createMemoryCache({ maxEntries: 100, maxBytes: 2 ** 30, clock: manualClock() })
    const older = entryOf({ resolution: INVALID })
    cache.write(A, entryOf(), 100, { local: 0, at: 10 })
    cache.write(A, older, 100, { local: 0, at: 9 })
    t.match(cache.read(A), { entry: { resolution: { kind: 'valid' } } })
    cache.write(A, older, 100, { local: 0, at: 10 })
    t.match(cache.read(A), { entry: { resolution: { kind: 'invalid' } } }, 'one that began in the same moment does')
  })

  t.test('refusals take a tenth of the limits, leave in order and push no session out', async t => {
    const cache = createMemoryCache({ maxEntries: 50, maxBytes: 2 ** 30, clock: manualClock() })
    const refusals = Array.from({ length: 20 }, (_, i) => keyOf(`refused ${i}`))
    cache.write(A, entryOf(), 100)
    for (const key of refusals) {
      cache.write(key, entryOf({ resolution: INVALID }), 100)
      cache.read(refusals[15] ?? A) // being read keeps none longer
    }
    t.strictSame(refusals.map(key => cache.read(key).kind), [...Array(15).fill('miss'), ...Array(5).fill('hit')])
    t.equal(cache.read(A).kind, 'hit')
  })

  t.test('keeps within its bytes, whatever is remembered', async t => {
    const maxBytes = 200_000
    const cache = createMemoryCache({ maxEntries: 1_000_000, maxBytes, clock: manualClock() })
    const empty = cache.bytes()
    const long = validResolution({ 'user-roles': 'r'.repeat(3000) })
    for (let i = 0; i < 1000; i++) {
      cache.write(keyOf(`small ${i}`), entryOf(), 100)
      cache.write(keyOf(`large ${i}`), entryOf({ resolution: long }), 100)
      cache.write(keyOf(`refused ${i}`), entryOf({ resolution: INVALID }), 100)
      if (cache.bytes() > maxBytes) return t.fail(`${cache.bytes()} bytes after ${i + 1} of each`)
    }
    t.ok(cache.bytes() > maxBytes * 0.9, `${cache.bytes()} bytes are used`)
    t.equal(cache.read(keyOf('large 999')).kind, 'hit')
    cache.clear()
    t.equal(cache.bytes(), empty)
  })

  t.test('does not remember what is larger than the budget, nor what it replaces', async t => {
    const cache = createMemoryCache({ maxEntries: 10, maxBytes: 10_000, clock: manualClock() })
    cache.write(A, entryOf(), 100)
    cache.write(B, entryOf(), 100)
    cache.write(A, entryOf({ resolution: validResolution({ 'user-roles': 'r'.repeat(11_000) }) }), 100)
    t.strictSame([A, B].map(key => cache.read(key).kind), ['miss', 'hit'])
  })

  t.test('remembers one resolution of a key, valid or refused, the newer', async t => {
    const cache = createMemoryCache({ maxEntries: 100, maxBytes: 2 ** 30, clock: manualClock() })
    const refused = entryOf({ resolution: INVALID })
    const write = (entry: Entry, at: number): void => { cache.write(A, entry, 100, { local: 0, at, isBounded: true }) }
    const kind = (): string => {
      const read = cache.read(A)
      return read.kind === 'hit' ? read.entry.resolution.kind : read.kind
    }
    write(entryOf(), 10)
    write(refused, 11)
    t.strictSame([kind(), cache.size()], ['invalid', 1], 'refused later')
    write(entryOf(), 10)
    t.equal(kind(), 'invalid', 'a slow older one does not let anybody in')
    t.equal(cache.claimRenewal(A), false, 'a refusal is not renewed')
    write(entryOf(), 12)
    t.strictSame([kind(), cache.size()], ['valid', 1])
    cache.forget(A, 12)
    t.equal(kind(), 'valid')
    cache.forget(A, 13)
    t.strictSame([kind(), cache.size()], ['miss', 0])
    write(refused, 14)
    cache.forget(A, 15)
    t.strictSame([kind(), cache.size()], ['miss', 0])
  })

  t.test('sweeps what has ended, a few with each write and the rest when asked to', async t => {
    const clock = manualClock()
    const cache = createMemoryCache({ maxEntries: 10_000, maxBytes: 2 ** 30, clock, staleMs: 50 })
    const empty = cache.bytes()
    for (let i = 0; i < 10; i++) {
      cache.write(keyOf(`refused ${i}`), entryOf({ resolution: INVALID }), 100)
      cache.write(keyOf(`valid ${i}`), entryOf(), 100)
    }
    cache.sweep()
    t.equal(cache.size(), 20, 'nothing has ended')
    clock.advance(149)
    cache.sweep()
    t.equal(cache.size(), 20, 'it stays for CACHE_STALE_IF_ERROR')
    clock.advance(1)
    cache.write(A, entryOf(), 1000)
    t.equal(cache.size(), 17, 'two of each kind have gone')
    cache.sweep()
    t.equal(cache.size(), 1, 'but the one that lives')
    cache.forget(A, Infinity)
    t.equal(cache.bytes(), empty)
  })

  t.test('sweeps few enough at once that no request waits', async t => {
    const clock = manualClock()
    const cache = createMemoryCache({ maxEntries: 10_000, maxBytes: 2 ** 30, clock })
    for (let i = 0; i < 3000; i++) cache.write(keyOf(`valid ${i}`), entryOf(), 100)
    clock.advance(100)
    cache.sweep()
    t.equal(cache.size(), 1000)
  })

  t.test('a newer resolution evicts what it refutes, and nothing newer', async t => {
    const cache = createMemoryCache({ maxEntries: 100, maxBytes: 2 ** 30, clock: manualClock() })
    cache.write(A, entryOf(), 100, { local: 0, at: 5 })
    cache.forget(A, 5)
    t.equal(cache.read(A).kind, 'hit')
    cache.forget(A, 6)
    t.equal(cache.read(A).kind, 'miss')
  })
})

t.test('Redis', async t => {
  const redis = await startRedis(t)
  cacheContract(t, async t => {
    const tier = await redisTier(t, redis.port)
    return {
      cache: leasedCache(tier),
      pass: () => until('the entry ended', async () => (await redis.cli('EXISTS', tier.nameOf(A))) === 0)
    }
  })

  t.test('two versions of an entry stand side by side during an update', async t => {
    const tier = await redisTier(t, redis.port)
    const [older, newer] = [leasedCache(tier), leasedCache({ ...tier, form: entryForm(2) })]
    await older.write(A, entryOf({ ttlMs: 10_000 }), 10_000)
    t.strictSame(await newer.read(A), MISS, 'not "rejected": it is no attack')
    await newer.write(A, entryOf({ ttlMs: 20_000 }), 20_000)
    t.match(await older.read(A), { kind: 'hit', entry: { ttlMs: 10_000 } })
    t.match(await newer.read(A), { kind: 'hit', entry: { ttlMs: 20_000 } })
  })

  t.test('it has a life in Redis too, as long as was asked', async t => {
    const tier = await redisTier(t, redis.port)
    await leasedCache(tier).write(A, entryOf(), 20_000.9)
    const pttl = Number(await redis.cli('PTTL', tier.nameOf(A)))
    t.ok(pttl > 15_000 && pttl <= 20_000, `${pttl} ms`)
  })

  t.test('the shorter of both lives counts: of what Redis says, and of what was sealed', async t => {
    const tier = await redisTier(t, redis.port)
    const cache = leasedCache(tier)
    await cache.write(A, entryOf({ ttlMs: 30_000 }), 30_000)
    await redis.cli('PEXPIRE', tier.nameOf(A), '999000')
    t.match(await cache.read(A), { kind: 'hit', remainingMs: 30_000 })
    await redis.cli('PEXPIRE', tier.nameOf(A), '5000')
    const read = await cache.read(A)
    t.ok(read.kind === 'hit' && read.remainingMs <= 5000)
  })
})
