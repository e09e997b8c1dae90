import t from 'tap'
import { createEntryCodec } from '../../src/base/revocation/codec.ts'
import { until } from '../helpers/until.ts'
import { about, credential, user } from '../helpers/log-entry.ts'
import {
  ALICE, changed, checkWorks, count, HEAD, lengthOf, STALE, start, startTwo, STREAM
} from '../helpers/log-in-redis.ts'
import { appendInBulk, settled } from '../helpers/stream-log.ts'

t.test('the log in a real Redis', async (t) => {
  t.test('a revocation on one replica voids on the other every entry made before it', async (t) => {
    const { a, b } = await startTwo(t)
    const before = b.log.snapshot()
    const old = [b.seal(ALICE), a.seal(ALICE)]
    t.same(old.map((entry) => b.log.trusts(entry)), [true, true])
    t.equal(await a.log.revoke(credential('token')), 'logged')
    await until('b has read it', () => b.log.isVoid(ALICE, before))
    t.same([...old.map((entry) => b.log.trusts(entry)), ...old.map((entry) => a.log.trusts(entry))],
      [false, false, false, false])
    await settled(a, b)
    t.ok(b.log.trusts(a.seal(ALICE)))
    t.same(a.troubles, [])
  })

  t.test('counts each revocation once a replica; a start or a carry-over is no news', async (t) => {
    const { redis, open, a, b } = await startTwo(t)
    for (const name of ['alice', 'bob']) t.equal(await a.log.revoke(user(name)), 'logged')
    await settled(a, b)
    t.match([a.counts, b.counts], [{ revoked: 2, lags: 2 }, { revoked: 2, lags: 2 }])
    const late = open()
    await settled(a, b, late)
    t.match(late.counts, { revoked: 0, lags: 0 }, 'history')
    const generation = a.generation()
    await redis.cli('DEL', STREAM, HEAD)
    await changed(generation, a, b, late)
    await settled(a, b, late)
    t.equal(await late.log.revoke(user('carol')), 'logged')
    await settled(a, b, late)
    t.strictSame([a, b, late].map(({ counts }) => counts.revoked), [3, 3, 1])
  })

  t.test('does not follow a frozen Redis after 3 s by either clock, and does when it thaws', async (t) => {
    const { redis, a, b } = await startTwo(t)
    redis.pause()
    t.ok(a.log.isFollowing())
    a.clock.jump(STALE)
    b.clock.jumpWall(STALE)
    t.same([a, b].map(({ log }) => [log.isFollowing(), log.trustsShared()]), [[false, false], [false, false]])
    redis.resume()
    await checkWorks(t, a, b)
  })

  t.test('a revocation in an outage holds here at once, everywhere when Redis is back', async (t) => {
    const { redis, open, a, b, generation } = await startTwo(t)
    await a.log.revoke(user('alice'))
    await settled(a, b)
    await redis.stop()
    const [here, there] = [a.log.snapshot(), b.log.snapshot()]
    a.pendAfter(10)
    const outcome = a.log.revoke(user('carol'))
    t.ok(a.log.isVoid(about('carol'), here), 'at once')
    t.equal(await outcome, 'pending')
    t.notOk(b.log.isVoid(about('carol'), there), 'no one else can know')
    await redis.restart()
    await changed(generation, a, b)
    t.ok(b.log.isVoid(about('carol'), there))
    for (const name of ['alice', 'carol']) {
      await until(`${name} is in the log`, async () => (await count(redis, name)) >= 1)
    }
    await checkWorks(t, b, a)
    await checkWorks(t, open(), a)
  })

  t.test('more pending than are kept apart are one “everything”', async (t) => {
    const { redis, a, b, generation } = await startTwo(t)
    await redis.stop()
    a.pendAfter(10)
    const outcomes = await Promise.all(Array.from({ length: 1100 }, (_, index) => a.log.revoke(user(`u${index}`))))
    t.same(new Set(outcomes), new Set(['pending']))
    await redis.restart()
    await changed(generation, a, b)
    await until('everything is in the log',
      async () => (await count(redis, 'everything')) >= 1 && (await count(redis, 'u1099')) >= 1)
    await settled(a, b)
    t.equal(await count(redis, 'u1'), 0)
    await until('nothing is left of those whose place it took', () => a.log.trusts(b.seal(about('u1'))))
  })

  t.test('a replica that comes late reads a log of 20,000 entries, in pages', async (t) => {
    const { redis, open } = await start(t)
    const a = open()
    await settled(a)
    const old = a.seal(about('u19999'))
    const fresh = a.seal(about('bob'))
    const codec = createEntryCodec(Buffer.alloc(32, 1))
    await appendInBulk(redis.port, [STREAM, HEAD],
      (index, previous) => codec.encode(a.generation(), previous, `o${index}`, user(`u${index}`, 2000)), 20_000)
    await settled(a)
    for (const page of [5000, 100]) {
      const began = performance.now()
      const late = open({ page })
      await until('it has read the log', () => late.log.trustsShared(), 60_000)
      t.comment(`20,000 entries in pages of ${page}: ${Math.round(performance.now() - began)} ms`)
      t.equal(late.generation(), a.generation(), 'however many pages')
      t.same([late.log.trusts(old), late.log.trusts(fresh), late.log.trusts(a.seal(ALICE))], [false, true, true])
      t.same(late.troubles, [])
      await late.close()
    }
    t.equal(await lengthOf(redis), 20_001)
  })

  t.test('trims entries older than the retention, but never the newest 1,000', async (t) => {
    const { redis, open } = await start(t)
    const a = open({ retentionMs: 1 })
    await settled(a)
    for (let from = 0; from < 1200; from += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => a.log.revoke(user(`u${from + index}`))))
    }
    await settled(a)
    const length = await lengthOf(redis)
    t.ok(length >= 1000 && length < 1100, `${length} of 1,201`)
    t.equal(await count(redis, 'u0'), 0)
    t.equal(await count(redis, 'u1199'), 1)
    await checkWorks(t, a, open())
  })
})
