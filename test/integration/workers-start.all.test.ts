import { existsSync } from 'node:fs'
import t from 'tap'
import { freePort } from '../helpers/free-port.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { answers, until } from '../helpers/until.ts'
import { startUnready, workersOf } from '../helpers/workers.ts'

t.test('a SIGTERM while one still starts cuts nobody off', { skip: skipOrFail('redis-server') }, async (t) => {
  const [simulator, redis, port, managementPort] = await Promise.all([
    startSimulator(t), startRedis(t), freePort(), freePort()
  ])
  const child = await startUnready(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    AUTHGEAR_TIMEOUT: '60s',
    REDIS_URL: redis.url,
    LISTEN: `127.0.0.1:${port}`,
    MANAGEMENT_LISTEN: `127.0.0.1:${managementPort}`
  }, () => true)
  await until('both were begun', () => workersOf(child).length === 2)
  const [, slow = 0] = workersOf(child)
  process.kill(slow, 'SIGSTOP')
  const goOn = (): boolean => process.kill(slow, 'SIGCONT')
  t.teardown(() => { if (existsSync(`/proc/${slow}`)) goOn() })
  await until('the other one serves', async () =>
    await answers(managementPort) && (await ask(managementPort, { path: '/readyz', host: '127.0.0.1' })).status === 200)
  const gate = simulator.controls.hold()
  const waiting = ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${demo.alice.accessToken}`]] })
  await gate.arrived(1)
  child.signal('SIGTERM')
  await until('it ends', () => child.output().includes('"shutting down"'))
  gate.release()
  t.equal((await waiting).status, 200)
  goOn()
  t.equal(await child.ended, 0)
  t.notMatch(child.output(), /"ready"/)
})
