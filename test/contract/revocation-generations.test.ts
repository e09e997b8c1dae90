import t from 'tap'
import { createEntryCodec, nonceOf } from '../../src/base/revocation/codec.ts'
import { JUNK_LEAVE_MS } from '../../src/base/revocation/junk.ts'
import type { Revocation } from '../../src/base/revocation/types.ts'
import type { LogStore } from '../../src/base/revocation/store.ts'
import { until } from '../helpers/until.ts'
import { about, credential, user } from '../helpers/log-entry.ts'
import {
  ALICE, BOB, changed, checkWorks, count, HEAD, lengthOf, script, start, startTwo, STREAM
} from '../helpers/log-in-redis.ts'
import { appendInBulk, settled } from '../helpers/stream-log.ts'

/** Holds every append back until it is let go. */
function gate (): Readonly<{ wrap: (store: LogStore) => LogStore, open: () => void, close: () => void }> {
  let [opened, let_]: [Promise<void>, () => void] = [Promise.resolve(), () => {}]
  return {
    wrap: (store) => ({ ...store, append: async (...args) => { await opened; return await store.append(...args) } }),
    open: () => let_(),
    close: () => { opened = new Promise((resolve) => { let_ = resolve }) }
  }
}

t.test('a new generation of the log', async (t) => {
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
    t.ok([a, b].every(({ log }, index) => log.isVoid(BOB, before[index] ?? log.snapshot())),
      'nothing of the old one is used')
    t.same([a, b].map(({ log }) => log.trustsShared()), [false, false],
      'what was revoked in the old one is not in the new one yet')
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

  t.test('an entry with fields of a later release is followed, and carried over as it was', async (t) => {
    const { redis, a, b, generation } = await startTwo(t)
    const before = b.log.snapshot()
    t.equal(await a.log.revoke({ ...user('alice'), others: { why: 'of a later release' } }), 'logged')
    t.equal(await a.log.revoke(user('bob')), 'logged')
    await until('the other has read both', () => b.log.isVoid(BOB, before) && b.log.isVoid(ALICE, before))
    t.same([a.generation(), b.generation()], [generation, generation])
    await redis.cli('FLUSHALL')
    await changed(generation, a, b)
    await settled(a, b)
    t.equal(await count(redis, 'of a later release'), 1)
    await checkWorks(t, a, b)
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
      const forged = [a, b].map(({ counts }) => counts.inauthentic)
      if (!lua.includes('XADD')) t.same(forged, [0, 0], 'what is lost is not forged')
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

  t.test('skips junk beyond five entries in ten seconds, and then voids what it skipped', async (t) => {
    const { open } = await start(t)
    const [a, other] = [open(), open({ key: Buffer.alloc(32, 2) })]
    await settled(a)
    await until('the other follows', () => other.log.isFollowing())
    const state = () => ({ before: a.log.snapshot(), sealed: a.seal(BOB), read: a.counts.foreign })
    let last = state()
    for (let n = 0; a.troubles.length === 0; n++) {
      last = state()
      await other.log.revoke(credential(`token ${n}`))
      await until('it is read', () => a.counts.foreign > last.read)
    }
    t.notOk(a.log.isVoid(BOB, last.before), 'the last one was skipped')
    t.notOk(a.log.isFollowing(), 'Redis is not used meanwhile')
    a.clock.jump(JUNK_LEAVE_MS)
    await until('Redis is used again', () => a.log.isFollowing())
    t.ok(a.log.isVoid(BOB, last.before))
    t.notOk(a.log.trusts(last.sealed))
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
    await script(redis,
      "redis.call('COPY', KEYS[1] .. '2', KEYS[1], 'REPLACE') redis.call('COPY', KEYS[2] .. '2', KEYS[2], 'REPLACE')")
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
})
