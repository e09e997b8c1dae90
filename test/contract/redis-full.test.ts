import t, { type Test } from 'tap'
import { about, user } from '../helpers/log-entry.ts'
import type { RedisServer } from '../helpers/redis.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { type LogReplica, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'
import { changed, lengthOf, STALE, start, startTwo, STREAM } from '../helpers/log-in-redis.ts'

/** Entries that are never trimmed. */
const KEPT = 1000

/** From here on the server refuses every command that may need memory. */
async function fill (t: Test, redis: RedisServer): Promise<void> {
  await redis.cli('CONFIG', 'SET', 'maxmemory', '1')
  await t.rejects(redis.cli('SET', 'a', 'b'), /^OOM/, 'it is full')
}

/** Revokes so many users, of whom the first are the oldest. */
async function revokeMany ({ log }: LogReplica, count: number): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => log.revoke(user(`u${from + index}`))))
  }
}

for (const server of ['redis-server', 'redis-6.2', 'valkey-server'] as const) {
  t.test(`a ${server} that is out of memory`, { skip: skipOrFail(server) }, async (t) => {
    const full = { server, args: ['--maxmemory-policy', 'noeviction'] }
    t.test('is followed, also by a replica that starts then', async (t) => {
      const { redis, open, a, b } = await startTwo(t, full)
      await fill(t, redis)
      for (const { clock } of [a, b]) clock.jump(STALE)
      await settled(a, b)
      await settled(a, b, open())
      for (const { troubles } of [a, b]) t.strictSame(troubles, [])
    })

    t.test('takes a revocation, and every replica reads it', async (t) => {
      const { redis, a, b } = await startTwo(t, full)
      await fill(t, redis)
      const before = b.log.snapshot()
      t.equal(await a.log.revoke(user('alice')), 'logged')
      await until('the other has read it', () => b.log.isVoid(about('alice'), before))
      t.strictSame(a.troubles, [])
    })

    t.test('begins a new generation when the log is lost', async (t) => {
      const { redis, a, b, generation } = await startTwo(t, full)
      t.equal(await a.log.revoke(user('alice')), 'logged')
      await settled(a, b)
      await fill(t, redis)
      await redis.cli('FLUSHALL')
      await changed(generation, a, b)
      await settled(a, b)
      t.match(
        JSON.stringify(await redis.cli('XRANGE', STREAM, '-', '+')), /"alice"/, 'with what was revoked in the old one'
      )
    })

    t.test('trims old entries even without appends', async (t) => {
      const { redis, open } = await start(t, full)
      const writer = open()
      await settled(writer)
      await revokeMany(writer, 1500)
      t.equal(await lengthOf(redis), 1501)
      await fill(t, redis)
      const reader = open({ retentionMs: 1 })
      await settled(reader)
      reader.clock.jump(60_000)
      await until('it is trimmed', async () => await lengthOf(redis) <= KEPT)
      await settled(writer, reader)
      t.equal(await lengthOf(redis), KEPT, 'never the newest')
    })
  })
}
