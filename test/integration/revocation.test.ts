import t, { type Test } from 'tap'
import type { Revocation } from '../../src/base/revocation/types.ts'
import { startInProcess, type InProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { sourceOf, startInProcessOnClock, verify } from '../helpers/in-process-on-clock.ts'
import { EVERYTHING, user } from '../helpers/log-entry.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { startRelay } from '../helpers/relay.ts'
import { ask } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { jumpingClock } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

const { alice, bob } = demo
const DEGRADED = 20_000
const STALE = 3000

const isUp = ({ service }: InProcess): boolean => service.redisState() === 'up'

function parts ({ service }: InProcess) {
  if (service.revocations === undefined) throw new Error('a replica of these tests has a management token')
  return service.revocations
}
const revoke = (adapter: InProcess, revocation: Revocation) => parts(adapter).revocations.revoke(revocation)
const generationOf = (adapter: InProcess): string => parts(adapter).revocations.snapshot().stamp.generation

async function namesIn (redis: RedisServer, kind: 'entry' | 'lease'): Promise<number> {
  const names = await redis.cli('KEYS', `*:${kind}`)
  return Array.isArray(names) ? names.length : 0
}

async function startFleet (t: Test, count: number, options: Partial<InProcessOptions> = {}) {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  const replicas = await Promise.all(
    Array.from({ length: count }, () =>
      startInProcess(t, {
        AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url, CACHE_DEGRADED_TTL: `${DEGRADED}ms`, ...options
      })
    )
  )
  await until('all follow the log', () => replicas.every(isUp))
  const at = (index: number): InProcess => replicas[index] ?? (() => { throw new Error(`no replica ${index}`) })()
  return { redis, simulator, replicas, at }
}

t.test('on several replicas', async (t) => {
  t.test('a user who was disabled is refused on three replicas', async (t) => {
    // longer than the test waits: Authgear's own refusal would hide a revocation that never came
    const { simulator, replicas, at } = await startFleet(t, 3, { CACHE_TTL: '10m' })
    const times: number[] = []
    for (let n = 0; n < 20; n++) {
      const token = `T${String(n).padStart(31, '0')}`
      simulator.controls.addUser({ id: `user-${n}`, name: `user-${n}`, sessions: [{ accessTokens: [token] }] })
      for (const replica of replicas) t.equal((await verify(replica, token)).status, 200)
      simulator.controls.disable(`user-${n}`)
      const began = performance.now()
      const refused = replicas.map((replica) =>
        until('refused', async () => (await verify(replica, token)).status === 401)
      )
      const outcome = revoke(at(n % 3), user(`user-${n}`, 2000))
      await Promise.all(refused)
      times.push(performance.now() - began)
      t.equal(await outcome, 'logged')
    }
    const sorted = times.toSorted((a, b) => a - b)
    t.comment(
      `from revoke() to refused on all three, asked about every 10 ms: median ${Math.round(sorted[10] ?? NaN)} ms, ` +
        `longest ${Math.round(sorted.at(-1) ?? NaN)} ms`
    )
  })

  for (const [where, index] of [['here', 0], ['on another replica', 1]] as const) {
    t.test(`revoked ${where} during Authgear’s answer: the old identity is never answered`, async (t) => {
      const { redis, simulator, at } = await startFleet(t, 2)
      const gate = simulator.controls.hold('after')
      const mark = parts(at(0)).revocations.snapshot()
      const asking = [1, 2, 3].map(() => verify(at(0), alice.accessToken))
      await gate.arrived(1)
      simulator.controls.disable('alice')
      await revoke(at(index), user(alice.id))
      await until('the replica knows', () => parts(at(0)).revocations.isVoid({ userId: alice.id, digests: [] }, mark))
      gate.release()
      for (const answer of await Promise.all(asking)) {
        t.match(answer, { status: 401, headers: { 'x-forward-auth-reason': 'invalid_session' } })
      }
      t.ok(simulator.counters.resolutions >= 2, 'it was resolved again')
      await until('the lease is given back', async () => await namesIn(redis, 'lease') === 0)
      t.equal((await verify(at(1), alice.accessToken)).status, 401)
    })
  }

  t.test('what another replica remembered is not promoted after a revocation', async (t) => {
    const { redis, at } = await startFleet(t, 3)
    t.equal(sourceOf(await verify(at(0), alice.accessToken)), '200 authgear')
    await until('it is in Redis', async () => await namesIn(redis, 'entry') === 1)
    t.equal(sourceOf(await verify(at(1), alice.accessToken)), '200 redis')
    const mark = parts(at(2)).revocations.snapshot()
    await revoke(at(0), user(alice.id))
    await until('all know', () =>
      [1, 2].every((index) => parts(at(index)).revocations.isVoid({ userId: alice.id, digests: [] }, mark))
    )
    t.equal(sourceOf(await verify(at(2), alice.accessToken)), '200 authgear')
    await until(
      'the new one is there',
      async () =>
        sourceOf(await verify(at(1), alice.accessToken)) === '200 redis' ||
        sourceOf(await verify(at(1), alice.accessToken)) === '200 memory'
    )
  })

  t.test('cut from Redis: memory for CACHE_DEGRADED_TTL, then all that it missed', async (t) => {
    const { redis, simulator, at } = await startFleet(t, 1)
    const relay = await startRelay(t, redis.port)
    const clock = jumpingClock()
    const cut = await startInProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url,
      REDIS_URL: `redis://127.0.0.1:${relay.port}`,
      CACHE_DEGRADED_TTL: `${DEGRADED}ms`,
      clock
    })
    await until('it follows', () => isUp(cut))
    t.equal(sourceOf(await verify(cut, alice.accessToken)), '200 authgear')
    await until('alice is in Redis', async () => (await namesIn(redis, 'entry')) === 1)
    relay.to(undefined)
    clock.jump(STALE)
    t.equal(sourceOf(await verify(at(0), bob.accessToken)), '200 authgear')
    await until('bob is in Redis', async () => (await namesIn(redis, 'entry')) === 2)
    simulator.controls.disable('alice')
    t.equal(await revoke(at(0), user(alice.id)), 'logged')
    t.equal(sourceOf(await verify(cut, alice.accessToken)), '200 memory', 'it cannot know')
    t.equal(sourceOf(await verify(cut, bob.accessToken)), '200 authgear', 'nothing of Redis')
    clock.jump(DEGRADED - STALE)
    t.equal((await verify(cut, alice.accessToken)).status, 401, 'for CACHE_DEGRADED_TTL at most')
    t.equal(sourceOf(await verify(cut, bob.accessToken)), '200 memory', 'what is younger is used')
    const mark = parts(cut).revocations.snapshot()
    t.equal(await revoke(cut, user(bob.id)), 'pending')
    t.ok(parts(cut).revocations.isVoid({ userId: bob.id, digests: [] }, mark))
    const other = parts(at(0)).revocations.snapshot()
    relay.to(redis.port)
    await until('it follows again', () => isUp(cut))
    await until('what was revoked on it has reached the other', () =>
      parts(at(0)).revocations.isVoid({ userId: bob.id, digests: [] }, other)
    )
  })

  t.test('FLUSHALL: nothing remembered is used, and what was revoked stays revoked', async (t) => {
    const { redis, simulator, replicas, at } = await startFleet(t, 2)
    for (const replica of replicas) for (const { accessToken } of [alice, bob]) await verify(replica, accessToken)
    simulator.controls.disable('alice')
    await revoke(at(0), user(alice.id))
    const generation = generationOf(at(0))
    await redis.cli('FLUSHALL')
    await until('a new generation', () =>
      replicas.every((replica) => generationOf(replica) !== generation && isUp(replica))
    )
    for (const replica of replicas) {
      t.not(sourceOf(await verify(replica, bob.accessToken)), '200 memory')
      t.equal((await verify(replica, alice.accessToken)).status, 401)
    }
  })

  t.test('the log is lost and the entries are not: none of them is used', async (t) => {
    const { redis, replicas, at } = await startFleet(t, 2)
    await verify(at(0), alice.accessToken)
    await until('it is in Redis', async () => await namesIn(redis, 'entry') === 1)
    const generation = generationOf(at(0))
    await redis.cli('DEL', ...(await redis.cli('KEYS', '*{log:*') as string[]))
    await until('a new generation', () => replicas.every((replica) => generationOf(replica) !== generation))
    await until('it is trusted', () => replicas.every((replica) => parts(replica).revocations.trustsShared()))
    t.equal(sourceOf(await verify(at(1), alice.accessToken)), '200 authgear')
    t.equal(sourceOf(await verify(at(0), bob.accessToken)), '200 authgear')
  })

  t.test('signing out one session voids it whatever it was sent with, and no other session', async (t) => {
    const { simulator, replicas, at } = await startFleet(t, 2)
    const sent = [
      `session=${alice.cookie}`, `session=${alice.cookie}; app_session=junk`,
      `x=1; session=${alice.cookie}; app_access_token=junk`
    ]
    const asked = async (cookie: string): Promise<void> => {
      for (const { port } of replicas) await ask(port, { path: '/verify', headers: [['Cookie', cookie]] })
    }
    for (const cookie of sent) await asked(cookie)
    await verify(at(1), alice.accessToken)
    const before = simulator.counters.resolutions
    for (const cookie of sent) await asked(cookie)
    t.equal(simulator.counters.resolutions, before, 'all are remembered')
    const { keyer, revocations } = parts(at(0))
    const [sessionId] = keyer
      .digests({
        session: `${alice.cookie.split('.')[0]}.x`,
        bearer: undefined,
        appSession: undefined,
        appAccessToken: undefined
      })
      .slice(-1)
    if (sessionId === undefined) throw new Error('a session has an id')
    const mark = parts(at(1)).revocations.snapshot()
    await revocations.revoke({ target: { kind: 'credential', digest: sessionId }, origin: 'management', quietMs: 0 })
    await until('the other knows', () =>
      parts(at(1)).revocations.isVoid({ userId: undefined, digests: [sessionId] }, mark)
    )
    for (const cookie of sent) {
      const calls = simulator.counters.resolutions
      await asked(cookie)
      t.ok(simulator.counters.resolutions > calls, cookie)
    }
    t.equal(sourceOf(await verify(at(1), alice.accessToken)), '200 memory', 'another credential of hers')
  })

  t.test('quiet: nothing of the user is stored, and no lease is taken, until it has passed', async (t) => {
    const clock = jumpingClock()
    const { redis, simulator, at } = await startFleet(t, 1, { clock })
    await verify(at(0), alice.accessToken)
    await until('in Redis', async () => await namesIn(redis, 'entry') === 1 && await namesIn(redis, 'lease') === 0)
    const [name = ''] = await redis.cli('KEYS', '*:entry') as string[]
    await redis.cli('DEL', name)
    await revoke(at(0), user(alice.id, 60_000))
    const gate = simulator.controls.hold('before')
    const asking = verify(at(0), alice.accessToken)
    await gate.arrived(1)
    t.equal(await namesIn(redis, 'lease'), 0)
    gate.release()
    t.equal(sourceOf(await asking), '200 authgear')
    for (let times = 0; times < 3; times++) t.equal(sourceOf(await verify(at(0), alice.accessToken)), '200 authgear')
    t.equal(sourceOf(await verify(at(0), bob.accessToken)), '200 authgear')
    t.equal(sourceOf(await verify(at(0), bob.accessToken)), '200 memory', 'others are remembered')
    await until('bob is in Redis', async () => await namesIn(redis, 'entry') === 1)
    t.equal(await redis.cli('EXISTS', name), 0, 'and alice is not')
    clock.jump(60_000)
    await until('the log is followed', () => isUp(at(0)))
    t.equal(sourceOf(await verify(at(0), alice.accessToken)), '200 authgear')
    t.equal(sourceOf(await verify(at(0), alice.accessToken)), '200 memory')
    await until('in Redis', async () => await redis.cli('EXISTS', name) === 1)
  })
})

t.test('on one replica, to the millisecond', async (t) => {
  t.test('never remembers a resolution that began in a quiet time, however late it ends', async (t) => {
    const { simulator, adapter, clock, calls } = await startInProcessOnClock(t)
    await revoke(adapter, user(alice.id, 2000))
    clock.advance(1999)
    const gate = simulator.controls.hold('before')
    const asking = verify(adapter, alice.accessToken)
    await gate.arrived(1)
    clock.advance(1)
    await revoke(adapter, user(bob.id, 2000))
    gate.release()
    t.equal(sourceOf(await asking), '200 authgear')
    t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 authgear')
    t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 memory', 'one that began after it is')
    t.equal(calls(), 2)
  })

  for (const [ms, expected] of [[100, 1], [101, 2]] as const) {
    t.test(
      `one who comes ${ms} ms after a quiet flight began ${expected === 1 ? 'joins it' : 'has one of their own'}`,
      async (t) => {
        const { simulator, adapter, clock, calls, waiting } = await startInProcessOnClock(t)
        await revoke(adapter, user(alice.id, 2000))
        const gate = simulator.controls.hold('before')
        const first = verify(adapter, alice.accessToken)
        await gate.arrived(1)
        clock.advance(ms)
        const second = verify(adapter, alice.accessToken)
        await until('it waits', async () => (await waiting()) === 1)
        gate.release()
        t.same([await first, await second].map(({ status }) => status), [200, 200])
        t.equal(calls(), expected)
      }
    )
  }

  t.test('one who comes late to a flight that is not quiet joins it', async (t) => {
    const { simulator, adapter, clock, calls, waiting } = await startInProcessOnClock(t)
    const gate = simulator.controls.hold('before')
    const asking = [verify(adapter, alice.accessToken)]
    await gate.arrived(1)
    clock.advance(1500)
    asking.push(verify(adapter, alice.accessToken))
    await until('it waits', async () => await waiting() === 1)
    gate.release()
    await Promise.all(asking)
    t.equal(calls(), 1)
  })

  t.test('a confirmation that a revocation overtakes is made again', async (t) => {
    const { simulator, adapter, clock, calls } = await startInProcessOnClock(t)
    await verify(adapter, bob.accessToken)
    clock.advance(5001)
    simulator.controls.setRoles('bob', ['admin'])
    const gate = simulator.controls.hold('after')
    const asking = verify(adapter, bob.accessToken, '?role=admin')
    await gate.arrived(1)
    simulator.controls.disable('bob')
    await revoke(adapter, user(bob.id))
    gate.release()
    t.equal((await asking).status, 401, 'the role was his when he was asked about')
    t.ok(calls() >= 3)
  })

  t.test('everything voids what is remembered of everyone, and what is under way', async (t) => {
    const { simulator, adapter } = await startInProcessOnClock(t)
    await verify(adapter, alice.accessToken)
    const gate = simulator.controls.hold('after')
    const asking = verify(adapter, bob.accessToken)
    await gate.arrived(1)
    simulator.controls.disable('bob')
    await revoke(adapter, EVERYTHING)
    gate.release()
    t.equal((await asking).status, 401)
    t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 authgear')
  })

  t.test('revoked again and again until AUTHGEAR_TIMEOUT: 503, and never the old identity', async (t) => {
    const { simulator, adapter, clock } = await startInProcessOnClock(t, { AUTHGEAR_TIMEOUT: '20s' })
    let gate = simulator.controls.hold('after')
    const asking = verify(adapter, alice.accessToken)
    for (const round of [1, 2, 3, 4]) {
      await gate.arrived(1)
      await revoke(adapter, user(alice.id))
      clock.advance(5000)
      if (round < 4) gate = simulator.controls.hold('after') // lets the one before it go
      else gate.release()
    }
    t.match(await asking, { status: 503, headers: { 'x-forward-auth-reason': 'authgear_unavailable' } })
    t.equal(simulator.counters.resolutions, 4)
  })
})
