import t from 'tap'
import { EVERYTHING } from '../helpers/log-entry.ts'
import { addPrintedUser, PASSWORD, USERNAME } from '../helpers/redis-acl.ts'
import { follows, KEY, roleOf, STALE_MS, startPair } from '../helpers/redis-pair.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { openLogReplica, PATIENCE_MS, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

t.test('who is master', { skip: skipOrFail('redis-server') }, async (t) => {
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
    t.match(a.troubles, [/acknowledges/], 'one line says so')
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
    t.equal(await a.log.revoke(EVERYTHING), 'logged')
    link.become({ kind: 'half-open' })
    a.pendAfter(1000)
    t.equal(await a.log.revoke(EVERYTHING), 'pending', 'no Redis replica has it')
    a.pendAfter(PATIENCE_MS)
    link.become({ kind: 'fair' })
    link.cut()
    await settled(a)
    t.equal(await a.log.revoke(EVERYTHING), 'logged')
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
})
