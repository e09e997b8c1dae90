import t from 'tap'
import { announce } from '../../../../src/parts/status/announce.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { redisTier } from '../../../helpers/redis-tier.ts'
import { until } from '../../../helpers/until.ts'

const KEY = 'replicas'
/** Longer than any machine takes for these tests. */
const WINDOW_MS = 600_000
const MANY = "for n = 1, 1100 do redis.call('XADD', KEYS[1], '*', 'name', n, 'says', '') end"

t.test('replicas announce themselves in one list', async (t) => {
  const redis = await startRedis(t)
  const { commands } = await redisTier(t, redis.port)
  const say = (id: string, says = 'serving ok', windowMs = WINDOW_MS) =>
    announce(commands, KEY, { id, says, windowMs, most: 50 })

  await t.test('each counts once, and what it said last is told', async (t) => {
    await say('b')
    await say('b', 'draining ok')
    await say('a')
    t.strictSame(await say('c'), { count: 3, newest: [['a', 'serving ok'], ['b', 'draining ok'], ['c', 'serving ok']] })
    t.equal((await say('c', 'x'.repeat(400))).newest[2]?.[1].length, 300, 'cut short')
  })

  await t.test('of many only fifty are read back, and all are counted', async (t) => {
    for (let n = 0; n < 70; n++) await say(`0${String(n).padStart(2, '0')}`)
    const { count, newest } = await say('a')
    t.strictSame([count, newest.length, newest[49]?.[0]], [73, 50, '049'], 'the same ones each time')
  })

  await t.test('more than a thousand are not replicas of ours', async (t) => {
    await redis.cli('EVAL', MANY, '1', KEY)
    t.ok((await say('a')).count <= 1000)
    t.ok(Number(await redis.cli('XLEN', KEY)) <= 1000)
  })

  await t.test('one that says nothing within the window is gone', async (t) => {
    const now = async (): Promise<number> => {
      const [seconds, micros] = await redis.cli('TIME') as [string, string]
      return Number(seconds) * 1000 + Number(micros) / 1000
    }
    await say('b')
    const saidAt = await now()
    await until('the window is over', async () => await now() > saidAt + 5)
    t.strictSame(await say('a', 'serving ok', 1), { count: 1, newest: [['a', 'serving ok']] })
  })

  await t.test('a list that is something else is an error', async (t) => {
    await redis.cli('DEL', KEY)
    await redis.cli('SET', KEY, 'x')
    await t.rejects(say('a'), /WRONGTYPE/)
    await redis.cli('DEL', KEY)
    t.equal((await say('a')).count, 1)
  })
})
