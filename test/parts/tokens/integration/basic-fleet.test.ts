import t from 'tap'
import { managementOf } from '../../../helpers/management.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { MANAGEMENT_TOKEN, SECRET } from '../../../helpers/in-process.ts'
import { metricOf } from '../../../helpers/in-process-on-clock.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { redisTier } from '../../../helpers/redis-tier.ts'
import { until } from '../../../helpers/until.ts'
import { systemClock } from '../../../../src/base/clock.ts'
import { createBudget } from '../../../../src/parts/tokens/basic/shared-budget.ts'
import { AHEAD_MS, isUp, markedRunning } from '../../../helpers/token-fleet.ts'
import { API, basicWorld, type Replica } from '../basic-world.ts'

const redis = await startRedis(t)
let prefixes = 0
/** Keys of its own. */
const fresh = () => ({ redis: redis.port, REDIS_KEY_PREFIX: `basic-${++prefixes}:` })

const everywhere = (replicas: readonly Replica[], clientId: string, secret: string): Promise<readonly string[]> =>
  Promise.all(replicas.map((replica) => replica.says(clientId, secret)))

t.test('replicas that see a pair at once ask about it once', async (t) => {
  const { start, calls } = await basicWorld(t, fresh())
  const replicas = [await start(), await start(), await start()]
  t.strictSame(await everywhere(replicas, 'one', 'of one'), Array(3).fill('200 allowed'))
  t.equal(calls(), 1)
  t.strictSame(await everywhere(replicas, 'one', 'wrong'), Array(3).fill('401 invalid_session'))
  t.equal(calls(), 2, 'a wrong one, too')
})

t.test('a restart asks nobody', async (t) => {
  const { start, calls, machines, simulator } = await basicWorld(t, fresh())
  const first = await start()
  for (const { id, secret } of machines) t.equal(await first.says(id, secret), '200 allowed')
  t.equal(await first.says('one', 'wrong'), '401 invalid_session')
  await first.close()
  const before = calls()
  simulator.controls.tokens.fail('reset')
  const second = await start()
  for (const { id, secret } of machines) t.equal(await second.says(id, secret), '200 allowed', id)
  t.equal(await second.says('one', 'wrong'), '401 invalid_session')
  t.equal(calls(), before)
})

t.test('a restart with another CACHE_SECRET and the previous one asks nobody either', async (t) => {
  const common = fresh()
  const { start, calls } = await basicWorld(t, common)
  const first = await start()
  t.equal(await first.says('one', 'of one'), '200 allowed')
  await first.close()
  const second = await start({
    CACHE_SECRET: 'a second secret of the tests, 32', CACHE_SECRET_PREVIOUS: SECRET
  })
  t.equal(await second.says('one', 'of one'), '200 allowed')
  t.equal(calls(), 1)
})

t.test('unknown pairs have eight calls a minute of all replicas together', async (t) => {
  const { start, calls, machines } = await basicWorld(t, fresh())
  const replicas = [await start(), await start(), await start()]
  await everywhere(replicas, 'one', 'of one')
  const before = calls()
  const said: string[] = []
  for (let n = 0; n < 40; n++) {
    for (const replica of replicas) said.push(await replica.says(`client-${n}`, `guess ${n}`))
  }
  t.equal(calls() - before, 8)
  t.equal(said.filter((one) => one === '503 overloaded').length, 120 - 8 * 3)
  t.strictSame(await everywhere(replicas, 'one', 'of one'), Array(3).fill('200 allowed'))
  t.equal(machines.length, 5)
})

t.test('while Redis is away replicas together stay within the calls of one', async (t) => {
  const own = await startRedis(t)
  const { start, calls } = await basicWorld(t, { redis: own.port })
  const replicas = [await start(), await start(), await start()]
  for (const replica of replicas) {
    await until('it knows the others', async () => await metricOf(replica, 'forward_auth_replicas_seen') === 3)
  }
  await own.stop()
  for (let n = 0; n < 10; n++) await everywhere(replicas, `client-${n}`, `guess ${n}`)
  t.equal(calls(), 6, 'a third of eight each')
})

const ADDRESSES = [['many addresses', (n: number) => `198.51.${n}.1`], ['one address', () => '198.51.100.1']] as const

for (const [addresses, from] of ADDRESSES) {
  t.test(`fourteen new clients at once, two of them wrong, from ${addresses}: each is judged`, async (t) => {
    const { start, machines, calls } = await basicWorld(t, fresh())
    for (let n = 6; n <= 12; n++) machines.push({ id: `number-${n}`, secret: `of number-${n}`, scopes: ['read'] })
    const replica = await start()
    const pairs = [...machines, { id: 'one', secret: 'wrong' }, { id: 'nobody', secret: 'wrong' }]
    const said = await Promise.all(pairs.map(({ id, secret }, n) =>
      replica.ask(id, secret, { headers: [['X-Forwarded-For', from(n)]] })))
    t.strictSame(said.map(({ status }) => status), [...machines.map(() => 200), 401, 401])
    t.equal(calls(), 14)
  })
}

t.test('exchanges that begin at once each count, and none is held back before the limit', async (t) => {
  const { commands, sealer, keyPrefix } = await redisTier(t, redis.port)
  const replicas = Array.from({ length: 2 }, () =>
    createBudget(systemClock, { commands, sealer, name: `${keyPrefix}exchanges` }))
  const spends = Array.from({ length: 12 }, (_, n) => replicas.map((one, at) => one.spend({ client: `client ${n} ${at}`, isKnown: true, from: undefined })))
  const made = (await Promise.all(spends.flat())).filter((isMade) => isMade)
  t.equal(made.length, 20)
})

t.test('a block from the management listener refuses at once, and no call is made', async (t) => {
  const { start, calls } = await basicWorld(t, fresh())
  const replicas = [await start(), await start()]
  await everywhere(replicas, 'one', 'of one')
  const before = calls()
  const [first] = replicas
  const headers = { authorization: `Bearer ${MANAGEMENT_TOKEN}` }
  await managementOf(t, (first as Replica).service).inject({ method: 'PUT', url: '/clients/one/block', headers })
  await until('it is blocked', async () =>
    (await everywhere(replicas, 'one', 'of one')).every((one) => one === '401 client_blocked'))
  t.strictSame(await everywhere(replicas, 'one', 'a guess'), Array(2).fill('401 client_blocked'))
  t.equal(calls(), before)
})

t.test('machines pass while Redis is away, if nobody can revoke their tokens', async (t) => {
  const away = await startRedis(t)
  const clock = manualClock(Date.now())
  const { start, calls } = await basicWorld(t, {
    redis: away.port, MANAGEMENT_TOKEN: undefined, CACHE_DEGRADED_TTL: '100ms', clock
  })
  const replica = await start()
  t.equal(await replica.says('one', 'of one'), '200 allowed')
  await away.stop()
  await until('it is cut off', () => !isUp(replica))
  // by the end a replica that is cut off knows nothing of the token
  for (let ms = 0; ms <= AHEAD_MS + 8000; ms += 2000) {
    t.equal(await replica.says('one', 'of one'), '200 allowed', `${ms} ms`)
    await markedRunning()
    clock.advance(2000)
  }
  t.equal(calls(), 1)
})

t.test('Redis holds neither secret nor token nor client id in clear', async (t) => {
  const { start } = await basicWorld(t, fresh())
  const replica = await start()
  await replica.says('one', 'of one')
  await replica.says('two', 'a wrong secret')
  const keys = (await redis.cli('KEYS', `basic-${prefixes}:*`)) as readonly string[]
  const values = await Promise.all(keys.map(async (key) => await redis.cli('TYPE', key) === 'string'
    ? String(await redis.cli('GET', key))
    : ''))
  t.ok(keys.some((key) => key.endsWith(':basic')))
  const all = [...keys, ...values].join('\n')
  for (const text of ['of one', 'a wrong secret', 'eyJ', '"one"', API]) t.notOk(all.includes(text), text)
})
