import t, { type Test } from 'tap'
import { startInProcess, type InProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { metricOf, sourceOf, verify } from '../helpers/in-process-on-clock.ts'
import { freePort } from '../helpers/free-port.ts'
import { user } from '../helpers/log-entry.ts'
import { startRedis } from '../helpers/redis.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { jumpingClock } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

const { alice } = demo
const TIMEOUT_MS = 30_000

const redisReads = (replica: InProcess): Promise<number> =>
  metricOf(replica, 'forward_auth_cache_reads_total{tier="redis",outcome="miss"}')

/** Two replicas on one Redis; the first asks Authgear about Alice, which does not answer until `gate` is released. */
async function start (t: Test, second: Partial<InProcessOptions> = {}) {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  const clock = jumpingClock()
  const options = {
    AUTHGEAR_ENDPOINT: simulator.url,
    REDIS_URL: redis.url,
    clock,
    AUTHGEAR_TIMEOUT: `${TIMEOUT_MS}ms`,
    leaseMs: TIMEOUT_MS
  }
  const [holder, loser] = await Promise.all([
    startInProcess(t, options), startInProcess(t, { ...options, leaseWaitMs: TIMEOUT_MS, ...second })
  ])
  await until('both follow', () => [holder, loser].every(({ service }) => service.redisState() === 'up'))
  const gate = simulator.controls.hold('after')
  const holding = verify(holder, alice.accessToken)
  await gate.arrived(1)
  return { simulator, clock, gate, holder, loser, holding }
}

t.test('a caller that waited in vain', async (t) => {
  t.test('has a whole AUTHGEAR_TIMEOUT, also where a revocation overtakes its answer', async (t) => {
    const { simulator, clock, gate, loser, holding } = await start(t)
    const before = await redisReads(loser)
    const waiting = verify(loser, alice.accessToken)
    await until('it looked', async () => await redisReads(loser) > before)
    clock.jump(TIMEOUT_MS)
    await gate.arrived(2)
    await loser.service.revocations?.revocations.revoke(user(alice.id))
    gate.release()
    t.equal(sourceOf(await waiting), '200 authgear', 'it is asked again, not 503')
    await holding
    t.equal(simulator.counters.resolutions, 3)
  })

  t.test('does not wait for long while its own circuit breaker is open', async (t) => {
    const nobody = await freePort()
    const resolverUrl = `http://127.0.0.1:${nobody}/resolve`
    const { clock, gate, loser, holding } = await start(t, { AUTHGEAR_RESOLVER_URL: resolverUrl, leaseWaitMs: 600_000 })
    for (let failure = 0; failure < 5; failure++) await verify(loser, `${failure}`.repeat(32))
    t.equal(loser.service.authgearState(), 'failing')
    const before = await redisReads(loser)
    const waiting = verify(loser, alice.accessToken)
    await until('it looked', async () => await redisReads(loser) > before)
    clock.jump(300)
    t.equal(sourceOf(await waiting), '503 authgear_unavailable')
    gate.release()
    await holding
  })
})
