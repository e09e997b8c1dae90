import t, { type Test } from 'tap'
import { about, user } from '../helpers/log-entry.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { type LogReplica, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'
import { type Open, script, start, STREAM } from '../helpers/log-in-redis.ts'

const FUTURE_ID = '4102444800000-0'
const LAST_ID = '18446744073709551615-18446744073709551615'

/** A revocation is logged, and a replica that starts reads the same log. */
async function works (t: Test, a: LogReplica, open: Open): Promise<void> {
  t.equal(await a.log.revoke(user('bob')), 'logged')
  const b = open()
  await settled(a, b)
  t.equal(b.logName(), a.logName())
}

t.test('the two keys, whatever becomes of them', { skip: skipOrFail('redis-server') }, async (t) => {
  const WRONG: ReadonlyArray<readonly [what: string, lua: string]> = [
    ['the stream is a string', "redis.call('SET', KEYS[1], 'x')"],
    ['the head is a string', "redis.call('SET', KEYS[2], 'x')"],
    ['the head has no count', "redis.call('HDEL', KEYS[2], 'count')"],
    ['the head has no name', "redis.call('HDEL', KEYS[2], 'log')"],
    ['the head has a name alone', "redis.call('DEL', KEYS[2], KEYS[1]) redis.call('HSET', KEYS[2], 'log', 'x')"],
    ['both are lists', "for _, key in ipairs(KEYS) do redis.call('DEL', key) redis.call('RPUSH', key, 'x') end"],
    ['the stream alone is there, a string', "redis.call('DEL', KEYS[2]) redis.call('SET', KEYS[1], 'x')"]
  ]
  for (const [what, lua] of WRONG) {
    t.test(`${what}: a new log takes its place`, async (t) => {
      const { redis, open } = await start(t)
      const a = open()
      await settled(a)
      t.equal(await a.log.revoke(user('alice')), 'logged')
      const logName = a.logName()
      await script(redis, lua)
      await until('a new log', () => a.logName() !== logName, 20_000)
      await works(t, a, open)
    })
  }

  for (const id of [FUTURE_ID, LAST_ID]) {
    t.test(`an entry at ${id}, and then none: a new log, so that ids go on`, async (t) => {
      const { redis, open } = await start(t)
      const a = open()
      await settled(a)
      const logName = a.logName()
      await script(redis, "redis.call('XADD', KEYS[1], ARGV[1], 'a', 'b') redis.call('XDEL', KEYS[1], ARGV[1])", id)
      await a.log.revoke(user('alice'))
      await until('a new log', () => a.logName() !== logName, 20_000)
      await works(t, a, open)
      const last = String((await redis.cli('XREVRANGE', STREAM, '+', '-', 'COUNT', '1') as string[][])[0]?.[0])
      t.ok(Number(last.split('-')[0]) < Date.now() + 60_000, last)
    })
  }

  t.test('a clock that is far from that of Redis is told once', async (t) => {
    const { open } = await start(t)
    const a = open()
    await settled(a)
    a.clock.jumpWall(3_600_000)
    for (let times = 0; times < 3; times++) await a.log.revoke(user('alice'))
    await until('it is told', () => a.troubles.length > 0)
    t.match(a.troubles, [/clock.*ahead.*Redis/])
    t.equal(a.troubles.length, 1)
    t.ok(a.log.isVoid(about('alice'), a.log.snapshot()) === false)
  })

  t.test('a clock that is seven seconds off is told once', async (t) => {
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
