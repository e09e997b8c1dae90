import t from 'tap'
import { connectRedis } from '../../src/redis/connect.ts'
import { startBadNetwork } from '../helpers/bad-network.ts'
import { startRedis } from '../helpers/redis.ts'
import { settingsFor } from '../helpers/redis-settings.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { until } from '../helpers/until.ts'

const TIMEOUT_MS = 1900
/** One way: two round trips, as a command behind another would take, are too many; one leaves a second to spare. */
const LATENCY_MS = 500

t.test('a Redis that is far away, but not too far', { skip: skipOrFail('redis-server') }, async (t) => {
  const redis = await startRedis(t)
  const network = await startBadNetwork(t, redis.port)
  const connection = connectRedis(settingsFor(network.port, { timeoutMs: TIMEOUT_MS }), { up () {}, down () {} })
  t.teardown(() => connection.close())
  await until('it is connected', () => connection.isUp())
  network.become({ kind: 'slow', latencyMs: LATENCY_MS })

  t.test('a command does not wait for the answers to earlier ones', async (t) => {
    const { commands } = connection
    const answers: Array<Promise<unknown>> = []
    for (let n = 0; n < 10; n++) {
      answers.push(commands.setPx(`key ${n}`, Buffer.from('x'), 60_000), commands.pttl(`key ${n}`))
      await new Promise((resolve) => { setTimeout(resolve, LATENCY_MS / 5) })
    }
    const outcomes = await Promise.allSettled(answers)
    t.strictSame(outcomes.filter(({ status }) => status === 'rejected').length, 0)
  })

  t.test('an answer that came while the process was busy is an answer', async (t) => {
    network.become({ kind: 'fair' })
    const near = connectRedis(settingsFor(redis.port, { timeoutMs: 50 }), { up () {}, down () {} })
    t.teardown(() => near.close())
    await until('it is connected', () => near.isUp())
    const answer = near.commands.setIfAbsent('busy', 'x', 60_000)
    setImmediate(() => {
      const end = performance.now() + 200
      while (performance.now() < end); // the command is on its way, the timer and the answer come meanwhile
    })
    t.equal(await answer, true)
  })
})
