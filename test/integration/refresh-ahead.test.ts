import t, { type Test } from 'tap'
import { type InProcessOptions, startInProcess } from '../helpers/in-process.ts'
import { metricOf, sourceOf, startInProcessOnClock, sumOf, verify } from '../helpers/in-process-on-clock.ts'
import { user } from '../helpers/log-entry.ts'
import { startRedis } from '../helpers/redis.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { jumpingClock } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

const { alice } = demo
/** CACHE_TTL, and when a renewal is due at the latest. */
const TTL = 30_000
const DUE = 0.8 * TTL

async function start (t: Test, options: Partial<InProcessOptions> = {}) {
  const world = await startInProcessOnClock(t, { CACHE_TTL: `${TTL}ms`, refreshAhead: 0.8, ...options })
  t.equal(sourceOf(await verify(world.adapter, alice.accessToken)), '200 authgear')
  return world
}

t.test('renews a session in use before its entry ends, and nobody waits', async (t) => {
  const { adapter, clock, calls, simulator } = await start(t)
  clock.advance(0.7 * TTL)
  t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 memory')
  t.equal(calls(), 1, 'not before its time')
  clock.advance(0.1 * TTL)
  const gate = simulator.controls.hold('before')
  const answers = await Promise.all(Array.from({ length: 10 }, () => verify(adapter, alice.accessToken)))
  t.ok(answers.every((answer) => sourceOf(answer) === '200 memory'), 'all are answered while it is under way')
  await gate.arrived(1)
  gate.release()
  t.equal(calls(), 2, 'one asks')
  await until('it is renewed', async () => {
    clock.advance(1)
    return sourceOf(await verify(adapter, alice.accessToken)) === '200 memory' && calls() === 2
  })
  clock.advance(DUE - 1000)
  t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 memory', 'long after the first one would have ended')
  t.equal(calls(), 2)
})

t.test('a session that is not used is not asked about', async (t) => {
  const { adapter, clock, calls } = await start(t)
  clock.advance(TTL)
  t.equal(calls(), 1)
  t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 authgear')
})

t.test('off, every entry is used to its end', async (t) => {
  const { adapter, clock, calls } = await start(t, { refreshAhead: 0 })
  for (const step of [0.85, 0.03]) {
    clock.advance(step * TTL)
    t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 memory')
  }
  t.equal(calls(), 1)
})

t.test('a request after expiry gets the renewal\'s result', async (t) => {
  const { adapter, clock, calls, simulator, waiting } = await start(t, { AUTHGEAR_TIMEOUT: `${TTL}ms` })
  clock.advance(DUE)
  const gate = simulator.controls.hold('before')
  await verify(adapter, alice.accessToken)
  await gate.arrived(1)
  clock.advance(TTL - DUE)
  const asking = verify(adapter, alice.accessToken)
  await until('it waits', async () => await waiting() === 1)
  gate.release()
  t.equal(sourceOf(await asking), '200 authgear')
  t.equal(calls(), 2)
})

t.test('tries a failed renewal again once a second, not with every request', async (t) => {
  const { adapter, clock, calls, simulator } = await start(t)
  clock.advance(DUE)
  simulator.controls.fail('not-found')
  for (let i = 0; i < 5; i++) t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 memory')
  await until('it failed', () => calls() === 2)
  clock.advance(999)
  await verify(adapter, alice.accessToken)
  t.equal(calls(), 2)
  clock.advance(1)
  t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 memory')
  await until('tried again', () => calls() === 3)
  clock.advance(TTL)
  t.equal(sourceOf(await verify(adapter, alice.accessToken)), '503 authgear_unavailable', 'never past its end')
})

t.test('a renewal that finds the session ended ends it', async (t) => {
  for (const negativeTtlMs of [5000, 0]) {
    const { adapter, clock, calls, simulator } = await start(t, { CACHE_NEGATIVE_TTL: `${negativeTtlMs}ms` })
    simulator.controls.disable('alice')
    clock.advance(DUE)
    t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 memory')
    // a bearer's refusal is silence, and silence takes the place of a valid session only if it comes twice
    await until('asked twice', () => calls() === 3)
    await until('refused', async () => (await verify(adapter, alice.accessToken)).status === 401)
    t.equal((await verify(adapter, alice.accessToken)).status, 401, `CACHE_NEGATIVE_TTL ${negativeTtlMs}`)
  }
})

t.test('one silent answer does not end a session that is known to be valid', async (t) => {
  const { adapter, clock, calls, simulator } = await start(t)
  clock.advance(DUE)
  simulator.controls.fail('silent', 1)
  await verify(adapter, alice.accessToken)
  await until('asked twice', () => calls() === 3)
  t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 memory')
})

t.test('a revocation while it is renewed voids what the renewal brings', async (t) => {
  const { adapter, clock, calls, simulator } = await start(t)
  clock.advance(DUE)
  const gate = simulator.controls.hold('after')
  await verify(adapter, alice.accessToken)
  await gate.arrived(1)
  simulator.controls.disable('alice')
  await adapter.service.revocations?.revocations.revoke(user(alice.id))
  const asking = verify(adapter, alice.accessToken)
  gate.release()
  t.equal((await asking).status, 401)
  t.equal((await verify(adapter, alice.accessToken)).status, 401)
  t.ok(calls() >= 3, 'resolved again')
})

t.test('one replica of a fleet renews, under the lease, and the others use its result', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  const clock = jumpingClock()
  const replicas = await Promise.all(
    [1, 2, 3].map(() =>
      startInProcess(t, {
        AUTHGEAR_ENDPOINT: simulator.url,
        REDIS_URL: redis.url,
        CACHE_TTL: `${TTL}ms`,
        refreshAhead: 0.8,
        CACHE_DEGRADED_TTL: `${TTL}ms`,
        clock
      })
    )
  )
  const [unknown] = replicas
  if (unknown === undefined) throw new Error('three')
  await until('all follow', () => replicas.every(({ service }) => service.redisState() === 'up'))
  for (const replica of replicas) {
    await until(
      'it is in Redis',
      async () =>
        simulator.counters.resolutions === 0 || ((await redis.cli('KEYS', '*:entry')) as string[]).length === 1
    )
    await verify(replica, alice.accessToken)
  }
  t.equal(simulator.counters.resolutions, 1)
  clock.jump(DUE)
  // Redis' own clock did not jump: what it holds must look as old as what is remembered
  await redis.cli('PEXPIRE', ((await redis.cli('KEYS', '*:entry')) as string[])[0] ?? '', '5000')
  await until('all follow again', () => replicas.every(({ service }) => service.redisState() === 'up'))
  const gate = simulator.controls.hold('before')
  for (const replica of replicas) t.equal(sourceOf(await verify(replica, alice.accessToken)), '200 memory')
  await gate.arrived(1)
  const reads = (index: number): Promise<number> =>
    metricOf(replicas[index] ?? unknown, 'forward_auth_cache_reads_total{tier="redis",outcome="hit"}')
  await until('the two others look for it', async () => (await reads(1)) === 2 && (await reads(2)) === 2)
  gate.release()
  await until('the two others have it',
    async () => (await sumOf(replicas, 'forward_auth_coalesced_total{scope="fleet"}')) === 2)
  clock.jump(0.1 * TTL)
  for (const replica of replicas) t.match(sourceOf(await verify(replica, alice.accessToken)), /^200 (memory|redis)$/)
  t.equal(simulator.counters.resolutions, 2)
})
