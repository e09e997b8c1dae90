import t from 'tap'
import { SECRET } from '../helpers/in-process.ts'
import { startProcess } from '../helpers/process.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'

const { alice } = demo

t.test('the others answer when the replica that asks is killed', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  const start = () => startProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    AUTHGEAR_TIMEOUT: '30s',
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    REDIS_TIMEOUT: '5s',
    CACHE_SECRET: SECRET
  })
  const [holder, ...others] = await Promise.all([start(), start(), start()])
  const gate = simulator.controls.hold('before')
  const check = (port: number) =>
    ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${alice.accessToken}`]] })
  const lost = check(holder.port).catch(() => 'no answer')
  await gate.arrived(1)
  const waiting = others.map(({ port }) => check(port))
  await holder.kill()
  await gate.arrived(2)
  const began = performance.now()
  gate.release()
  t.strictSame((await Promise.all(waiting)).map(({ status }) => status), [200, 200])
  t.comment(`answered ${Math.round(performance.now() - began)} ms after Authgear`)
  t.equal(await lost, 'no answer')
})
