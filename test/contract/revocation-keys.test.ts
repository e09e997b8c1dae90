import t, { type Test } from 'tap'
import { createEntryCodec } from '../../src/base/revocation/codec.ts'
import { about, credential, user } from '../helpers/log-entry.ts'
import { type LogReplica, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'
import { type Open, script, start, STREAM } from '../helpers/log-in-redis.ts'

const FUTURE_ID = '4102444800000-0'
const LAST_ID = '18446744073709551615-18446744073709551615'

/** A revocation is logged, and a replica that starts joins the same generation. */
async function works (t: Test, a: LogReplica, open: Open): Promise<void> {
  t.equal(await a.log.revoke(user('bob')), 'logged')
  const b = open()
  await settled(a, b)
  t.equal(b.generation(), a.generation())
}

t.test('the two keys, whatever becomes of them', async (t) => {
  const WRONG: ReadonlyArray<readonly [what: string, lua: string]> = [
    ['the stream is a string', "redis.call('SET', KEYS[1], 'x')"],
    ['the head is a string', "redis.call('SET', KEYS[2], 'x')"],
    ['the head has no nonce', "redis.call('HDEL', KEYS[2], 'nonce')"],
    ['the head has no generation', "redis.call('HDEL', KEYS[2], 'gen')"],
    ['the head has a generation alone', "redis.call('DEL', KEYS[2], KEYS[1]) redis.call('HSET', KEYS[2], 'gen', 'x')"],
    ['both are lists', "for _, key in ipairs(KEYS) do redis.call('DEL', key) redis.call('RPUSH', key, 'x') end"],
    ['the stream alone is there, a string', "redis.call('DEL', KEYS[2]) redis.call('SET', KEYS[1], 'x')"]
  ]
  for (const [what, lua] of WRONG) {
    t.test(`${what}: a new generation takes its place`, async (t) => {
      const { redis, open } = await start(t)
      const a = open()
      await settled(a)
      t.equal(await a.log.revoke(user('alice')), 'logged')
      const generation = a.generation()
      await script(redis, lua)
      await until('a new generation', () => a.generation() !== generation, 20_000)
      await works(t, a, open)
    })
  }

  for (const id of [FUTURE_ID, LAST_ID]) {
    t.test(`an entry at ${id}, and then none: a new generation, so that ids go on`, async (t) => {
      const { redis, open } = await start(t)
      const a = open()
      await settled(a)
      const generation = a.generation()
      await script(redis, "redis.call('XADD', KEYS[1], ARGV[1], 'a', 'b') redis.call('XDEL', KEYS[1], ARGV[1])", id)
      await a.log.revoke(user('alice'))
      await until('a new generation', () => a.generation() !== generation, 20_000)
      await works(t, a, open)
      const last = String((await redis.cli('XREVRANGE', STREAM, '+', '-', 'COUNT', '1') as string[][])[0]?.[0])
      t.ok(Number(last.split('-')[0]) < Date.now() + 60_000, last)
    })
  }

  t.test('an entry that is rewritten, as one of another secret, is no part of the log', async (t) => {
    const { redis, open } = await start(t)
    const a = open()
    await settled(a)
    t.equal(await a.log.revoke(user('alice')), 'logged')
    t.equal(await a.log.revoke(credential('other')), 'logged')
    await settled(a)
    const generation = a.generation()
    const foreign = createEntryCodec(Buffer.alloc(32, 2)).encode(generation, '', 'x', user('nobody'))
    await script(redis, `local entries = redis.call('XRANGE', KEYS[1], '-', '+')
      redis.call('DEL', KEYS[1])
      for _, entry in ipairs(entries) do
        local fields, isAlice = entry[2], false
        for i = 1, #fields, 2 do isAlice = isAlice or fields[i + 1] == 'alice' end
        for i = 1, #fields, 2 do
          if isAlice and fields[i] == 'value' then fields[i + 1] = 'nobody' end
          if isAlice and fields[i] == 'secret' then fields[i + 1] = ARGV[1] end
          if isAlice and fields[i] == 'tag' then fields[i + 1] = ARGV[2] end
        end
        redis.call('XADD', KEYS[1], entry[1], unpack(fields))
      end`, foreign.secret, foreign.tag)
    const b = open()
    await until('the late one follows', () => b.log.trustsShared())
    await until('a new generation', () => a.generation() !== generation, 20_000)
    await settled(a, b)
    t.ok(JSON.stringify(await redis.cli('XRANGE', STREAM, '-', '+')).includes('"alice"'), 'who knew it tells it again')
  })

  t.test('a clock that is far from that of Redis is logged once', async (t) => {
    const { open } = await start(t)
    const a = open()
    await settled(a)
    a.clock.jumpWall(3_600_000)
    for (let times = 0; times < 3; times++) await a.log.revoke(user('alice'))
    await until('it is told', () => a.troubles.length > 0)
    t.match(a.troubles, [/clock.*ahead.*Redis/])
    t.equal(a.troubles.length, 1)
    t.ok(a.log.isVoid(about('alice'), { stamp: a.log.snapshot().stamp, local: 0 }) === false)
  })

  t.test('a clock that is seven seconds off is logged once', async (t) => {
    const { open } = await start(t)
    const a = open()
    await settled(a)
    const revoke = async (): Promise<void> => {
      for (let times = 0; times < 3; times++) await a.log.revoke(user('alice'))
      await settled(a)
    }
    for (const ms of [7000, -1500, 1500]) {
      a.clock.jumpWall(ms)
      await revoke()
    }
    await until('it is told', () => a.troubles.length > 0)
    t.match(a.troubles, [/clock is \d s ahead of that of Redis.*assertions/])
    t.equal(a.troubles.length, 1)
  })
})
