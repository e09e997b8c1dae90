import t, { type Test } from 'tap'
import type { FailureMode } from '../../deploy/demo/authgear-simulator/server.mjs'
import { demoJwt } from '../../deploy/demo/authgear-simulator/tokens.mjs'
import { startInProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { metricOf, sourceOf, startInProcessOnClock, verify } from '../helpers/in-process-on-clock.ts'
import { checkInvariants } from '../helpers/invariants.ts'
import { EVERYTHING, user } from '../helpers/log-entry.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { startRedis } from '../helpers/redis.ts'
import { startRelay } from '../helpers/relay.ts'
import { ask } from '../helpers/request.ts'
import { SILENCE, VALID } from '../helpers/resolver.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { jumpingClock } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'
import { answering, startUpstream } from '../helpers/upstream.ts'

const { alice, bob } = demo
/** CACHE_TTL and CACHE_STALE_IF_ERROR */
const TTL = 30_000
const STALE = 60_000
/** By how much a life may be shorter than CACHE_TTL. */
const JITTER = TTL / 10 + 1
const OPTIONS = { CACHE_TTL: `${TTL}ms`, CACHE_STALE_IF_ERROR: `${STALE}ms`, AUTHGEAR_TIMEOUT: '1s' } as const

/** Alice is remembered, and her entry has ended. */
async function start (t: Test, options: Partial<InProcessOptions> = {}) {
  const world = await startInProcessOnClock(t, { ...OPTIONS, ...options })
  t.equal(sourceOf(await verify(world.adapter, alice.accessToken)), '200 authgear')
  world.clock.advance(TTL)
  return world
}

const outages: readonly FailureMode[] = ['reset', 'hang']
const answered: readonly FailureMode[] = ['error', 'not-found', 'redirect', 'not-http', 'garbage-header']

t.test('accepts a valid session past its life while Authgear cannot be reached', async (t) => {
  for (const mode of outages) {
    const { adapter, simulator, clock } = await start(t)
    simulator.controls.fail(mode)
    const answer = await verify(adapter, alice.accessToken)
    t.match(
      answer,
      {
        status: 200,
        headers: {
          'x-authgear-user-id': alice.id, 'x-forward-auth-reason': 'allowed_stale', 'x-forward-auth-source': 'memory'
        }
      },
      mode
    )
    checkInvariants(t, answer, { realm: simulator.url })
    t.equal((await verify(adapter, bob.accessToken)).status, 503, 'who is not remembered is not known')
    clock.advance(STALE - JITTER)
    t.equal((await verify(adapter, alice.accessToken)).status, 200)
    clock.advance(JITTER)
    t.equal((await verify(adapter, alice.accessToken)).status, 503, 'for CACHE_STALE_IF_ERROR and no longer')
    t.ok(
      (await metricOf(
        adapter, 'forward_auth_requests_total{endpoint="verify",status="200",reason="allowed_stale",source="memory"}'
      )) >= 2
    )
  }
})

t.test('open breaker: it is accepted at once, without a request', async (t) => {
  const { adapter, simulator, calls } = await start(t)
  simulator.controls.fail('reset')
  for (let i = 0; i < 5; i++) await verify(adapter, `T${i}`.padEnd(32, '0'))
  const before = calls()
  t.equal((await verify(adapter, alice.accessToken)).headers['x-forward-auth-reason'], 'allowed_stale')
  t.equal(calls(), before)
})

t.test('when Authgear is back, it is asked', async (t) => {
  const { adapter, simulator } = await start(t)
  simulator.controls.fail('reset', 2) // one, and its retry
  t.equal((await verify(adapter, alice.accessToken)).headers['x-forward-auth-reason'], 'allowed_stale')
  t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 authgear')
})

t.test('an answered error may be about this very session: 503', async (t) => {
  for (const mode of answered) {
    const { adapter, simulator } = await start(t)
    simulator.controls.fail(mode)
    t.equal((await verify(adapter, alice.accessToken)).status, 503, mode)
  }
})

t.test('an outage after no result for a token accepts nothing: it may have ended', async (t) => {
  for (const outage of ['reset', 'hang'] as const) {
    const upstream = await startUpstream(t, answering(VALID, SILENCE, outage))
    const clock = manualClock()
    const adapter = await startInProcess(t, { ...OPTIONS, AUTHGEAR_ENDPOINT: `http://127.0.0.1:${upstream.port}`, clock })
    t.equal(sourceOf(await verify(adapter, alice.accessToken)), '200 authgear')
    clock.advance(TTL)
    for (const time of ['at once', 'nor later, in the same outage']) {
      t.equal(sourceOf(await verify(adapter, alice.accessToken)), '503 authgear_unavailable', `${outage}: ${time}`)
    }
  }
})

t.test('a client whose requests a firewall drops is no outage, while others are answered', async (t) => {
  const upstream = await startUpstream(t, (socket, request) => {
    if (request.header('user-agent') !== 'dropped') socket.write(VALID)
  })
  const clock = manualClock()
  const { port } = await startInProcess(t, { ...OPTIONS, AUTHGEAR_ENDPOINT: `http://127.0.0.1:${upstream.port}`, clock })
  const reasonOf = async (token: string, userAgent = 'any'): Promise<unknown> => (await ask(port, {
    path: '/verify', headers: [['Authorization', `Bearer ${token}`], ['User-Agent', userAgent]]
  })).headers['x-forward-auth-reason']
  t.equal(await reasonOf(alice.accessToken), 'allowed')
  clock.advance(TTL)
  const said: unknown[] = []
  for (let n = 0; n < 6; n++) {
    said.push(await reasonOf(alice.accessToken, 'dropped'))
    t.equal(await reasonOf(`T${n}`.padEnd(32, '0')), 'allowed')
  }
  t.strictSame(said, [...Array(3).fill('allowed_stale'), ...Array(3).fill('authgear_unavailable')])
  t.equal(await reasonOf(alice.accessToken), 'allowed')
})

t.test('off, there is nothing past the life', async (t) => {
  const { adapter, simulator } = await start(t, { CACHE_STALE_IF_ERROR: '0' })
  simulator.controls.fail('reset')
  t.equal((await verify(adapter, alice.accessToken)).status, 503)
})

t.test('a session that was revoked is not accepted, whatever was revoked', async (t) => {
  for (const revocation of [user(alice.id), EVERYTHING]) {
    const { adapter, simulator } = await start(t)
    simulator.controls.fail('reset')
    await adapter.service.revocations?.revocations.revoke(revocation)
    t.equal((await verify(adapter, alice.accessToken)).status, 503, revocation.target.kind)
  }
})

t.test('a session that Authgear refused when it was last asked is not accepted', async (t) => {
  for (const negativeTtlMs of [5000, 0]) {
    const { adapter, simulator, clock } = await start(t, { CACHE_NEGATIVE_TTL: `${negativeTtlMs}ms` })
    simulator.controls.disable('alice')
    t.equal((await verify(adapter, alice.accessToken)).status, 401)
    clock.advance(6000)
    simulator.controls.fail('reset')
    t.equal((await verify(adapter, alice.accessToken)).status, 503, `CACHE_NEGATIVE_TTL ${negativeTtlMs}`)
  }
})

t.test('a policy judges what was known: an outage can refuse, never grant', async (t) => {
  const { adapter, simulator } = await start(t)
  simulator.controls.fail('reset')
  t.equal((await verify(adapter, alice.accessToken, '?role=admin')).status, 200)
  t.equal((await verify(adapter, alice.accessToken, '?role=owner')).status, 403)
  t.equal((await verify(adapter, alice.accessToken, '?max_age=1')).status, 401,
    'a recent sign-in is not recent by being old')
})

t.test('never past a token’s own end', async (t) => {
  const { adapter, simulator, clock } = await startInProcessOnClock(t, OPTIONS)
  const token = demoJwt({ sub: alice.id, aud: simulator.url, exp: clock.wall() / 1000 + 40 })
  simulator.controls.addUser({ id: alice.id, name: 'alice', sessions: [{ accessTokens: [token] }] })
  t.equal(sourceOf(await verify(adapter, token)), '200 authgear')
  simulator.controls.fail('reset')
  clock.advance(TTL + 9000)
  t.equal((await verify(adapter, token)).headers['x-forward-auth-reason'], 'allowed_stale')
  clock.advance(1000)
  t.equal((await verify(adapter, token)).status, 503, 'its last second is over')
})

t.test('/identify says who it was, and nothing of who is not remembered', async (t) => {
  const { adapter, simulator } = await start(t, { IDENTIFY_LISTEN: '127.0.0.1:0' })
  const identify = (token: string) =>
    ask(adapter.identifyPort, { path: '/identify', headers: [['Authorization', `Bearer ${token}`]] })
  simulator.controls.fail('reset')
  t.match(await identify(alice.accessToken), {
    status: 200, headers: { 'x-authgear-user-id': alice.id, 'x-forward-auth-reason': 'allowed_stale' }
  })
  t.equal((await identify(bob.accessToken)).status, 503)
})

t.test('a replica that does not follow the log accepts nothing past its life', async (t) => {
  const redis = await startRedis(t)
  const relay = await startRelay(t, redis.port)
  const simulator = await startSimulator(t)
  const clock = jumpingClock()
  const replica = await startInProcess(t, {
    ...OPTIONS,
    AUTHGEAR_ENDPOINT: simulator.url,
    REDIS_URL: `redis://127.0.0.1:${relay.port}`,
    clock,
    CACHE_DEGRADED_TTL: `${TTL}ms`
  })
  const follows = (): boolean => replica.service.redisState() === 'up'
  await until('it follows', follows)
  await verify(replica, alice.accessToken)
  simulator.controls.fail('reset')
  await until('it is in Redis', async () => ((await redis.cli('KEYS', '*:entry')) as string[]).length === 1)
  await redis.cli('DEL', ...((await redis.cli('KEYS', '*:entry')) as string[])) // as its own clock would
  clock.jump(TTL)
  await until('it follows again', follows)
  t.equal((await verify(replica, alice.accessToken)).headers['x-forward-auth-reason'], 'allowed_stale')
  relay.to(undefined)
  clock.jump(3000)
  t.equal((await verify(replica, alice.accessToken)).status, 503)
  relay.to(redis.port)
  await until('it follows again', follows)
  t.equal((await verify(replica, alice.accessToken)).headers['x-forward-auth-reason'], 'allowed_stale',
    'and nothing was missed')
})
