import t from 'tap'
import { user } from '../helpers/log-entry.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'
import { ALICE, BOB, start } from '../helpers/log-in-redis.ts'

t.test('a Redis that comes back', async (t) => {
  for (const server of ['redis-server', 'redis-6.2', 'valkey-server'] as const) {
    t.test(`${server}: from an old snapshot, with all replicas: nothing from before is trusted`, {
      skip: skipOrFail(server)
    }, async (t) => {
      const { redis, open } = await start(t, { server })
      const a = open()
      await settled(a)
      const sealed = [a.seal(ALICE), a.seal(BOB)]
      await redis.cli('SAVE')
      t.equal(await a.log.revoke(user('alice')), 'logged')
      await a.close()
      await redis.restart()
      const [b, c] = [open(), open()]
      await settled(b, c)
      t.same(sealed.map((entry) => b.log.trusts(entry)), [false, false])
      t.not(b.generation(), a.generation())
      t.same([b, c].map(({ counts }) => counts.adopted), [1, 1], 'one generation for both')
      t.ok(c.log.trusts(b.seal(BOB)))
    })
  }

  t.test('with a replica that followed it: later ones join its generation', async (t) => {
    const { redis, open } = await start(t, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    const a = open()
    await settled(a)
    const generation = a.generation()
    t.equal(await a.log.revoke(user('alice')), 'logged')
    await redis.restart()
    await settled(a)
    t.equal(await a.log.revoke(user('bob')), 'logged')
    t.equal(a.generation(), generation, 'nothing was lost')
    const b = open()
    await settled(a, b)
    t.equal(b.generation(), generation)
  })

  t.test('all replicas start again beside a Redis that runs on: what it holds is used', async (t) => {
    const { open } = await start(t)
    const a = open()
    await settled(a)
    const sealed = a.seal(BOB)
    t.equal(await a.log.revoke(user('alice')), 'logged')
    await a.close()
    const b = open()
    await settled(b)
    t.same([b.log.trusts(sealed), b.log.trusts(a.seal(ALICE))], [true, true])
  })

  t.test('from an old snapshot, before a new replica has read it to its end: not believed', async (t) => {
    const { redis, open } = await start(t)
    const a = open()
    await settled(a)
    const sealed = [a.seal(ALICE), a.seal(BOB)]
    await redis.cli('SAVE')
    t.equal(await a.log.revoke(user('alice')), 'logged')
    await a.close()
    let looks = 0
    const b = open({
      wrap: (store) => ({
        ...store,
        async snapshot (after, count) {
          if (looks++ === 1) await redis.restart() // it has adopted the generation, and read no entry of it
          return await store.snapshot(after, count).catch((error: unknown) => {
            if (looks === 1) looks = 0 // not connected yet
            throw error
          })
        }
      })
    })
    await settled(b)
    t.ok(looks > 2)
    t.same(sealed.map((entry) => b.log.trusts(entry)), [false, false])
    t.not(b.generation(), a.generation())
  })

  t.test('twice from the same old snapshot: no replica that started in between believes it', async (t) => {
    const { redis, open } = await start(t)
    const a = open()
    await settled(a)
    const sealed = a.seal(ALICE)
    await redis.cli('SAVE')
    t.equal(await a.log.revoke(user('alice')), 'logged')
    await a.close()
    await redis.restart()
    const b = open()
    await settled(b)
    const c = open() // it never saw the generation that b changed
    await settled(b, c)
    await b.close()
    const generation = c.generation()
    await redis.restart()
    await until('it lives in another generation', () => c.log.trustsShared() && c.generation() !== generation)
    t.not(c.generation(), a.generation())
    t.notOk(c.log.trusts(sealed))
  })
})
