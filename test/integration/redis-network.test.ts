import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { startInProcess, type InProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { metricOf, sourceOf, verify } from '../helpers/in-process-on-clock.ts'
import { startBadNetwork, type BadNetwork, type Weather } from '../helpers/bad-network.ts'
import { user } from '../helpers/log-entry.ts'
import { addPrintedUser, PASSWORD, USERNAME } from '../helpers/redis-acl.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { startRelay } from '../helpers/relay.ts'
import { demo, startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

const { alice, bob } = demo

const isUp = ({ service }: InProcess): boolean => service.redisState() === 'up'

function logOf ({ service }: InProcess) {
  if (service.revocations === undefined) throw new Error('a replica of these tests has a management token')
  return service.revocations.revocations
}

const errors = (adapter: InProcess, operation: string): Promise<number> =>
  metricOf(adapter, `forward_auth_redis_errors_total{operation="${operation}"}`)

/** What Node says of a connection to a server that was killed; which, is up to the bytes it had not read. */
const CONNECTION_ERROR = /closed|ECONNREFUSED|ECONNRESET|EPIPE/
const linesOf = ({ lines }: InProcess, beginning: string) =>
  lines.filter(({ msg }) => String(msg).startsWith(beginning))
/** The revocation log has keys of its own. */
const entriesIn = async (redis: RedisServer): Promise<number> => (await redis.cli('KEYS', '*:entry') as string[]).length

/** Nobody is logged out, and nobody is let in who is nobody. */
async function checkAnswers (t: Test, adapter: InProcess, when: string): Promise<void> {
  for (const [who, token, status, id] of [
    ['alice', alice.accessToken, 200, alice.id],
    ['bob', bob.accessToken, 200, bob.id],
    ['nobody', 'N'.repeat(32), 401, undefined]
  ] as const) {
    const answer = await verify(adapter, token)
    t.same([answer.status, answer.headers['x-authgear-user-id']], [status, id], `${when}: ${who}`)
  }
}

/** Next to no memory tier: every request needs Redis or Authgear. */
async function start (t: Test, { port }: Pick<RedisServer, 'port'>, options: Partial<InProcessOptions> = {}) {
  const simulator = await startSimulator(t)
  const open = (more: Partial<InProcessOptions> = {}): Promise<InProcess> =>
    startInProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url,
      REDIS_URL: `redis://127.0.0.1:${port}`,
      CACHE_TTL: '1ms',
      CACHE_NEGATIVE_TTL: '0',
      ...options,
      ...more
    })
  return { simulator, adapter: await open(), open }
}

const HASTY = { REDIS_TIMEOUT: '50ms' }

async function startBehindWeather (
  t: Test,
  options: Partial<InProcessOptions> = {}
): Promise<Readonly<{ redis: RedisServer, network: BadNetwork, adapter: InProcess, simulator: RunningSimulator }>> {
  const redis = await startRedis(t)
  const network = await startBadNetwork(t, redis.port)
  const { adapter, simulator } = await start(t, network, options)
  await until('Redis is used', () => isUp(adapter))
  await checkAnswers(t, adapter, 'fair')
  return { redis, network, adapter, simulator }
}

async function checkFair (t: Test, network: BadNetwork, adapter: InProcess): Promise<void> {
  network.become({ kind: 'fair' })
  await until('Redis is used again', () => isUp(adapter))
  await checkAnswers(t, adapter, 'fair again')
  await untilLogged(adapter, bob.id)
}

/**
 * The cache's connection and the follower's are up; the one that writes the log comes by itself, within a second or
 * two.
 */
async function untilLogged (adapter: InProcess, id: string): Promise<void> {
  await until('a revocation is logged', async () => await logOf(adapter).revoke(user(id)) === 'logged')
}

t.test('the network to Redis', async (t) => {
  t.jobs = 5 // all of it is waiting, each for its own Redis
  t.test('slower than REDIS_TIMEOUT: Authgear is asked, the log is followed all the same', async (t) => {
    const { network, adapter } = await startBehindWeather(t, HASTY)
    network.become({ kind: 'slow', latencyMs: 200 })
    const before = await errors(adapter, 'read')
    t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 authgear')
    t.equal(await errors(adapter, 'read'), before + 1, 'not waited for, and no miss')
    await checkAnswers(t, adapter, 'slow')
    t.match(await logOf(adapter).revoke(user(bob.id)), /^(?:logged|pending)$/)
    t.ok(logOf(adapter).isFollowing())
    await checkFair(t, network, adapter)
  })

  t.test('half-open: the connections are left, and nobody waits for them', async (t) => {
    const { network, adapter } = await startBehindWeather(t, HASTY)
    network.become({ kind: 'half-open' })
    await checkAnswers(t, adapter, 'half-open')
    await until('the cache’s is left', () => !isUp(adapter))
    await until('the log is not followed', () => !logOf(adapter).isFollowing())
    await checkAnswers(t, adapter, 'left')
    await checkFair(t, network, adapter)
  })

  const TORN: ReadonlyArray<readonly [what: string, weather: Weather]> = [
    ['answers that end in their middle', { kind: 'cut', every: 7 }],
    ['answers that are lost, so that the next one takes their place', { kind: 'loss', every: 7 }]
  ]
  for (const [what, weather] of TORN) {
    t.test(`${what}: every answer of ours is right`, async (t) => {
      const { network, adapter } = await startBehindWeather(t, HASTY)
      network.become(weather)
      const answers = await Promise.all(Array.from({ length: 10 }, async () => {
        const wrong: string[] = []
        for (let n = 0; n < 20; n++) {
          const [one, other] = [await verify(adapter, alice.accessToken), await verify(adapter, bob.accessToken)]
          if (one.headers['x-authgear-user-id'] !== alice.id || other.headers['x-authgear-user-id'] !== bob.id) {
            wrong.push(`${sourceOf(one)} ${sourceOf(other)}`)
          }
        }
        return wrong
      }))
      t.same(answers.flat(), [], '400 requests')
      await checkFair(t, network, adapter)
    })
  }

  t.test('a server that closes each connection is not stormed', async (t) => {
    const { network, adapter } = await startBehindWeather(t)
    network.become({ kind: 'refused' })
    const [before, began] = [network.connections(), performance.now()]
    network.cut()
    await until('each of three connections has tried ten times', () => network.connections() - before >= 30)
    const seconds = (performance.now() - began) / 1000
    t.comment(
      `30 attempts of three connections in ${seconds.toFixed(1)} s: ${Math.round((10 / seconds) * 60)} a minute ` +
        'for each'
    )
    await checkAnswers(t, adapter, 'thrown out')
    t.equal(linesOf(adapter, 'Redis is unreachable').length, 1, 'told once')
    await checkFair(t, network, adapter)
  })
})

t.test('a Redis that is away', async (t) => {
  t.test('from the start, and comes later', async (t) => {
    const redis = await startRedis(t)
    await redis.stop()
    const { adapter } = await start(t, redis, { ...HASTY, CACHE_TTL: '30s' })
    await checkAnswers(t, adapter, 'down')
    await redis.restart()
    await until('Redis is used', () => isUp(adapter))
    await checkAnswers(t, adapter, 'up')
    t.equal(linesOf(adapter, 'Redis is unreachable').length, 1, 'told once')
  })

  t.test('dies and comes back empty under traffic', async (t) => {
    const redis = await startRedis(t)
    // with 50 ms an event loop that stands still for 500 would end the connection before Redis does
    const { adapter } = await start(t, redis)
    await until('Redis is used', () => isUp(adapter))
    await checkAnswers(t, adapter, 'before')
    await redis.stop()
    await checkAnswers(t, adapter, 'dead')
    await until('it is told', () => linesOf(adapter, 'Redis is unreachable').length > 0)
    t.match(linesOf(adapter, 'Redis is unreachable')[0], { error: { message: CONNECTION_ERROR } },
      'not an error that nobody threw')
    await redis.restart()
    await until('Redis is used again', () => isUp(adapter))
    await checkAnswers(t, adapter, 'after')
  })

  t.test('freezes: every answer stays right and costs at most REDIS_TIMEOUT more', async (t) => {
    const redis = await startRedis(t)
    const { simulator, adapter } = await start(t, redis, HASTY)
    simulator.controls.latency = 60
    await until('Redis is used', () => isUp(adapter))
    redis.pause()
    const started = performance.now()
    const answers = await Promise.all(Array.from({ length: 30 }, () => verify(adapter, alice.accessToken)))
    t.comment(`30 requests with a frozen Redis and a resolver of 60 ms: ${Math.round(performance.now() - started)} ms`)
    t.strictSame(new Set(answers.map(sourceOf)), new Set(['200 authgear']))
    await until('the frozen server is left', () => !isUp(adapter))
    await checkAnswers(t, adapter, 'left')
    redis.resume()
    await until('Redis is used again', () => isUp(adapter))
    await checkAnswers(t, adapter, 'thawed')
  })

  t.test('accepts and never answers: it is not waited for', async (t) => {
    const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    t.teardown(() => silent.close())
    const { adapter } = await start(t, silent.address() as AddressInfo, HASTY)
    await checkAnswers(t, adapter, 'silent')
  })
})

t.test('two replicas', async (t) => {
  t.test('what one learned the other finds in Redis, with no call of its own', async (t) => {
    const redis = await startRedis(t)
    const { simulator, adapter: first, open } = await start(t, redis, { CACHE_TTL: '30s' })
    const second = await open()
    await until('Redis is used', () => isUp(first) && isUp(second))
    t.equal(sourceOf(await verify(first, alice.accessToken)), '200 authgear')
    await until('the value is there', async () => await entriesIn(redis) === 1)
    t.match((await verify(second, alice.accessToken)).headers, {
      'x-forward-auth-source': 'redis', 'x-authgear-user-id': alice.id, 'x-authgear-user-roles': 'admin,editor'
    })
    t.equal(sourceOf(await verify(second, alice.accessToken)), '200 memory', 'promoted')
    t.equal(simulator.counters.resolutions, 1)
  })

  for (const [name, options] of [
    ['another secret', { CACHE_SECRET: 'another secret, also of 32 bytes' }],
    ['another key prefix', { REDIS_KEY_PREFIX: 'other:' }],
    ['another cookie prefix', { AUTHGEAR_COOKIE_PREFIX: 'lab_' }]
  ] as const) {
    t.test(`with ${name} share nothing`, async (t) => {
      const redis = await startRedis(t)
      const { adapter: one, open } = await start(t, redis, { CACHE_TTL: '30s' })
      const other = await open(options)
      await until('Redis is used', () => isUp(one) && isUp(other))
      await verify(one, alice.accessToken)
      await until('the value is there', async () => await entriesIn(redis) === 1)
      t.equal(sourceOf(await verify(other, alice.accessToken)), '200 authgear')
    })
  }
})

t.test('a Redis that refuses', async (t) => {
  t.test('wants a password that nobody gave', async (t) => {
    const redis = await startRedis(t, { args: ['--requirepass', 'sesame'] })
    const { adapter } = await start(t, redis, { CACHE_TTL: '30s' })
    await checkAnswers(t, adapter, 'without it')
    await until('it is told', () =>
      linesOf(adapter, 'Redis refuses the password: check REDIS_USERNAME and REDIS_PASSWORD').length > 0)
    const unfollowed = 'the revocation log is unavailable'
    await until('so is what follows', () => linesOf(adapter, unfollowed).length > 0)
    t.match(linesOf(adapter, unfollowed)[0], { error: { message: 'there is no connection to Redis' } })
  })

  t.test('full from the start: Authgear is asked again, and nobody is logged out', async (t) => {
    const redis = await startRedis(t, { args: ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'] })
    const { adapter } = await start(t, redis, HASTY)
    await checkAnswers(t, adapter, 'OOM')
  })

  t.test('memory full: reads go on, failed writes are counted, a revocation is logged', async (t) => {
    const redis = await startRedis(t, { args: ['--maxmemory-policy', 'noeviction'] })
    const { adapter, open } = await start(t, redis, { CACHE_TTL: '30s' })
    const [second, third] = [await open(), await open()]
    await until('Redis is used', () => [adapter, second, third].every(isUp))
    await verify(adapter, alice.accessToken)
    await until('it is stored', async () => await entriesIn(redis) === 1)
    await redis.cli('CONFIG', 'SET', 'maxmemory', '1')
    t.equal(sourceOf(await verify(second, alice.accessToken)), '200 redis', 'reads go on')
    t.equal(sourceOf(await verify(adapter, bob.accessToken)), '200 authgear')
    t.ok(await errors(adapter, 'lease') >= 1, 'what cannot be written is counted')
    const told = linesOf(adapter, 'Redis refuses a command').filter(({ refusal }) => refusal === 'OOM')
    t.equal(told.length, 1, 'and told once')
    t.equal(await logOf(adapter).revoke(user(alice.id)), 'logged', 'a webhook gets 204')
    t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 authgear')
    t.ok([adapter, second, third].every(isUp), 'the log is followed')
    const before = logOf(third).snapshot()
    t.equal(await logOf(adapter).revoke(user(bob.id)), 'logged')
    await until('the others read it', () => logOf(third).isVoid({ userId: bob.id, digests: [] }, before))
    await redis.cli('CONFIG', 'SET', 'maxmemory', '0')
    t.equal(
      sourceOf(await verify(third, alice.accessToken)), '200 authgear', 'and the entry from before is used by none'
    )
    await until('stored again', async () => await entriesIn(redis) >= 1)
  })

  t.test('does not use a Redis replica, and leaves when another server is master', async (t) => {
    const master = await startRedis(t, { args: ['--repl-diskless-sync-delay', '0'] })
    const copy = await startRedis(t, { args: ['--replicaof', '127.0.0.1', String(master.port)] })
    await until('it is a replica', async () => {
      const role = await copy.cli('ROLE')
      return Array.isArray(role) && role[3] === 'connected'
    })
    const relay = await startRelay(t, master.port)
    const { adapter } = await start(t, relay, { CACHE_TTL: '30s' })
    await until('the master is used', () => isUp(adapter))
    relay.to(copy.port)
    await until('it is not followed', () => !logOf(adapter).isFollowing())
    await checkAnswers(t, adapter, 'a replica')
    t.equal(await logOf(adapter).revoke(user(bob.id)), 'pending')
    t.equal(await entriesIn(master), 0)
    relay.route(master.port)
    await until('the master is used again, though nobody cut the connections', () => isUp(adapter))
    await checkAnswers(t, adapter, 'the master')
    await untilLogged(adapter, alice.id)
    await until('entries are written there', async () => {
      await logOf(adapter).revoke(user(alice.id))
      await verify(adapter, alice.accessToken)
      return await entriesIn(master) > 0
    })
    await until('what waited is written', async () =>
      JSON.stringify(
        await master.cli('XRANGE', ((await master.cli('KEYS', '*:stream')) as string[])[0] ?? '', '-', '+')
      ).includes(bob.id)
    )
  })

  t.test('logs a wrong password once, and connects when it becomes right', async (t) => {
    const redis = await startRedis(t)
    await addPrintedUser(redis)
    await redis.cli('ACL', 'SETUSER', USERNAME, 'resetpass', '>another')
    const { adapter } = await start(t, redis, {
      REDIS_KEY_PREFIX: 'forward-auth:', REDIS_USERNAME: USERNAME, REDIS_PASSWORD: PASSWORD
    })
    const told = (): unknown[] => linesOf(adapter, 'Redis refuses the password')
    await until('it is told', () => told().length === 1)
    t.match(told(), [{ error: { message: /WRONGPASS/ } }])
    await checkAnswers(t, adapter, 'WRONGPASS')
    await until(
      'it was tried again',
      async () =>
        ((await redis.cli('ACL', 'LOG')) as unknown[]).length >= 1 &&
        Number(
          /rejected_connections:(\d+)|total_connections_received:(\d+)/.exec(
            String(await redis.cli('INFO', 'stats'))
          )?.[2]
        ) > 6
    )
    t.equal(told().length, 1, 'once')
    t.notMatch(JSON.stringify(adapter.lines), PASSWORD, 'and without the password')
    await redis.cli('ACL', 'SETUSER', USERNAME, `>${PASSWORD}`)
    await until('Redis is used', () => isUp(adapter))
    await checkAnswers(t, adapter, 'the right one')
  })
})
