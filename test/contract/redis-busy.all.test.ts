import t from 'tap'
import { connectRedis } from '../../src/base/redis/connect.ts'
import { startRedis } from '../helpers/redis.ts'
import { settingsFor } from '../helpers/redis-settings.ts'
import { until } from '../helpers/until.ts'

// needs a Redis that answers within 200 ms, which a busy machine does not give
t.test('an answer that came while the process was busy is an answer', async (t) => {
  const redis = await startRedis(t)
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
