import t, { type Test } from 'tap'
import { createEntryCodec, nonceOf } from '../../src/revocation/codec.ts'
import type { LogStore } from '../../src/revocation/store.ts'
import type { Revocation } from '../../src/revocation/types.ts'
import { about, credential, EVERYTHING, user } from '../helpers/log-entry.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { startRelay } from '../helpers/relay.ts'
import { skipOrFail } from '../helpers/servers.ts'
import {
  appendInBulk,
  openLogReplica,
  settled,
  type LogReplica,
  type LogReplicaOptions
} from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

const PREFIX = 'test:{log:project}'
const [STREAM, HEAD] = [`${PREFIX}:stream`, `${PREFIX}:head`]
const ALICE = about('alice', 'token')
const BOB = about('bob', 'bobs token')
/** What a clock jumps so that no poll before it counts. */
const STALE = 3000

type Open = (some?: Partial<LogReplicaOptions>) => LogReplica

async function start (t: Test, args: readonly string[] = []): Promise<Readonly<{ redis: RedisServer, open: Open }>> {
  const redis = await startRedis(t, { args })
  return { redis, open: (some = {}) => openLogReplica(t, redis.port, { keyPrefix: PREFIX, ...some }) }
}

async function startTwo (t: Test, args: readonly string[] = []) {
  const { redis, open } = await start(t, args)
  const [a, b] = [open(), open()]
  await settled(a, b)
  return { redis, open, a, b, generation: a.generation() }
}

/** Commands on a connection of its own, as a stranger sends them. */
const script = (redis: RedisServer, lua: string): Promise<unknown> => redis.cli('EVAL', lua, '2', STREAM, HEAD)
const lengthOf = async (redis: RedisServer): Promise<number> => Number(await redis.cli('XLEN', STREAM))
/** How often the stream holds a revocation of this user. */
const count = async (redis: RedisServer, name: string): Promise<number> =>
  JSON.stringify(await redis.cli('XRANGE', STREAM, '-', '+')).split(`"${name}"`).length - 1
const changed = (generation: string, ...replicas: LogReplica[]): Promise<void> =>
  until('a new generation', () => replicas.every((one) => one.generation() !== generation))

/** What is revoked on one holds on the other, which trusts what was made after it. */
async function checkWorks (t: Test, a: LogReplica, b: LogReplica): Promise<void> {
  await settled(a, b)
  const before = b.log.snapshot()
  const old = a.seal(BOB)
  t.equal(await a.log.revoke(user('bob')), 'logged')
  await until('the other has read it', () => b.log.isVoid(BOB, before))
  await settled(a, b)
  t.same(
    [b.log.isVoid(ALICE, before), b.log.trusts(old), b.log.trusts(a.seal(BOB))],
    [false, false, true],
    'it works on'
  )
}

/** Holds every append back until it is let go. */
function gate (): Readonly<{ wrap: (store: LogStore) => LogStore, open: () => void, close: () => void }> {
  let [opened, let_]: [Promise<void>, () => void] = [Promise.resolve(), () => {}]
  return {
    wrap: (store) => ({ ...store, append: async (...args) => { await opened; return await store.append(...args) } }),
    open: () => let_(),
    close: () => { opened = new Promise((resolve) => { let_ = resolve }) }
  }
}

t.test('the log in a real Redis', { skip: skipOrFail('redis-server') }, async (t) => {
  t.test('a revocation on one replica voids on the other every entry made before it', async (t) => {
    const { a, b } = await startTwo(t)
    const before = b.log.snapshot()
    const old = [b.seal(ALICE), a.seal(ALICE)]
    t.same(old.map((entry) => b.log.trusts(entry)), [true, true])
    t.equal(await a.log.revoke(credential('token')), 'logged')
    await until('b has read it', () => b.log.isVoid(ALICE, before))
    t.same(
      [...old.map((entry) => b.log.trusts(entry)), ...old.map((entry) => a.log.trusts(entry))],
      [false, false, false, false]
    )
    await settled(a, b)
    t.ok(b.log.trusts(a.seal(ALICE)))
    t.same(a.troubles, [])
  })

  t.test(
    'counts each revocation once a replica; a start or a carry-over is no news',
    async (t) => {
      const { redis, open, a, b } = await startTwo(t)
      for (const name of ['alice', 'bob']) t.equal(await a.log.revoke(user(name)), 'logged')
      await settled(a, b)
      t.match(
        [a.counts, b.counts],
        [
          { revoked: 2, lags: 2 },
          { revoked: 2, lags: 2 }
        ]
      )
      const late = open()
      await settled(a, b, late)
      t.match(late.counts, { revoked: 0, lags: 0 }, 'history')
      const generation = a.generation()
      await redis.cli('DEL', STREAM, HEAD)
      await changed(generation, a, b, late)
      await settled(a, b, late)
      t.equal(await late.log.revoke(user('carol')), 'logged')
      await settled(a, b, late)
      t.strictSame(
        [a, b, late].map(({ counts }) => counts.revoked),
        [3, 3, 1]
      )
    }
  )

  t.test('FLUSHALL, which breaks no connection', async (t) => {
    const { redis, open } = await start(t)
    const held = gate()
    const [a, b] = [open({ wrap: held.wrap }), open({ wrap: held.wrap })]
    await settled(a, b)
    const generation = a.generation()
    await a.log.revoke(user('alice'))
    await settled(a, b)
    const before = [a, b].map(({ log }) => log.snapshot())
    const old = b.seal(BOB)
    held.close()
    const connections = [a, b].map(({ counts }) => counts.disconnected)
    await redis.cli('FLUSHALL')
    await changed(generation, a, b)
    await until(
      'both have read its beginning',
      async () => (await lengthOf(redis)) === 1 && [a, b].every(({ log }) => log.snapshot().stamp.position.nonce !== '')
    )
    t.equal(a.generation(), b.generation(), 'one for all')
    t.ok(
      [a, b].every(({ log }, index) => log.isVoid(BOB, before[index] ?? log.snapshot())),
      'nothing of the old one is used'
    )
    t.same(
      [a, b].map(({ log }) => log.trustsShared()),
      [false, false],
      'what was revoked in the old one is not in the new one yet'
    )
    t.same([a, b].map(({ log }) => log.isFollowing()), [true, true])
    held.open()
    await settled(a, b)
    t.ok(await count(redis, 'alice') >= 1, 'carried over')
    t.same([a.log.trusts(old), b.log.trusts(old)], [false, false])
    t.same([a, b].map(({ counts }) => counts.disconnected), connections)
    await checkWorks(t, a, b)
  })

  t.test('FLUSHALL, and a revocation on the way: logged in the new generation, or nowhere', async (t) => {
    const { redis, a, b } = await startTwo(t)
    for (let n = 0; n < 3; n++) {
      const before = b.log.snapshot()
      const [outcome] = await Promise.all([a.log.revoke(user(`u${n}`)), redis.cli('FLUSHALL')])
      t.match(outcome, /^(?:logged|pending)$/)
      await settled(a, b)
      t.ok(b.log.isVoid(about(`u${n}`), before))
      await until('it is in the log that is read', async () => await count(redis, `u${n}`) > 0)
    }
  })

  const LOST: ReadonlyArray<readonly [what: string, lua: string]> = [
    ['the head is deleted', "redis.call('DEL', KEYS[2])"],
    ['both keys are deleted', "redis.call('DEL', KEYS[1], KEYS[2])"],
    [
      'a stranger appends, and the head does not know',
      "redis.call('XADD', KEYS[1], '*', 'gen', redis.call('HGET', KEYS[2], 'gen'), 'nonce', 'x', 'prev', " +
        "redis.call('HGET', KEYS[2], 'nonce'))"
    ],
    ['a stranger sets the head', "redis.call('HSET', KEYS[2], 'nonce', 'x')"],
    [
      'a stranger appends what does not follow the last',
      "redis.call('XADD', KEYS[1], '*', 'gen', redis.call('HGET', KEYS[2], 'gen'), 'nonce', 'x', 'prev', 'y') " +
        "redis.call('HSET', KEYS[2], 'nonce', 'x')"
    ],
    [
      'a stranger appends without a nonce',
      "redis.call('XADD', KEYS[1], '*', 'a', 'b') redis.call('HSET', KEYS[2], 'nonce', '')"
    ]
  ]
  for (const [what, lua] of LOST) {
    t.test(`${what}: a new generation, to which what was revoked is carried over`, async (t) => {
      const { redis, a, b, generation } = await startTwo(t)
      await a.log.revoke(user('alice'))
      await settled(a, b)
      const old = a.seal(BOB)
      await script(redis, lua)
      await changed(generation, a, b)
      await settled(a, b)
      t.same([a.log.trusts(old), b.log.trusts(old)], [false, false])
      t.ok(await count(redis, 'alice') >= 1)
      await checkWorks(t, a, b)
    })
  }

  const EMPTIED: ReadonlyArray<readonly [what: string, lua: string]> = [
    ['the stream is deleted', "redis.call('DEL', KEYS[1])"],
    ['the stream is trimmed to nothing', "redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)"],
    ['the last entry is deleted', "redis.call('XDEL', KEYS[1], redis.call('HGET', KEYS[2], 'id'))"]
  ]
  for (const [what, lua] of EMPTIED) {
    t.test(`${what}: who has read it goes on, who comes later cannot and begins a new generation`, async (t) => {
      const { redis, open, a, b, generation } = await startTwo(t)
      await a.log.revoke(user('alice'))
      await settled(a, b)
      await script(redis, lua)
      await checkWorks(t, a, b)
      t.equal(a.generation(), generation, 'head decides')
      await script(redis, lua)
      const c = open()
      await changed(generation, a, b)
      await settled(a, b, c)
      for (const name of ['alice', 'bob']) t.ok(await count(redis, name) >= 1, `${name} is carried over`)
      await checkWorks(t, c, a)
    })
  }

  t.test('an entry that is forged but linked up is read as everything', async (t) => {
    const { redis, a, b, generation } = await startTwo(t)
    const before = b.log.snapshot()
    await settled(a, b)
    const { nonce: _, tag: __, ...content } = createEntryCodec(Buffer.alloc(32, 1))
      .encode(generation, a.log.snapshot().stamp.position.nonce, 'x', credential('nobody'))
    const forged = { ...content, nonce: nonceOf(content, 'forged'), tag: 'forged' }
    const append = "redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2)) redis.call('HSET', KEYS[2], 'nonce', ARGV[1])"
    await redis.cli('EVAL', append, '2', STREAM, HEAD, forged.nonce, ...Object.entries(forged).flat())
    await until('both have read it', () => [a, b].every(({ counts }) => counts.inauthentic === 1))
    t.ok(b.log.isVoid(BOB, before))
    t.equal(a.generation(), generation)
    await checkWorks(t, a, b)
  })

  t.test('with another CACHE_SECRET a user stays that user, a credential is everything', async (t) => {
    const { redis, open, a } = await startTwo(t)
    const other = open({ key: Buffer.alloc(32, 2) })
    await until('it follows', () => other.log.isFollowing())
    const first = a.log.snapshot()
    await until('revoked', async () => await other.log.revoke(user('alice')) === 'logged' && a.log.isVoid(ALICE, first))
    t.notOk(a.log.isVoid(BOB, first))
    await other.log.revoke(credential('token'))
    await until('read', () => a.log.isVoid(BOB, first))
    t.ok(await lengthOf(redis) > 1)
  })

  t.test('a generation that was left and is put back is left again', async (t) => {
    const { redis, a, b, generation } = await startTwo(t)
    await a.log.revoke(user('alice'))
    await settled(a, b)
    const old = a.seal(BOB)
    await script(
      redis,
      "redis.call('COPY', KEYS[1], KEYS[1] .. '2') redis.call('COPY', KEYS[2], KEYS[2] .. '2') redis.call('DEL', " +
        'KEYS[1], KEYS[2])'
    )
    await changed(generation, a, b)
    await settled(a, b)
    const second = a.generation()
    await script(
      redis,
      "redis.call('COPY', KEYS[1] .. '2', KEYS[1], 'REPLACE') redis.call('COPY', KEYS[2] .. '2', KEYS[2], 'REPLACE')"
    )
    await until('a third one', () => [a, b].every((one) => ![generation, second].includes(one.generation())))
    await settled(a, b)
    t.same([a.log.trusts(old), b.log.trusts(old)], [false, false])
    await checkWorks(t, a, b)
  })

  t.test('carries over to a new generation where Redis holds the log of an earlier time', async (t) => {
    for (const appended of [false, true]) {
      const { redis, a, b, generation } = await startTwo(t)
      await script(redis, "redis.call('COPY', KEYS[1], KEYS[1] .. '2') redis.call('COPY', KEYS[2], KEYS[2] .. '2')")
      await a.log.revoke(user('alice'))
      await settled(a, b)
      const head = appended
        ? "redis.call('XADD', KEYS[1], '*', 'gen', redis.call('HGET', KEYS[2], 'gen'), 'nonce', 'later', 'prev', " +
          "redis.call('HGET', KEYS[2], 'nonce')) redis.call('HSET', KEYS[2], 'nonce', 'later')"
        : ''
      await script(
        redis,
        "redis.call('COPY', KEYS[1] .. '2', KEYS[1], 'REPLACE') " +
          `redis.call('COPY', KEYS[2] .. '2', KEYS[2], 'REPLACE') ${head}`
      )
      await changed(generation, a, b)
      await settled(a, b)
      t.ok(await count(redis, 'alice') >= 1, `${appended ? 'with' : 'without'} a later append`)
    }
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
    await until(
      'everything is in the log',
      async () => (await count(redis, 'everything')) >= 1 && (await count(redis, 'u1099')) >= 1
    )
    await settled(a, b)
    t.equal(await count(redis, 'u1'), 0)
    await until('nothing is left of those whose place it took', () => a.log.trusts(b.seal(about('u1'))))
  })

  t.test('more than three generations in ten minutes: memory alone for ten minutes, told', async (t) => {
    const { redis, a, b } = await startTwo(t)
    for (let times = 1; times <= 4; times++) {
      const generation = a.generation()
      await redis.cli('FLUSHALL')
      await changed(generation, a, b)
      if (times < 4) await settled(a, b)
    }
    t.same([a, b].map(({ log }) => log.isFollowing()), [false, false])
    for (const { troubles } of [a, b]) {
      t.equal(troubles.filter((what) => what.includes('more than three times')).length, 1)
    }
    const before = b.log.snapshot()
    t.equal(await a.log.revoke(user('alice')), 'logged', 'what is revoked is logged all the same')
    await until('read', () => b.log.isVoid(ALICE, before))
    for (const { clock } of [a, b]) clock.jump(10 * 60_000)
    await settled(a, b)
  })

  t.test('entries of a secret that was rotated long ago are history, and no junk', async (t) => {
    const { redis, open } = await start(t)
    const a = open()
    await settled(a)
    const old = createEntryCodec(Buffer.alloc(32, 9))
    const append = async (revocationOf: (index: number) => Revocation): Promise<void> => await appendInBulk(
      redis.port,
      [STREAM, HEAD],
      (index, previous) => old.encode(a.generation(), previous, `o${index}`, revocationOf(index)),
      50
    )
    const sealed = a.seal(about('bob'))
    await append((index) => index % 2 === 0 ? user(`u${index}`) : credential(`c${index}`))
    await until('they are read', () => a.counts.foreign === 50)
    const near = open()
    await settled(near)
    t.equal(near.counts.foreign, 50, 'within the retention they are told')
    const far = open({ retentionMs: 1 })
    await settled(far)
    t.equal(far.counts.foreign, 0)
    t.notOk(far.log.trusts(sealed), 'what is older than they are is void all the same')
    await Promise.all([a, near].map(({ close }) => close()))
    await redis.cli('DEL', HEAD)
    await until('a new generation', () => far.counts.adopted === 2)
    await settled(far)
    t.equal(await lengthOf(redis), 1, 'none is written into the new log')
  })

  t.test('a replica that comes late reads a log of 20,000 entries, in pages', async (t) => {
    const { redis, open } = await start(t)
    const a = open()
    await settled(a)
    const old = a.seal(about('u19999'))
    const fresh = a.seal(about('bob'))
    const codec = createEntryCodec(Buffer.alloc(32, 1))
    await appendInBulk(
      redis.port,
      [STREAM, HEAD],
      (index, previous) => codec.encode(a.generation(), previous, `o${index}`, user(`u${index}`, 2000)),
      20_000
    )
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

  t.test('what is older than the retention is trimmed, but never the newest 1,000', async (t) => {
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
        const [a, b] = [1, 2].map(() => openLogReplica(t, relay.port, { keyPrefix: PREFIX }))
        if (a === undefined || b === undefined) throw new Error('no replicas')
        await settled(a, b)
        const generation = a.generation()
        await until('the copy has it', async () => (await copy.cli('HGET', HEAD, 'gen')) === generation, 30_000)
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
      'it has a replica',
      async () => JSON.stringify(await redis.cli('ROLE')).includes(String(copy.port)),
      30_000
    )
    await a.log.revoke(EVERYTHING)
    await copy.stop()
    await until('it has none', async () => !JSON.stringify(await redis.cli('ROLE')).includes(String(copy.port)), 30_000)
    a.pendAfter(10)
    await a.log.revoke(EVERYTHING)
    a.clock.jump(STALE)
    await a.log.revoke(EVERYTHING)
    t.notOk(a.log.isFollowing())
    await copy.restart()
    await settled(a)
  })
})
