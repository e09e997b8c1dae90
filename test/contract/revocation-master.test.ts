import t from 'tap'
import type { LogStore } from '../../src/base/revocation/store.ts'
import { EVERYTHING, user } from '../helpers/log-entry.ts'
import { addPrintedUser, PASSWORD, USERNAME } from '../helpers/redis-acl.ts'
import { follows, KEY, roleOf, STALE_MS, startPair } from '../helpers/redis-pair.ts'
import { startSentinelGroup } from '../helpers/redis-sentinel.ts'
import { openLogReplica, PATIENCE_MS, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'
import { ALICE, BOB, changed, checkWorks, count, HEAD, PREFIX, STALE, startTwo } from '../helpers/log-in-redis.ts'
import { startRedis } from '../helpers/redis.ts'
import { startRelay } from '../helpers/relay.ts'

/** How many Redis replicas the newest poll has heard of. */
function noted () {
  let newest = 0
  const wrap = (store: LogStore): LogStore => ({
    ...store,
    async snapshot (...args) {
      const snapshot = await store.snapshot(...args)
      newest = snapshot.acknowledged.length
      return snapshot
    }
  })
  return { wrap, replicas: () => newest }
}

t.test('which server is master', async (t) => {
  t.jobs = 5 // all of it is waiting for Redis, each for its own
  t.test('a master whose replica fell silent, with its connection open, is not followed', async (t) => {
    const { master, link } = await startPair(t)
    const a = await follows(t, master.port)
    a.pendAfter(1000)
    link.become({ kind: 'half-open' })
    t.ok(a.log.isFollowing())
    a.clock.jump(STALE_MS)
    await a.log.revoke(EVERYTHING)
    t.notOk(a.log.isFollowing())
    t.ok((await roleOf(master)).includes('127.0.0.1'), 'the master still lists its replica')
    await until('it is told', () => a.counts.doubts.length > 0)
    t.match(a.troubles, [/acknowledge/], 'one line says so')
    t.strictSame(a.counts.doubts, [true])
    link.become({ kind: 'fair' })
    link.cut()
    await until('it is trusted again', () => a.counts.doubts.length > 1, 30_000)
    await settled(a)
    t.strictSame(a.counts.doubts, [true, false])
    t.equal(a.troubles.length, 1)
  })

  t.test('no revocation is acknowledged on the word of a master in doubt', async (t) => {
    const { master, link } = await startPair(t)
    const a = await follows(t, master.port)
    link.become({ kind: 'half-open' })
    await until('it does not follow', () => !a.log.isFollowing(), 60_000)
    a.pendAfter(1000)
    t.equal(await a.log.revoke(EVERYTHING), 'pending')
    a.pendAfter(PATIENCE_MS)
    link.become({ kind: 'fair' })
    link.cut()
    await settled(a)
    t.equal(await a.log.revoke(EVERYTHING), 'logged')
  })

  t.test('no revocation is acknowledged that a master just cut off may lose', async (t) => {
    const { master, link } = await startPair(t)
    const a = await follows(t, master.port)
    a.clock.stop() // a machine that stands still for 3 s does not follow
    t.equal(await a.log.revoke(EVERYTHING), 'logged')
    link.become({ kind: 'half-open' })
    a.pendAfter(1000)
    t.equal(await a.log.revoke(EVERYTHING), 'pending', 'no Redis replica has it')
    t.ok(a.log.isFollowing(), 'though it is still followed')
    a.clock.go()
    a.pendAfter(PATIENCE_MS)
    link.become({ kind: 'fair' })
    link.cut()
    await settled(a)
    t.equal(await a.log.revoke(EVERYTHING), 'logged')
  })

  t.test('what most Sentinels name is followed, though replicas acknowledge another', async (t) => {
    const group = await startSentinelGroup(t, { replicas: 2 })
    const a = await follows(t, group.servers)
    const other = await startRedis(t)
    await group.monitor(other.port)
    await until('it follows the other', async () => (await other.cli('EXISTS', `${KEY}:head`)) === 1)
    await settled(a)
    t.equal(await a.log.revoke(EVERYTHING), 'logged')
    t.ok(Number(await other.cli('XLEN', `${KEY}:stream`)) > 1, 'what is acknowledged is there')
  })

  t.test('a Redis replica 120 ms away is waited for, and no revocation is pending', async (t) => {
    const { master, link } = await startPair(t)
    link.become({ kind: 'slow', latencyMs: 60 })
    const a = await follows(t, master.port)
    for (let n = 0; n < 5; n++) t.equal(await a.log.revoke(EVERYTHING), 'logged')
  })

  t.test('a user who may not WAIT has its revocations acknowledged all the same', async (t) => {
    const { master } = await startPair(t)
    await addPrintedUser(master, { without: ['wait'] })
    const settings = { username: USERNAME, password: PASSWORD }
    const a = openLogReplica(t, master.port, { keyPrefix: `forward-auth:${KEY}`, settings })
    await settled(a)
    for (let n = 0; n < 3; n++) t.equal(await a.log.revoke(EVERYTHING), 'logged')
  })

  t.test('a replica of Redis is read, and not followed', async (t) => {
    const { redis, a } = await startTwo(t)
    const copy = await startRedis(t, {
      args: ['--replicaof', '127.0.0.1', String(redis.port), '--repl-diskless-sync-delay', '0']
    })
    const b = openLogReplica(t, copy.port, { keyPrefix: PREFIX })
    await until('it reads', () => b.generation() === a.generation(), 30_000)
    const before = b.log.snapshot()
    await a.log.revoke(user('alice'))
    await until('it has read it', () => b.log.isVoid(ALICE, before))
    t.same([b.log.isFollowing(), b.log.trustsShared()], [false, false])
    t.ok(a.log.isFollowing())
  })

  for (const appended of [false, true]) {
    t.test(
      'failover that loses the last revocation, ' +
        `${appended ? 'and another was appended since' : 'and nothing came after it'}`,
      async (t) => {
        const master = await startRedis(t, { args: ['--repl-diskless-sync-delay', '0'] })
        const copy = await startRedis(t, { args: ['--replicaof', '127.0.0.1', String(master.port)] })
        const relay = await startRelay(t, master.port)
        const heard = noted()
        const a = openLogReplica(t, relay.port, { keyPrefix: PREFIX, wrap: heard.wrap })
        const b = openLogReplica(t, relay.port, { keyPrefix: PREFIX })
        await settled(a, b)
        const generation = a.generation()
        await until('the copy has it', async () => (await copy.cli('HGET', HEAD, 'gen')) === generation, 30_000)
        await until('a knows that there is one', () => heard.replicas() > 0)
        await copy.cli('REPLICAOF', 'NO', 'ONE')
        a.pendAfter(1000)
        t.equal(await a.log.revoke(user('alice')), 'pending', 'no other has it')
        await settled(a, b)
        const old = a.seal(BOB)
        if (appended) {
          const c = openLogReplica(t, copy.port, { keyPrefix: PREFIX })
          await settled(c)
          t.equal(await c.log.revoke(user('carol')), 'logged')
        }
        relay.to(copy.port)
        await changed(generation, a, b)
        await settled(a, b)
        t.same([a.log.trusts(old), b.log.trusts(old)], [false, false])
        t.ok((await count(copy, 'alice')) >= 1, 'carried over to the new master')
        for (const { clock } of [a, b]) clock.jump(STALE)
        await checkWorks(t, b, a)
        t.pass('and is followed, though it has no replica of its own')
      }
    )
  }

  t.test('a master that lost its replicas is not followed after 3 s', async (t) => {
    const { redis, a } = await startTwo(t)
    const copy = await startRedis(t, { args: ['--replicaof', '127.0.0.1', String(redis.port)] })
    await until(
      'it has a replica', async () => JSON.stringify(await redis.cli('ROLE')).includes(String(copy.port)), 30_000
    )
    a.clock.stop()
    await a.log.revoke(EVERYTHING)
    await copy.stop()
    await until('it has none', async () => !JSON.stringify(await redis.cli('ROLE')).includes(String(copy.port)), 30_000)
    a.pendAfter(1000)
    await a.log.revoke(EVERYTHING)
    t.ok(a.log.isFollowing(), 'not yet')
    a.clock.jump(STALE)
    await a.log.revoke(EVERYTHING)
    t.notOk(a.log.isFollowing())
    a.clock.go()
    await copy.restart()
    await settled(a)
  })
})
