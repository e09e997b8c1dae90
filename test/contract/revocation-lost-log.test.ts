import t from 'tap'
import { createEntryCodec } from '../../src/shared/revocation/codec.ts'
import type { Revocation } from '../../src/shared/revocation/types.ts'
import type { LogStore } from '../../src/shared/revocation/store.ts'
import { until } from '../helpers/until.ts'
import { about, credential, user } from '../helpers/log-entry.ts'
import {
  ALICE, BOB, changed, checkWorks, count, HEAD, lengthOf, script, start, startTwo, STREAM
} from '../helpers/log-in-redis.ts'
import { appendInBulk, settled } from '../helpers/stream-log.ts'
import { skipOrFail } from '../helpers/servers.ts'

/** Holds every append back until it is let go. */
function gate (): Readonly<{ wrap: (store: LogStore) => LogStore, open: () => void, close: () => void }> {
  let [opened, let_]: [Promise<void>, () => void] = [Promise.resolve(), () => {}]
  return {
    wrap: (store) => ({ ...store, append: async (...args) => { await opened; return await store.append(...args) } }),
    open: () => let_(),
    close: () => { opened = new Promise((resolve) => { let_ = resolve }) }
  }
}

t.test('a log that is lost', { skip: skipOrFail('redis-server') }, async (t) => {
  t.test('FLUSHALL, which breaks no connection', async (t) => {
    const { redis, open } = await start(t)
    const held = gate()
    const [a, b] = [open({ wrap: held.wrap }), open({ wrap: held.wrap })]
    await settled(a, b)
    const logName = a.logName()
    await a.log.revoke(user('alice'))
    await settled(a, b)
    const before = [a, b].map(({ log }) => log.snapshot())
    const old = b.seal(BOB)
    held.close()
    const connections = [a, b].map(({ counts }) => counts.disconnected)
    await redis.cli('FLUSHALL')
    await changed(logName, a, b)
    await until('both have read it', () => [a, b].every(({ log }) => log.isFollowing()))
    t.equal(a.logName(), b.logName(), 'one for all')
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

  t.test('FLUSHALL, and a revocation on the way: logged in the new log, or nowhere', async (t) => {
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

  const STRANGER = "redis.call('XADD', KEYS[1], '*', 'a', 'b')"
  const LOST: ReadonlyArray<readonly [what: string, lua: string]> = [
    ['the head is deleted', "redis.call('DEL', KEYS[2])"],
    ['both keys are deleted', "redis.call('DEL', KEYS[1], KEYS[2])"],
    ['the stream is deleted', "redis.call('DEL', KEYS[1])"],
    ['the stream is trimmed to nothing', "redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)"],
    ['the last entry is deleted', "redis.call('XDEL', KEYS[1], redis.call('XREVRANGE', KEYS[1], '+', '-')[1][1])"],
    ['a stranger appends, and the head does not know', STRANGER],
    ['a stranger writes the head', "redis.call('HSET', KEYS[2], 'count', 'x')"]
  ]
  for (const [what, lua] of LOST) {
    t.test(`${what}: a new log, to which what was revoked is carried over`, async (t) => {
      const { redis, open, a, b, logName } = await startTwo(t)
      await a.log.revoke(user('alice'))
      await settled(a, b)
      const old = a.seal(BOB)
      await script(redis, lua)
      await changed(logName, a, b)
      await settled(a, b)
      t.same([a.log.trusts(old), b.log.trusts(old)], [false, false])
      t.ok(await count(redis, 'alice') >= 1)
      t.equal(a.counts.inauthentic + b.counts.inauthentic > 0, lua === STRANGER, 'told')
      await checkWorks(t, a, b)
      await checkWorks(t, open(), a)
    })
  }

  t.test('an entry that is forged, and that the head counts, is read as everything', async (t) => {
    const { redis, a, b, logName } = await startTwo(t)
    const before = b.log.snapshot()
    await settled(a, b)
    const forged = { ...createEntryCodec(Buffer.alloc(32, 1)).encode('x', credential('nobody')), tag: 'forged' }
    const append = "redis.call('XADD', KEYS[1], '*', unpack(ARGV)) redis.call('HINCRBY', KEYS[2], 'count', 1)"
    await script(redis, append, ...Object.entries(forged).flat())
    await until('both have read it', () => [a, b].every(({ counts }) => counts.inauthentic === 1))
    t.ok(b.log.isVoid(BOB, before))
    t.equal(a.logName(), logName)
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

  const copyTo = (from: string, to: string): string => [1, 2]
    .map((n) => `redis.call('COPY', KEYS[${n}] .. '${from}', KEYS[${n}] .. '${to}', 'REPLACE')`).join(' ')

  t.test('an older log that is put back gets what was revoked since, and is not trusted', async (t) => {
    const { redis, a, b, logName } = await startTwo(t)
    await a.log.revoke(user('bob'))
    await settled(a, b)
    const old = a.seal(about('alice'))
    await script(redis, `${copyTo('', '2')} redis.call('DEL', KEYS[1], KEYS[2])`)
    await changed(logName, a, b)
    await settled(a, b)
    await a.log.revoke(user('alice'))
    await settled(a, b)
    await script(redis, copyTo('2', ''))
    await until('it is read', () => [a, b].every((one) => one.logName() === logName))
    await settled(a, b)
    t.same([a.log.trusts(old), b.log.trusts(old)], [false, false])
    t.ok(await count(redis, 'alice') >= 1)
    await checkWorks(t, a, b)
  })

  t.test('a log that is lost all the time voids everything once in two seconds', async (t) => {
    const { redis, a, b } = await startTwo(t)
    for (const { clock } of [a, b]) clock.stop()
    const began: Array<ReturnType<typeof a.log.snapshot>> = []
    for (let times = 1; times <= 4; times++) {
      const logName = a.logName()
      await redis.cli('FLUSHALL')
      for (const { clock } of [a, b]) clock.jump(times === 1 ? 5000 : 500)
      for (const { clock } of [a, b]) clock.jump(600) // a replica begins one log a second
      await changed(logName, a, b)
      await settled(a, b)
      began.push(a.log.snapshot())
    }
    t.same(began.map((one) => a.log.isVoid(BOB, one)), [true, true, false, false], 'the third time')
    await checkWorks(t, a, b)
  })

  t.test('entries of a secret that was rotated long ago are history, and no junk', async (t) => {
    const { redis, open } = await start(t)
    const a = open()
    await settled(a)
    const old = createEntryCodec(Buffer.alloc(32, 9))
    const append = async (revocationOf: (index: number) => Revocation): Promise<void> => await appendInBulk(
      redis.port,
      [STREAM, HEAD],
      (index) => old.encode(`o${index}`, revocationOf(index)),
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
    t.ok(far.log.trusts(sealed))
    await Promise.all([a, near].map(({ close }) => close()))
    const logName = far.logName()
    await redis.cli('DEL', HEAD)
    await changed(logName, far)
    await settled(far)
    t.equal(await lengthOf(redis), 0, 'none is written into the new log')
  })
})
