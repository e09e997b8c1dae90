import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { sourceOf } from '../helpers/in-process-on-clock.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask, type Answer } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

const OFFICE = '203.0.113.7'
const junk = (index: number): string => `J${index}`.padEnd(32, 'x')

t.test('a session that the fleet knows is answered behind an address that floods', async (t) => {
  const [simulator, redis] = [await startSimulator(t), await startRedis(t)]
  const options = {
    AUTHGEAR_ENDPOINT: simulator.url,
    REDIS_URL: redis.url,
    AUTHGEAR_TIMEOUT: '30s',
    AUTHGEAR_FAILURES_PER_MINUTE: 3,
    AUTHGEAR_MAX_QUEUE: 8
  }
  const [one, other] = [await startInProcess(t, options), await startInProcess(t, options)]
  await until('both follow', () => one.service.redisState() === 'up' && other.service.redisState() === 'up')
  const from = ({ port }: { port: number }, token: string): Promise<Answer> =>
    ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`], ['X-Forwarded-For', OFFICE]] })
  t.equal(sourceOf(await from(one, demo.alice.accessToken)), '200 authgear')
  await until('the fleet knows her', async () => (await redis.cli('KEYS', '*:entry') as string[]).length === 1)
  for (let index = 0; index < 3; index++) await from(other, junk(index))
  const gate = simulator.controls.hold('before')
  t.teardown(() => gate.release())
  const flood = Array.from({ length: 6 }, (_, index) => from(other, junk(100 + index)))
  await until('four slots are taken, two wait', () => other.service.authgearQueue().queued === 2)
  t.equal(sourceOf(await from(other, demo.alice.accessToken)), '200 redis', 'she costs Authgear nothing')
  gate.release()
  await Promise.all(flood)
})

t.test('a session adopted from Redis takes no turn when its entry has ended', async (t) => {
  const [simulator, redis, clock] = [await startSimulator(t), await startRedis(t), manualClock()]
  const options = {
    AUTHGEAR_ENDPOINT: simulator.url,
    REDIS_URL: redis.url,
    AUTHGEAR_TIMEOUT: '30s',
    AUTHGEAR_FAILURES_PER_MINUTE: 3,
    CACHE_TTL: '10s',
    clock
  }
  const [one, other] = [await startInProcess(t, options), await startInProcess(t, options)]
  await until('both follow', () => one.service.redisState() === 'up' && other.service.redisState() === 'up')
  const from = ({ port }: { port: number }, token: string): Promise<Answer> =>
    ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`], ['X-Forwarded-For', OFFICE]] })
  await from(one, demo.alice.accessToken)
  await until('the fleet knows her', async () => (await redis.cli('KEYS', '*:entry') as string[]).length === 1)
  t.equal(sourceOf(await from(other, demo.alice.accessToken)), '200 redis')
  await redis.cli('DEL', ...(await redis.cli('KEYS', '*entry') as string[]))
  clock.advance(10_001)
  for (let index = 0; index < 3; index++) await from(other, junk(index))
  const gate = simulator.controls.hold('before')
  const flood = Array.from({ length: 6 }, (_, index) => from(other, junk(100 + index)))
  await until('four slots are taken, two wait', () => other.service.authgearQueue().queued === 2)
  const member = from(other, demo.alice.accessToken)
  await until('she does not wait', () => other.service.authgearQueue().inFlight === 5)
  gate.release()
  t.equal(sourceOf(await member), '200 authgear')
  await Promise.all(flood)
})
