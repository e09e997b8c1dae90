import t, { type Test } from 'tap'
import type { FailureMode } from '../../deploy/demo/authgear-simulator/server.mjs'
import { startInProcess, type InProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { checkInvariants } from '../helpers/invariants.ts'
import { NOW } from '../helpers/jwt.ts'
import { manualClock, type ManualClock } from '../helpers/manual-clock.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { demo, startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import { until } from '../helpers/until.ts'
import {
  WITH_GRPC, startInProcessOver, type Answered, type Protocol, type InProcessOver
} from '../helpers/in-process-over.ts'

const tls = makeTls(t)
/** CACHE_NEGATIVE_TTL, milliseconds. */
const NEGATIVE = 5000
const { bob, alice } = demo

interface World {
  readonly simulator: RunningSimulator
  readonly verifier: InProcessOver
  readonly clock: ManualClock
  /** Asks as bob, who has no role to begin with. */
  readonly ask: (policy: string) => Promise<Answered>
  readonly calls: () => number
}

async function start (t: Test, protocol: Protocol, options: Partial<InProcessOptions> = {}): Promise<World> {
  const simulator = await startSimulator(t)
  const clock = manualClock()
  const verifier = await startInProcessOver(t, protocol, tls, {
    AUTHGEAR_ENDPOINT: simulator.url, CACHE_NEGATIVE_TTL: `${NEGATIVE}ms`, clock, ...options
  })
  const ask = async (policy: string): Promise<Answered> => {
    const answered = await verifier.ask({
      path: `/verify?${policy}`, headers: { authorization: `Bearer ${bob.accessToken}` }
    })
    checkInvariants(t, answered, { realm: simulator.url })
    return answered
  }
  return { simulator, verifier, clock, ask, calls: () => simulator.counters.resolutions }
}

async function counted (verifier: Pick<InProcess, 'service'>, line: string): Promise<number> {
  const found = (await verifier.service.metrics.render()).split('\n').find((one) => one.startsWith(`${line} `))
  return Number(found?.slice(line.length))
}

for (const protocol of WITH_GRPC) {
  t.test(`a refusal from an older resolution, over ${protocol}`, async (t) => {
    await t.test('a role just given counts once the resolution is older than CACHE_NEGATIVE_TTL', async (t) => {
      const { simulator, ask, calls, clock } = await start(t, protocol)
      t.equal((await ask('')).status, 200)
      simulator.controls.setRoles('bob', ['admin'])
      for (const age of [0, 1, NEGATIVE]) {
        clock.advance(age === NEGATIVE ? NEGATIVE - 1 : age)
        t.equal((await ask('role=admin')).status, 403, 'not yet')
      }
      t.equal(calls(), 1)
      clock.advance(1)
      const answered = await ask('role=admin')
      t.match(answered, {
        status: 200, headers: { 'x-forward-auth-source': 'authgear', 'x-authgear-user-roles': 'admin' }
      })
      t.equal(calls(), 2)
      t.match(
        await ask('role=admin'), { status: 200, headers: { 'x-forward-auth-source': 'memory' } }, 'and is remembered'
      )
      t.equal(calls(), 2)
    })

    await t.test('a session that ended meanwhile is no session', async (t) => {
      const { simulator, ask, calls, clock } = await start(t, protocol)
      await ask('')
      simulator.controls.revoke(bob.accessToken)
      clock.advance(NEGATIVE + 1)
      t.match(await ask('role=admin'), {
        status: 401,
        headers: { 'x-forward-auth-reason': 'invalid_session', 'www-authenticate': /error="invalid_token"$/ }
      })
      t.match(
        await ask(''), { status: 401, headers: { 'x-forward-auth-reason': 'invalid_session' } }, 'for every policy'
      )
      t.equal(calls(), 3, 'no verdict at all was asked for once more')
    })

    const DOWN: ReadonlyArray<readonly [what: string, mode: FailureMode]> = [
      ['answers 500', 'error'],
      ['resets', 'reset'],
      ['hangs', 'hang'],
      ['is not the resolver', 'not-found'],
      ['redirects', 'redirect'],
      ['answers garbage', 'garbage-header'],
      ['is not HTTP', 'not-http']
    ]
    for (const [what, mode] of protocol === 'HTTP/1.1' ? DOWN : DOWN.slice(0, 1)) {
      await t.test(`Authgear ${what} while it is asked to confirm: the refusal stands`, async (t) => {
        const impatient = mode === 'hang' ? { AUTHGEAR_TIMEOUT: '1s' } : {}
        const { simulator, ask, clock, verifier } = await start(t, protocol, impatient)
        await ask('')
        clock.advance(NEGATIVE + 1)
        simulator.controls.setRoles('bob', ['admin'])
        simulator.controls.fail(mode)
        const parallel = await Promise.all(Array.from({ length: 8 }, async () => await ask('role=admin')))
        for (const answered of parallel) {
          t.match(answered, { status: 403, headers: { 'x-forward-auth-reason': 'forbidden' } })
        }
        t.match(await ask('amr=mfa'), { status: 401, headers: { 'x-forward-auth-reason': 'step_up_required' } })
        t.match(await ask(''), { status: 200, headers: { 'x-forward-auth-source': 'memory' } },
          'who is remembered is served')
        t.same(new Set(verifier.lines.filter(({ status }) => status === 403).map(({ source }) => source)),
          new Set(['memory']))
      })
    }

    if (protocol !== 'HTTP/1.1') return // what follows is the same for all of them

    await t.test('one call for all who are refused at once, whatever they ask', async (t) => {
      const { simulator, verifier, ask, calls, clock } = await start(t, protocol)
      await ask('')
      simulator.controls.setRoles('bob', ['admin'])
      clock.advance(NEGATIVE + 1)
      const hold = simulator.controls.hold('before')
      const policies = ['role=admin', 'role=admin,owner', 'role=owner', 'verified=true', 'amr=mfa']
      const asking = Array.from({ length: 40 }, async (_, index) => (await ask(policies[index % 5] ?? '')).status)
      await hold.arrived(1)
      await until('39 wait for the one',
        async () => (await counted(verifier, 'forward_auth_coalesced_total{scope="process"}')) === 39)
      t.equal((await ask('')).status, 200, 'who asks for less is served from memory meanwhile')
      hold.release()
      const statuses = await Promise.all(asking)
      t.equal(calls(), 2)
      t.same(new Set(statuses.map((status, index) => `${policies[index % 5]} ${status}`)),
        new Set(['role=admin 200', 'role=admin,owner 200', 'role=owner 403', 'verified=true 403', 'amr=mfa 401']))
    })

    await t.test('a step-up just made counts', async (t) => {
      const { simulator, ask, calls, clock } = await start(t, protocol)
      const session = (at: number, amr: readonly string[]) =>
        simulator.controls.addUser({
          id: bob.id, name: 'bob', sessions: [{ accessTokens: [bob.accessToken], authenticatedAt: at, amr }]
        })
      session(NOW / 1000 - 1000, ['pwd'])
      t.equal((await ask('max_age=60')).status, 401)
      session(NOW / 1000 + 3, ['pwd', 'mfa'])
      clock.advance(NEGATIVE)
      t.match(await ask('max_age=60&amr=mfa'), {
        status: 401, headers: { 'www-authenticate': /insufficient_user_authentication/ }
      })
      t.equal(calls(), 1)
      clock.advance(1)
      t.equal((await ask('max_age=60&amr=mfa')).status, 200)
      t.equal(calls(), 2)
    })

    for (const [policy, status] of [['role=admin', 403], ['amr=mfa', 401]] as const) {
      await t.test(`a confirmed refusal (${policy}) is not asked again within CACHE_NEGATIVE_TTL`, async (t) => {
        const { ask, calls, clock, verifier } = await start(t, protocol)
        await ask('')
        clock.advance(NEGATIVE + 1)
        for (let round = 2; round < 5; round++) {
          for (const step of [0, 1, NEGATIVE - 1]) {
            clock.advance(step)
            t.equal((await ask(policy)).status, status)
            t.equal(calls(), round)
          }
          clock.advance(1)
        }
        const sources = verifier.lines.filter(({ status: one }) => one === status).map(({ source }) => source)
        t.same(sources, new Array(3).fill(['authgear', 'memory', 'memory']).flat(), 'the log says where it comes from')
      })
    }

    await t.test('a role taken meanwhile opens for as long as the resolution lives, then not', async (t) => {
      const { simulator, verifier, clock, calls } = await start(t, protocol)
      const asAlice = async (policy: string) =>
        await verifier.ask({ path: `/verify?${policy}`, headers: { authorization: `Bearer ${alice.accessToken}` } })
      await asAlice('')
      simulator.controls.setRoles('alice', [])
      for (let age = 0; age < 26; age += 5) {
        t.match(await asAlice('role=admin'), { status: 200, headers: { 'x-forward-auth-source': 'memory' } },
          'one who may pass is never confirmed')
        clock.advance(5000)
      }
      t.equal(calls(), 1)
      t.equal((await asAlice('role=owner')).status, 403, 'somebody’s refusal brings the news for all')
      t.equal((await asAlice('role=admin')).status, 403)
      t.equal(calls(), 2)
    })

    await t.test('no verdict at all, once, is a hiccup and ends no session', async (t) => {
      const { simulator, ask, calls, clock } = await start(t, protocol)
      await ask('')
      simulator.controls.fail('silent', 1)
      clock.advance(NEGATIVE + 1)
      t.match(await ask('role=admin'), { status: 403, headers: { 'x-forward-auth-reason': 'forbidden' } })
      t.match(await ask(''), { status: 200, headers: { 'x-forward-auth-source': 'memory' } })
      t.equal(calls(), 3)
    })

    await t.test('what cannot change is not confirmed: a bad policy, no session', async (t) => {
      const { verifier, ask, calls, clock } = await start(t, protocol, { CACHE_NEGATIVE_TTL: '0' })
      await ask('')
      clock.advance(20_000)
      for (let times = 0; times < 3; times++) t.equal((await ask('rolle=admin')).status, 403)
      t.equal(calls(), 1)
      t.equal((await verifier.ask({ path: '/verify?role=admin' })).status, 401)
      t.equal(calls(), 1)
    })

    await t.test('without a cache every refusal is fresh: one call each', async (t) => {
      const { ask, calls } = await start(t, protocol, { CACHE_TTL: '0' })
      for (let times = 1; times < 4; times++) {
        t.equal((await ask('role=admin')).status, 403)
        t.equal(calls(), times)
      }
    })

    await t.test('refusals stand while the breaker is open; a role counts when Authgear is back', async (t) => {
      const { simulator, verifier, ask, clock, calls } = await start(t, protocol)
      await ask('')
      simulator.controls.fail('reset')
      for (let index = 0; verifier.service.authgearState() === 'ok' && index < 50; index++) {
        t.equal(
          (await verifier.ask({ headers: { authorization: `Bearer ${String(index).padStart(32, 'x')}` } })).status,
          503
        )
      }
      t.equal(verifier.service.authgearState(), 'failing')
      clock.advance(NEGATIVE + 1)
      const before = calls()
      for (let times = 0; times < 5; times++) t.equal((await ask('role=admin')).status, 403)
      t.ok(calls() - before <= 2, 'at most a probe goes out')
      simulator.controls.recover()
      simulator.controls.setRoles('bob', ['admin'])
      await until('a probe closes the breaker', async () => (await ask('role=admin')).status === 200)
    })
  })
}

t.test('a cookie’s refusal is confirmed as a bearer’s is', async (t) => {
  const { simulator, verifier, clock, calls } = await start(t, 'HTTP/1.1')
  const asked = { path: '/verify?role=admin', headers: { cookie: `session=${bob.cookie}` } }
  t.equal((await verifier.ask(asked)).status, 403)
  simulator.controls.setRoles('bob', ['admin'])
  clock.advance(NEGATIVE + 1)
  t.equal((await verifier.ask(asked)).status, 200)
  t.equal(calls(), 2)
})

t.test('two replicas on one Redis', async (t) => {
  const redis = await startRedis(t)

  async function startTwo (t: Test) {
    await redis.cli('FLUSHALL')
    const simulator = await startSimulator(t)
    const clocks = [manualClock(), manualClock()] as const
    const replicas = await Promise.all(
      clocks.map((clock) =>
        startInProcess(t, {
          AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url, CACHE_NEGATIVE_TTL: `${NEGATIVE}ms`, clock
        })
      )
    )
    const following = (): Promise<void> =>
      until('both follow the log', () => replicas.every(({ service }) => service.redisState() === 'up'))
    await following()
    const asked = async (index: 0 | 1, policy: string) => {
      const { status, headers } = await ask(replicas[index]?.port ?? 0, {
        path: `/verify?${policy}`, headers: [['Authorization', `Bearer ${bob.accessToken}`]]
      })
      return `${status} ${headers['x-forward-auth-source'] ?? 'refused'}`
    }
    /** Redis’ own clock is what an entry’s life there goes by; the replicas’ stand still. */
    const age = async (ms: number): Promise<void> => {
      for (const clock of clocks) clock.advance(ms)
      const [key = ''] = await redis.cli('KEYS', '*:entry') as string[]
      await redis.cli('PEXPIRE', key, String(Number(await redis.cli('PTTL', key)) - ms))
      await following() // a clock that jumped is that of a frozen machine
    }
    const written = (): Promise<void> => until('it is in Redis, and the lease is given back', async () => {
      const names = await redis.cli('KEYS', '*}:*') as string[]
      return names.some((name) => name.endsWith(':entry')) && !names.some((name) => name.endsWith(':lease'))
    })
    const waiting = async (): Promise<number> =>
      (await Promise.all(replicas.map((one) => counted(one, 'forward_auth_coalesced_total{scope="process"}')))).reduce(
        (sum, count) => sum + count
      )
    return { simulator, asked, age, written, waiting }
  }

  await t.test('a fresh value of the other replica confirms without a call, an older does not', async (t) => {
    const { simulator, asked, age, written } = await startTwo(t)
    t.equal(await asked(0, ''), '200 authgear')
    await written()
    t.equal(await asked(1, ''), '200 redis')
    simulator.controls.setRoles('bob', ['admin'])
    t.equal(await asked(1, 'role=admin'), '403 refused')
    await age(NEGATIVE + 1500)
    t.equal(simulator.counters.resolutions, 1)
    t.equal(await asked(0, 'role=admin'), '200 authgear', 'what is in Redis is as old as what it remembers')
    t.equal(simulator.counters.resolutions, 2)
    t.equal(await asked(1, 'role=admin'), '200 redis', 'what is there now is not')
    t.equal(await asked(1, 'role=admin'), '200 memory')
    t.equal(simulator.counters.resolutions, 2)
  })

  await t.test('refused on both at once: one call', async (t) => {
    const { simulator, asked, age, written, waiting } = await startTwo(t)
    await asked(0, '')
    await written()
    await asked(1, '')
    simulator.controls.setRoles('bob', ['admin'])
    await age(NEGATIVE + 1500)
    const hold = simulator.controls.hold('before')
    const asking = Array.from({ length: 20 }, async (_, index) => await asked(index % 2 === 0 ? 0 : 1, 'role=admin'))
    await hold.arrived(1)
    await until('all others wait', async () => await waiting() === 18)
    hold.release()
    t.same(new Set(await Promise.all(asking)), new Set(['200 authgear', '200 redis']))
    t.equal(simulator.counters.resolutions, 2)
  })

  await t.test('Redis gone during the confirmation: Authgear is asked', async (t) => {
    const { simulator, asked, age, written } = await startTwo(t)
    await asked(0, '')
    await written()
    await age(NEGATIVE + 1500)
    simulator.controls.setRoles('bob', ['admin'])
    await redis.stop()
    t.equal(await asked(0, 'role=admin'), '200 authgear')
    t.equal(simulator.counters.resolutions, 2)
  })
})
