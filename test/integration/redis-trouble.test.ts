import { once } from 'node:events'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { startInProcess, type InProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { ask, type Answer } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

const { alice, bob } = demo
const verify = ({ port }: InProcess, token: string): Promise<Answer> =>
  ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`]] })
/** What Node says of a connection to a server that was killed; which, is up to the bytes it had not read. */
const CONNECTION_ERROR = /closed|ECONNREFUSED|ECONNRESET|EPIPE/
const redisUp = ({ service }: InProcess): boolean => service.redisState() === 'up'

/** The revocation log has keys of its own. */
async function entriesIn (redis: RedisServer): Promise<number> {
  const names = await redis.cli('KEYS', '*:entry')
  return Array.isArray(names) ? names.length : 0
}

/** Nobody is logged out, and nobody is let in who is nobody. */
async function checkAnswers (t: Test, adapter: InProcess, when: string): Promise<void> {
  for (const [who, token, status] of [
    ['alice', alice.accessToken, 200],
    ['bob', bob.accessToken, 200],
    ['nobody', 'N'.repeat(32), 401]
  ] as const) {
    const answer = await verify(adapter, token)
    t.equal(answer.status, status, `${when}: ${who}`)
    if (status === 200) t.equal(answer.headers['x-authgear-user-id'], who === 'alice' ? alice.id : bob.id)
  }
}

/** No memory tier: every request needs Redis or Authgear. */
const start = (
  t: Test,
  authgear: string,
  redisPort: number,
  more: Partial<InProcessOptions> = {}
): Promise<InProcess> =>
  startInProcess(t, { AUTHGEAR_ENDPOINT: authgear, REDIS_URL: `redis://127.0.0.1:${redisPort}`, REDIS_TIMEOUT: '50ms', CACHE_TTL: '1ms', CACHE_NEGATIVE_TTL: '0', ...more })

t.test('Redis is down from the start and comes later', async (t) => {
  const redis = await startRedis(t)
  await redis.stop()
  const simulator = await startSimulator(t)
  const adapter = await start(t, simulator.url, redis.port, { CACHE_TTL: '30s' })
  await checkAnswers(t, adapter, 'down')
  await redis.restart()
  await until('Redis is used', () => redisUp(adapter))
  await checkAnswers(t, adapter, 'up')
  t.equal(adapter.lines.filter(({ msg }) => String(msg).startsWith('Redis is not reachable')).length, 1, 'told once')
})

t.test('Redis wants a password that nobody gave', async (t) => {
  const redis = await startRedis(t, { args: ['--requirepass', 'sesame'] })
  const simulator = await startSimulator(t)
  const adapter = await start(t, simulator.url, redis.port, { CACHE_TTL: '30s', REDIS_TIMEOUT: '5s' })
  await checkAnswers(t, adapter, 'without it')
  const said = (beginning: string) => adapter.lines.find(({ msg }) => String(msg).startsWith(beginning))
  const refused = 'Redis refuses the password: check REDIS_USERNAME and REDIS_PASSWORD'
  await until('it is told', () => said(refused) !== undefined)
  await until('so is what follows', () => said('the revocation log cannot be followed') !== undefined)
  t.match(said('the revocation log cannot be followed'), { error: { message: 'there is no connection to Redis' } })
})

t.test('Redis dies and comes back empty under traffic', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  // with 50 ms an event loop that stands still for 500 would end the connection before Redis does
  const adapter = await start(t, simulator.url, redis.port, { REDIS_TIMEOUT: '5s' })
  await until('Redis is used', () => redisUp(adapter))
  await checkAnswers(t, adapter, 'before')
  await redis.stop()
  await checkAnswers(t, adapter, 'dead')
  const told = () => adapter.lines.find(({ msg }) => String(msg).startsWith('Redis is not reachable'))
  await until('it is told', () => told() !== undefined)
  t.match(told(), { error: { message: CONNECTION_ERROR } }, 'not an error that nobody threw')
  await redis.restart()
  await until('Redis is used again', () => redisUp(adapter))
  await checkAnswers(t, adapter, 'after')
})

t.test('Redis freezes: every answer stays right and costs at most REDIS_TIMEOUT more', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  simulator.controls.latency = 60
  const adapter = await start(t, simulator.url, redis.port)
  await until('Redis is used', () => redisUp(adapter))
  redis.pause()
  const started = performance.now()
  const answers = await Promise.all(Array.from({ length: 30 }, () => verify(adapter, alice.accessToken)))
  t.comment(`30 requests with a frozen Redis and a resolver of 60 ms: ${Math.round(performance.now() - started)} ms`)
  t.ok(answers.every(({ status, headers }) => status === 200 && headers['x-forward-auth-source'] === 'authgear'))
  await until('the frozen server is left', () => !redisUp(adapter))
  await checkAnswers(t, adapter, 'left')
  redis.resume()
  await until('Redis is used again', () => redisUp(adapter))
  await checkAnswers(t, adapter, 'thawed')
})

t.test('a server that accepts and never answers is not waited for', async (t) => {
  const silent = createServer((socket) => socket.on('error', () => {}))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const simulator = await startSimulator(t)
  const address = silent.address()
  const adapter = await start(t, simulator.url, typeof address === 'object' && address !== null ? address.port : 0)
  await checkAnswers(t, adapter, 'silent')
})

t.test('a wrong password is told, and costs nobody an answer', async (t) => {
  const redis = await startRedis(t, { password: 'right' })
  const simulator = await startSimulator(t)
  const adapter = await start(t, simulator.url, redis.port)
  await checkAnswers(t, adapter, 'NOAUTH')
})

t.test('memory full: what cannot be stored is asked again, and nobody is logged out', async (t) => {
  const redis = await startRedis(t, { args: ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'] })
  const simulator = await startSimulator(t)
  const adapter = await start(t, simulator.url, redis.port)
  await checkAnswers(t, adapter, 'OOM')
})

t.test('what one replica learned another finds in Redis, with no call of its own', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  const [first, second] = await Promise.all(
    [1, 2].map(() => startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url }))
  )
  if (first === undefined || second === undefined) throw new Error('no replicas')
  await until('Redis is used', () => redisUp(first) && redisUp(second))
  t.match((await verify(first, alice.accessToken)).headers, { 'x-forward-auth-source': 'authgear' })
  await until('the value is there', async () => await entriesIn(redis) === 1)
  t.match((await verify(second, alice.accessToken)).headers, {
    'x-forward-auth-source': 'redis', 'x-authgear-user-id': alice.id, 'x-authgear-user-roles': 'admin,editor'
  })
  t.match((await verify(second, alice.accessToken)).headers, { 'x-forward-auth-source': 'memory' }, 'promoted')
  t.equal(simulator.counters.resolutions, 1)
})

for (const [name, options] of [
  ['another secret', { CACHE_SECRET: 'another secret, also of 32 bytes' }],
  ['another key prefix', { REDIS_KEY_PREFIX: 'other:' }],
  ['another cookie prefix', { AUTHGEAR_COOKIE_PREFIX: 'lab_' }]
] as const) {
  t.test(`replicas with ${name} share nothing`, async (t) => {
    const redis = await startRedis(t)
    const simulator = await startSimulator(t)
    const one = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url })
    const other = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url, ...options })
    await until('Redis is used', () => redisUp(one) && redisUp(other))
    await verify(one, alice.accessToken)
    await until('the value is there', async () => await entriesIn(redis) === 1)
    t.match((await verify(other, alice.accessToken)).headers, { 'x-forward-auth-source': 'authgear' })
  })
}
