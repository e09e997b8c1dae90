import t from 'tap'
import { GIVEN_UP, giveUp, openManagement } from '../helpers/given-up.ts'
import { MANAGEMENT_TOKEN } from '../helpers/in-process.ts'
import { startProcess } from '../helpers/process.ts'
import { startRedis } from '../helpers/redis.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

t.test('a frozen replica drops a revocation that was given up', async (t) => {
  const redis = await startRedis(t)
  const { url } = await startSimulator(t)
  const env = { AUTHGEAR_ENDPOINT: url, REDIS_URL: redis.url, CACHE_SECRET: 's'.repeat(32), MANAGEMENT_TOKEN }
  const frozen = await startProcess(t, env)
  process.kill(frozen.pid, 'SIGSTOP')
  await giveUp(await openManagement(frozen), 'POST /revocations', JSON.stringify({ all: true }))
  process.kill(frozen.pid, 'SIGCONT')
  await until('it looked at it', () =>
    frozen.logs().includes(GIVEN_UP) || frozen.logs().includes('revoked by the management listener'))
  t.notMatch(frozen.logs(), 'revoked by the management listener')
})
