import t from 'tap'
import { demoJwt } from '../../deploy/demo/authgear-simulator/tokens.mjs'
import { entryForm } from '../../src/base/cache/redis.ts'
import { createSharedCache, type SharedCache } from '../../src/base/cache/coalescing.ts'
import { createSealer } from '../../src/base/crypto/sealing.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { CacheKey, CacheKeys } from '../../src/base/core/cache-key.ts'
import type { EpochMs } from '../../src/base/core/token-expiry.ts'
import type { Entry } from '../../src/base/core/entry.ts'
import { readResolution } from '../../src/base/core/resolution.ts'
import { connectRedis } from '../../src/base/redis/connect.ts'
import { startInProcess, type InProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { sumOf } from '../helpers/in-process-on-clock.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { NO_LOG } from '../helpers/no-log.ts'
import { settingsFor } from '../helpers/redis-settings.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { runs } from '../helpers/runs.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

const REPLICAS = [1, 2, 3]
/** Nothing ends while a machine that does twenty other things comes to it. */
const PATIENT = { CACHE_TTL: '10m', AUTHGEAR_TIMEOUT: '60s' } as const
/** While no secret is rotated. */
const keysOf = (key: string): CacheKeys => ({ current: key as CacheKey, previous: undefined })
const bearer = (token: string) => ({ path: '/verify', headers: [['Authorization', `Bearer ${token}`] as const] })

t.test('60 parallel requests of one cold credential on three replicas make one call', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  simulator.controls.latency = 100
  const replicas = await startReplicas(t, { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url })
  await untilShared(t, 1, async (run) => {
    const token = `T${String(run).padStart(31, '0')}`
    simulator.controls.addUser({ id: `user-${run}`, name: 'somebody', sessions: [{ accessTokens: [token] }] })
    const [errors, calls] = [await redisErrors(replicas), simulator.counters.resolutions]
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => ask(replicas[index % 3]?.port ?? 0, bearer(token)))
    )
    t.ok(answers.every(({ status, headers }) => status === 200 && headers['x-authgear-user-id'] === `user-${run}`),
      'every one of them is that user')
    return { calls: simulator.counters.resolutions - calls, errors: await redisErrors(replicas) - errors }
  })
})

t.test('60 contenders that share nothing but Redis: one asks, each time', async (t) => {
  const redis = await startRedis(t)
  let errors = 0
  const fleets = await Promise.all(REPLICAS.map(() => openFleet(t, redis.port, { sharedError: () => { errors++ } })))
  await untilShared(t, runs(10, 40), async (run) => {
    const key = `run-${run}`
    let calls = 0
    errors = 0
    const contender = async (index: number): Promise<string> => {
      await new Promise((resolve) => setTimeout(resolve, index * 80 / 60))
      const turn = await (fleets[index % 3] as SharedCache).lookup(keysOf(key), () => true)
      if (turn.kind === 'found') return userOf(turn.entry)
      calls++
      await new Promise((resolve) => setTimeout(resolve, 40))
      await turn.done(entryOf(`user of ${key}`), 30_000)
      return `user of ${key}`
    }
    const users = await Promise.all(Array.from({ length: 60 }, (_, index) => contender(index)))
    t.ok(users.every((user) => user === `user of ${key}`), `run ${run}: the same user for all`)
    return { calls, errors }
  })
})

t.test('mixed requests of many users on three replicas: none is taken for another', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  const [rounds, credentials] = [runs(10, 30), 2 * runs(60, 150)]
  const users = Array.from({ length: credentials / 2 }, (_, index) => ({
    id: `user-${index}`, token: `T${String(index).padStart(31, '0')}`
  }))
  for (const { id, token } of users) simulator.controls.addUser({ id, name: id, sessions: [{ accessTokens: [token] }] })
  const replicas = await startReplicas(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    REDIS_URL: redis.url,
    AUTHGEAR_MAX_CONCURRENCY: 200
  })
  const one = async (index: number): Promise<boolean> => {
    const user = users[Math.floor(index / 2) * 37 % users.length] ?? { id: '', token: '' }
    const asBearer = index % 2 === 0
    const headers = asBearer ? bearer(user.token).headers : [['Cookie', `x=1; app_access_token=${user.token}`] as const]
    const { status, headers: answer } = await ask(replicas[index % 3]?.port ?? 0, { path: '/verify', headers })
    return status === 200 && answer['x-authgear-user-id'] === user.id
  }
  let right = 0
  for (let round = 0; round < rounds; round++) {
    const asked = Array.from({ length: 100 }, (_, index) => one(round * 100 + index))
    right += (await Promise.all(asked)).filter(Boolean).length
  }
  t.equal(right, rounds * 100)
  const unshared = await redisErrors(replicas)
  t.ok(simulator.counters.resolutions <= credentials + unshared,
    `${simulator.counters.resolutions} calls for ${credentials} credentials; Redis failed ${unshared} times`)
})

t.test('a winner that fails does not take the others down with it', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  const [first, second] = await startReplicas(t, { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url })
  simulator.controls.fail('not-found', 1)
  const hold = simulator.controls.hold('before')
  const losing = ask(first?.port ?? 0, bearer(demo.alice.accessToken))
  await hold.arrived(1)
  const winning = ask(second?.port ?? 0, bearer(demo.alice.accessToken))
  hold.release()
  t.same((await Promise.all([losing, winning])).map(({ status }) => status), [503, 200])
})

t.test('a lease that never ends, or for too long, is nobody’s: Authgear is asked at once', async (t) => {
  const redis = await startRedis(t)
  for (const [name, args] of [['no end', []], ['an hour', ['PX', '3600000']]] as const) {
    const fleet = await openFleet(t, redis.port, { leaseWaitMs: 60_000 })
    await redis.cli('SET', `test:{planted ${name}}:lease`, 'stranger', ...args)
    const turn = await fleet.lookup(keysOf(`planted ${name}`), () => true)
    t.equal(turn.kind, 'ask', name)
  }
})

t.test('a lease of one who died is succeeded when it ends', async (t) => {
  const redis = await startRedis(t)
  const fleet = await openFleet(t, redis.port, { leaseWaitMs: 60_000 })
  await redis.cli('SET', 'test:{orphan}:lease', 'dead', 'PX', '100')
  const turn = await fleet.lookup(keysOf('orphan'), () => true)
  t.equal(turn.kind, 'ask')
  t.not(await redis.cli('GET', 'test:{orphan}:lease'), 'dead', 'it is ours now')
  if (turn.kind === 'ask') await turn.done()
  t.equal(await redis.cli('EXISTS', 'test:{orphan}:lease'), 0, 'and is given back, also without a value')
})

t.test('a value written after its lease ended gives no old answer a new life', async (t) => {
  const redis = await startRedis(t)
  const fleet = await openFleet(t, redis.port)
  const turn = await fleet.lookup(keysOf('late'), () => true)
  if (turn.kind !== 'ask') throw new Error('nobody else was there')
  await redis.cli('DEL', 'test:{late}:lease') // as its end does, while a frozen server holds the command back
  await turn.done(entryOf('old'), 30_000)
  t.equal(await redis.cli('EXISTS', 'test:{late}:entry'), 0)
  const again = await fleet.lookup(keysOf('late'), () => true)
  if (again.kind === 'ask') await again.done(entryOf('new'), 30_000)
  t.equal(await redis.cli('EXISTS', 'test:{late}:entry'), 1, 'in time it is written')
})

t.test('a token’s end is the end of every answer to it, also of one in Redis', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  let skew = 0
  const clock = { monotonic: () => systemClock.monotonic(), wall: () => systemClock.wall() + skew as EpochMs }
  const exp = Math.floor(Date.now() / 1000) + 20
  const token = demoJwt({ sub: 'u', aud: simulator.url, exp })
  simulator.controls.addUser({ id: 'u', name: 'u', sessions: [{ accessTokens: [token] }] })
  const options = { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url, clock }
  const [first, second] = await startReplicas(t, options)
  t.equal((await ask(first?.port ?? 0, bearer(token))).status, 200)
  await until('it is in Redis', async () => (await redis.cli('KEYS', '*:entry') as string[]).length === 1)
  // as a late write did
  await redis.cli('PEXPIRE', String((await redis.cli('KEYS', '*:entry') as string[])[0]), '25000')
  skew = 21_000
  await until('the log is followed by the clock that jumped', () => second?.service.redisState() === 'up')
  const answer = await ask(second?.port ?? 0, bearer(token))
  t.not(answer.headers['x-forward-auth-source'], 'redis')
})

t.test('waits no longer than patience for a winner that does not return', async (t) => {
  const redis = await startRedis(t)
  const fleet = await openFleet(t, redis.port, { leaseWaitMs: 30 })
  await redis.cli('SET', 'test:{slow}:lease', 'other', 'PX', '4000')
  t.equal((await fleet.lookup(keysOf('slow'), () => true)).kind, 'ask')
  t.equal(await redis.cli('GET', 'test:{slow}:lease'), 'other', 'the lease stays the other’s')
})

/**
 * A machine that stands still for half a second leaves Redis, and then asks alone, as it should: such a
 * run says nothing and is made again.
 */
async function untilShared (
  t: Tap,
  runs: number,
  one: (run: number) => Promise<Readonly<{ calls: number, errors: number }>>
): Promise<void> {
  let valid = 0
  for (let run = 0; valid < runs; run++) {
    if (run === runs + 20) throw new Error('Redis failed in more than twenty runs')
    const { calls, errors } = await one(run)
    if (errors === 0) t.equal(calls, 1, `run ${run}: one call`)
    if (errors === 0) valid++
    else t.comment(`run ${run}: ${calls} calls, Redis failed ${errors} times`)
  }
}

/** Of all of them and of each kind since their start. */
async function redisErrors (replicas: readonly InProcess[]): Promise<number> {
  const counts = await Promise.all(
    ['read', 'lease', 'write', 'release'].map((operation) =>
      sumOf(replicas, `forward_auth_redis_errors_total{operation="${operation}"}`)
    )
  )
  return counts.reduce((all, one) => all + one)
}

async function startReplicas (t: Tap, options: InProcessOptions): Promise<readonly InProcess[]> {
  // by its own clock none stands still for three seconds, after which it would share nothing until its next poll
  const clock = manualClock()
  const replicas = await Promise.all(REPLICAS.map(() => startInProcess(t, { ...PATIENT, clock, ...options })))
  await until('all use Redis', () => replicas.every(({ service }) => service.redisState() === 'up'))
  return replicas
}

async function openFleet (
  t: Pick<Tap, 'teardown'>,
  port: number,
  { leaseWaitMs = 5000, sharedError = () => {} }: { leaseWaitMs?: number, sharedError?: () => void } = {}
): Promise<SharedCache> {
  let ready = (): void => {}
  const up = new Promise<void>((resolve) => { ready = resolve })
  const connection = connectRedis(settingsFor(port, { timeoutMs: 5000 }), { up: ready, down: () => {} })
  t.teardown(() => connection.close())
  await up
  return createSharedCache({
    tier: {
      commands: connection.commands,
      sealer: createSealer(Buffer.alloc(32)),
      keyPrefix: 'test:',
      clock: systemClock,
      form: entryForm()
    },
    leaseMs: 5000,
    leaseWaitMs,
    observer: { sharedRead: () => {}, sharedError }
  })
}

function entryOf (user: string): Entry {
  const reading = readResolution(['x-authgear-session-valid', 'true', 'x-authgear-user-id', user])
  if (reading.kind !== 'resolution') throw new Error('not a resolution')
  return { resolution: reading.resolution, stamp: NO_LOG, digests: [], ttlMs: 30_000, sealedAt: systemClock.wall() }
}

function userOf ({ resolution }: Entry): string {
  return resolution.kind === 'valid' ? resolution.userId : 'nobody'
}

type Tap = import('tap').Test
