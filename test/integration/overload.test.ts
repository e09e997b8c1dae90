import t from 'tap'
import { startInProcess, type InProcess } from '../helpers/in-process.ts'
import { sourceOf, startInProcessOnClock, verify } from '../helpers/in-process-on-clock.ts'
import { checkInvariants } from '../helpers/invariants.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask, type Answer } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

const { alice, bob } = demo
const junk = (index: number): string => `J${index}`.padEnd(32, 'x')
const ONE = '203.0.113.7'
const fromAddress = ({ port }: Pick<InProcess, 'port'>, address: string, token: string): Promise<Answer> =>
  ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`], ['X-Forwarded-For', address]] })
/** Room for eight at once; after three failures a client takes turns. */
const CROWDED = {
  AUTHGEAR_TIMEOUT: '30s', AUTHGEAR_MAX_CONCURRENCY: 8, AUTHGEAR_MAX_QUEUE: 100, AUTHGEAR_FAILURES_PER_MINUTE: 3
}

t.test('beyond the queue the next is refused at once, memory is served throughout', async (t) => {
  const { adapter, simulator, calls } = await startInProcessOnClock(t, {
    AUTHGEAR_TIMEOUT: '30s', AUTHGEAR_MAX_CONCURRENCY: 2, AUTHGEAR_MAX_QUEUE: 5
  })
  await verify(adapter, alice.accessToken)
  const gate = simulator.controls.hold('before')
  const waiting = Array.from({ length: 7 }, (_, index) => verify(adapter, junk(index)))
  await until('the queue is full', () => adapter.service.authgearQueue().queued === 5)
  await gate.arrived(2)
  const refused = await verify(adapter, bob.accessToken) // answered while every slot and place is taken
  t.match(refused, { status: 503, headers: { 'x-forward-auth-reason': 'overloaded', 'retry-after': /^\d+$/ } })
  checkInvariants(t, refused, { realm: simulator.url })
  t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 memory')
  t.equal(calls(), 3, 'nothing was asked meanwhile')
  gate.release()
  t.strictSame((await Promise.all(waiting)).map(sourceOf), Array(7).fill('401 invalid_session'))
  t.equal(sourceOf(await verify(adapter, bob.accessToken)), '200 authgear', 'and then it is answered')
})

t.test('a flood of junk keeps out neither remembered nor new users', async (t) => {
  const { adapter, simulator } = await startInProcessOnClock(t, CROWDED)
  const from = (token: string) => fromAddress(adapter, ONE, token)
  await from(alice.accessToken)
  for (let index = 0; index < 3; index++) t.equal((await from(junk(index))).status, 401)
  const gate = simulator.controls.hold('before')
  const flood = Array.from({ length: 20 }, (_, index) => from(junk(100 + index)))
  await until('four slots are taken, the others wait', () => adapter.service.authgearQueue().queued === 16)
  t.equal(adapter.service.authgearQueue().inFlight, 4)
  t.equal(sourceOf(await from(alice.accessToken)), '200 memory', 'somebody behind the same address who is remembered')
  const stranger = fromAddress(adapter, '198.51.100.1', bob.accessToken)
  const neighbour = from(demo.anonymous.accessToken)
  await gate.arrived(5)
  t.equal(adapter.service.authgearQueue().inFlight, 5, 'others have slots of their own')
  gate.release()
  t.equal(sourceOf(await stranger), '200 authgear')
  t.equal(sourceOf(await neighbour), '200 authgear', 'behind the same address: later, and not refused for it')
  t.ok((await Promise.all(flood)).every(({ status }) => status === 401))
})

t.test('counts the whole address among the bytes of a request that waits', async (t) => {
  const { adapter, calls } = await startInProcessOnClock(t, { waitingBytes: 64 * 1024 })
  const headers = [['Authorization', `Bearer ${junk(1)}`]] as const
  for (const path of ['/verify?', '/ext-authz/', '/ext-authz/a?']) {
    t.equal(sourceOf(await ask(adapter.port, { path: `${path}${'x'.repeat(40_000)}`, headers })), '503 overloaded', path)
  }
  t.equal(calls(), 0)
})

t.test('never counts a client that no trusted proxy named: others may share the address', async (t) => {
  const simulator = await startSimulator(t)
  const adapter = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    AUTHGEAR_TIMEOUT: '30s',
    AUTHGEAR_FAILURES_PER_MINUTE: 3,
    AUTHGEAR_MAX_CONCURRENCY: 8
  })
  for (let index = 0; index < 10; index++) await verify(adapter, junk(index))
  const gate = simulator.controls.hold('before')
  const asking = Array.from({ length: 6 }, (_, index) => verify(adapter, junk(100 + index)))
  await gate.arrived(6)
  t.equal(adapter.service.authgearQueue().inFlight, 6)
  gate.release()
  await Promise.all(asking)
})

t.test('one session varied by a junk cookie delays no bystander', async (t) => {
  const { adapter, simulator } = await startInProcessOnClock(t, {
    AUTHGEAR_TIMEOUT: '30s', AUTHGEAR_MAX_CONCURRENCY: 8, AUTHGEAR_MAX_QUEUE: 100
  })
  const varied = (index: number): Promise<Answer> =>
    ask(adapter.port, {
      path: '/verify', headers: [['Cookie', `session=${alice.cookie}; app_session=${junk(index)}`]]
    })
  const gate = simulator.controls.hold('before')
  const asking = Array.from({ length: 30 }, (_, index) => varied(index))
  await until('ten are refused, sixteen wait', () => adapter.service.authgearQueue().queued === 16)
  await gate.arrived(4)
  const bystander = verify(adapter, bob.accessToken)
  await gate.arrived(5)
  gate.release()
  t.equal(sourceOf(await bystander), '200 authgear')
  const answers = (await Promise.all(asking)).map(
    ({ status, headers }) => `${status} ${headers['x-forward-auth-reason']}`
  )
  t.strictSame([...new Set(answers)].sort(), ['200 allowed', '503 overloaded'])
  t.equal(answers.filter((answer) => answer === '200 allowed').length, 20)
})

t.test('a session id is not secret: guesses at its rest take none of its owner’s slots', async (t) => {
  const { adapter, simulator } = await startInProcessOnClock(t, {
    AUTHGEAR_TIMEOUT: '30s', AUTHGEAR_MAX_CONCURRENCY: 64, AUTHGEAR_MAX_QUEUE: 100
  })
  const [id] = alice.cookie.split('.')
  const guess = (index: number): Promise<Answer> =>
    ask(adapter.port, { path: '/verify', headers: [['Cookie', `session=${id}.${junk(index)}`]] })
  const gate = simulator.controls.hold('before')
  const guesses = Array.from({ length: 30 }, (_, index) => guess(index))
  await gate.arrived(30)
  const owner = ask(adapter.port, { path: '/verify', headers: [['Cookie', `session=${alice.cookie}`]] })
  await gate.arrived(31)
  gate.release()
  t.equal(sourceOf(await owner), '200 authgear')
  t.strictSame([...new Set((await Promise.all(guesses)).map(sourceOf))], ['401 invalid_session'])
})

t.test('junk of one client never shares a slot with a session that has been valid', async (t) => {
  const { adapter, simulator, clock } = await startInProcessOnClock(t, { ...CROWDED, CACHE_TTL: '10s' })
  const from = (token: string) => fromAddress(adapter, ONE, token)
  await from(alice.accessToken)
  clock.advance(10_001)
  for (let index = 0; index < 3; index++) t.equal((await from(junk(index))).status, 401)
  const gate = simulator.controls.hold('before')
  const flood = Array.from({ length: 20 }, (_, index) => from(junk(100 + index)))
  await gate.arrived(4)
  const member = from(alice.accessToken)
  await gate.arrived(5)
  gate.release()
  t.equal(sourceOf(await member), '200 authgear', 'asked about at once, though its entry had ended')
  await Promise.all(flood)
})

t.test('junk of one client waits before it takes a lease of Redis', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  const adapter = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    REDIS_URL: redis.url,
    AUTHGEAR_TIMEOUT: '60s',
    AUTHGEAR_MAX_CONCURRENCY: 64,
    AUTHGEAR_FAILURES_PER_MINUTE: 3
  })
  const from = (token: string) => fromAddress(adapter, ONE, token)
  await until('the log is followed', () => adapter.service.redisState() === 'up')
  for (let index = 0; index < 3; index++) await from(junk(index))
  const gate = simulator.controls.hold('before')
  const flood = Array.from({ length: 20 }, (_, index) => from(junk(100 + index)))
  await until('four slots are taken, the others wait', () => adapter.service.authgearQueue().queued === 16)
  await gate.arrived(4)
  const leases = (await redis.cli('KEYS', '*lease*') as string[]).length
  t.equal(leases, 4, 'those who are asked about')
  gate.release()
  t.ok((await Promise.all(flood)).every(({ status }) => status === 401))
})

t.test('with no queue at all, a client still takes turns', async (t) => {
  const { adapter, simulator } = await startInProcessOnClock(t, { ...CROWDED, AUTHGEAR_MAX_QUEUE: 0 })
  const from = (token: string) => fromAddress(adapter, ONE, token)
  for (let index = 0; index < 3; index++) await from(junk(index))
  const gate = simulator.controls.hold('before')
  const asking = Array.from({ length: 20 }, (_, index) => from(junk(100 + index)))
  await until('sixteen wait', () => adapter.service.authgearQueue().queued === 16)
  t.match(await from(junk(200)), { status: 503, headers: { 'x-forward-auth-reason': 'overloaded' } },
    'one more is told to come back')
  gate.release()
  t.ok((await Promise.all(asking)).every(({ status }) => status === 401))
})
