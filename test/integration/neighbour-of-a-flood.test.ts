import t, { type Test } from 'tap'
import { startInProcess, type InProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { sourceOf } from '../helpers/in-process-on-clock.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask, type Answer } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

const OFFICE = '203.0.113.7'
const junk = (index: number): string => `J${index}`.padEnd(32, 'x')

const from = ({ port }: InProcess, token: string): Promise<Answer> =>
  ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`], ['X-Forwarded-For', OFFICE]] })

async function startTwo (t: Test, more: Partial<InProcessOptions>) {
  const [simulator, redis] = [await startSimulator(t), await startRedis(t)]
  const settings = { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url, AUTHGEAR_TIMEOUT: '30s' }
  const options = { ...settings, AUTHGEAR_FAILURES_PER_MINUTE: 3, ...more }
  const [one, other] = [await startInProcess(t, options), await startInProcess(t, options)]
  await until('both follow', () => one.service.redisState() === 'up' && other.service.redisState() === 'up')
  return { simulator, redis, one, other }
}

t.test('a session that the fleet knows is answered behind an address that floods', async (t) => {
  const { simulator, redis, one, other } = await startTwo(t, { AUTHGEAR_MAX_QUEUE: 8 })
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
  const clock = manualClock()
  const { simulator, redis, one, other } = await startTwo(t, { CACHE_TTL: '10s', clock })
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
