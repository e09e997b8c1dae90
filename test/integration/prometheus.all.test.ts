import { join } from 'node:path'
import t, { type Test } from 'tap'
import { dashboard } from '../../deploy/grafana/dashboard.ts'
import { ALERTS } from '../../deploy/prometheus/alerts.ts'
import { EVENTS } from '../helpers/event-stream.ts'
import { adminApi, auditEnvironment } from '../helpers/audit.ts'
import { startPrometheus, type Prometheus } from '../helpers/prometheus.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startProcess, type Service } from '../helpers/process.ts'
import { demo, startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import { until } from '../helpers/until.ts'
import { disabledEvent, webhookOf, WEBHOOK_SECRET } from '../helpers/webhook.ts'

const RULES = join(import.meta.dirname, '../../deploy/prometheus/alerts.yml')
const JOB = 'forward-auth'
/** For one scrape a second and a machine that does ten other things. */
const PATIENCE = 60_000

type World = Readonly<{
  simulator: RunningSimulator
  redis: RedisServer
  service: Service
  other: Service
  prometheus: Prometheus
}>

async function start (t: Test): Promise<World> {
  const [simulator, redis] = await Promise.all([startSimulator(t, { adminApi }), startRedis(t)])
  const { certFile, keyFile } = makeTls(t)
  const env = {
    AUTHGEAR_ENDPOINT: simulator.url,
    AUTHGEAR_TIMEOUT: '30s', // what a slow machine fails at is an alert for minutes
    REDIS_URL: redis.url,
    REDIS_TIMEOUT: '5s',
    CACHE_SECRET: 'a secret of the tests, 32 bytes!',
    ...EVENTS,
    AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET,
    LOG_LEVEL: 'error',
    ACCESS_RECORD: 'stdout',
    ...auditEnvironment(simulator.url, '500ms')
  }
  const [service, other] = await Promise.all([
    startProcess(t, env),
    startProcess(t, { ...env, LISTEN_TLS_CERT_FILE: certFile, LISTEN_TLS_KEY_FILE: keyFile })
  ])
  const ports = [service, other].map(({ managementUrl }) => Number(new URL(managementUrl).port))
  return { simulator, redis, service, other, prometheus: await startPrometheus(t, JOB, ports, RULES) }
}

/** Some of everything that can be answered; each time for new people too, so that every source is asked. */
async function traffic ({ service, simulator }: World, turn: number): Promise<void> {
  const bearer = (token: string, path = '/verify') =>
    ask(service.port, { path, headers: [['Authorization', `Bearer ${token}`]] })
  const { accessToken, cookie } = simulator.controls.signIn('alice')
  const id = `user-${turn}`
  simulator.controls.addUser({ id, name: id, sessions: [{ accessTokens: [id] }] })
  // twenty at once share one resolution
  await Promise.all(Array.from({ length: 20 }, () => bearer(accessToken)))
  await Promise.all([
    bearer(demo.bob.accessToken),
    bearer(id),
    bearer('junk'),
    bearer(accessToken, '/verify?role=x'),
    bearer(accessToken, '/verify?no=x'),
    bearer(accessToken, '/elsewhere'),
    ask(service.port, { path: '/verify' })
  ])
  await ask(service.port, webhookOf(disabledEvent(id, id)))
  simulator.controls.signOut(cookie)
}

/** What a busy machine may bring about by itself. */
const SLOW: ReadonlySet<string> = new Set([
  'ForwardAuthEventLoopLag', 'ForwardAuthRevocationsLate', 'ForwardAuthAuthgearQueue'
])

type Panel = Readonly<{ title: string, targets?: ReadonlyArray<Readonly<{ expr: string }>> }>

/** As Grafana would ask. */
const asked = (expr: string): string =>
  expr.replaceAll('$job', JOB).replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m')

const isNumber = ({ value: [, value] }: Awaited<ReturnType<Prometheus['query']>>[number]): boolean =>
  Number.isFinite(Number(value))

t.test('a real Prometheus of two replicas', { skip: skipOrFail('prometheus', 'redis-server') }, async (t) => {
  const world = await start(t)
  const { prometheus, simulator, redis, service } = world
  let turn = 0
  /** Goes on with traffic until it holds. */
  const meanwhile = (what: string, holds: () => Promise<boolean>): Promise<void> =>
    until(
      what,
      async () => {
        await traffic(world, turn++)
        return await holds()
      },
      PATIENCE
    )
  const answersIn = async (expr: string): Promise<boolean> => (await prometheus.query(expr)).some(isNumber)

  await t.test('both are scraped', async (t) => {
    await meanwhile('both are up', async () => (await prometheus.query(`up{job="${JOB}"} == 1`)).length === 2)
    await meanwhile('each sees the other on the log',
      async () => (await prometheus.query('forward_auth_replicas_seen == 2')).length === 2)
    t.equal((await prometheus.query('forward_auth_build_info')).length, 2)
  })

  await t.test('every expression of the dashboard returns numbers', async (t) => {
    const panels = (JSON.parse(dashboard()) as { panels: readonly Panel[] }).panels.filter(
      ({ targets = [] }) => targets.length > 0
    )
    t.ok(panels.length >= 20)
    for (const { title, targets = [] } of panels) {
      for (const { expr } of targets) {
        await meanwhile(`${title}: ${expr}`, () => answersIn(asked(expr)))
        t.ok(await answersIn(asked(expr)), `${title}: ${expr}`)
      }
    }
  })

  await t.test('each start of a replica is a mark on it', async (t) => {
    const { annotations } = JSON.parse(dashboard()) as { annotations: { list: ReadonlyArray<{ expr: string }> } }
    for (const { expr } of annotations.list) t.equal((await prometheus.query(asked(expr))).filter(isNumber).length, 2)
  })

  await t.test('what the alerts compare returns numbers', async (t) => {
    for (const { alert, value } of ALERTS) {
      // of absent() nothing is left in health but the metric itself
      const compared = value.replaceAll('$one', `job="${JOB}"`).replace(/^absent\((.*)\)$/, '$1')
      await meanwhile(`${alert}: ${compared}`, () => answersIn(compared))
      t.ok(await answersIn(compared), alert)
    }
  })

  await t.test("Prometheus has the replica's numbers, and traffic raises no other alert", async (t) => {
    // a bad policy, a certificate of one day, another path
    const expected = ['ForwardAuthBadPolicy', 'ForwardAuthCertificateExpires', 'ForwardAuthWrongPath']
    await meanwhile('only those', async () => {
      const alerts = await prometheus.alerts()
      return (
        alerts.get('ForwardAuthBadPolicy') === 'firing' &&
        Array.from(alerts.keys()).filter((one) => !SLOW.has(one)).toSorted().join() === expected.join()
      )
    })
    const text = (await ask(Number(new URL(service.managementUrl).port), { path: '/metrics' })).body
    const own = Number(
      /^forward_auth_requests_total\{endpoint="verify",status="403",reason="bad_policy",source="memory"\} (\d+)$/m.exec(
        text
      )?.[1]
    )
    await until(
      'the last scrape is as new',
      async () => {
        const [found] = await prometheus.query(
          'max(forward_auth_requests_total{reason="bad_policy",source="memory",endpoint="verify"})'
        )
        return Number(found?.value[1]) === own
      },
      PATIENCE
    )
    t.ok(own > 0)
  })

  await t.test('Authgear fails: its alerts wait for their time', async (t) => {
    simulator.controls.fail('error')
    const expected = ['ForwardAuthAuthgearCircuitOpen', 'ForwardAuthAuthgearErrors', 'ForwardAuthUnavailable']
    await meanwhile('they are pending', async () => {
      const alerts = await prometheus.alerts()
      return expected.every((one) => alerts.get(one) === 'pending')
    })
    t.ok(
      (await prometheus.query('sum(forward_auth_authgear_requests_total{outcome="rejected"})')).every(
        ({ value }) => Number(value[1]) > 0
      )
    )
    simulator.controls.recover()
  })

  await t.test('alerts fire while Redis is down, and while an attacker writes to the log', async (t) => {
    const [stream = ''] = await redis.cli('KEYS', '*:stream') as string[]
    await redis.cli('EVAL', `local head = redis.call('HMGET', KEYS[2], 'gen', 'nonce')
      redis.call('XADD', KEYS[1], '*', 'gen', head[1], 'nonce', 'forged', 'prev', head[2], 'kind', 'credential', 'value', 'x', 'quiet', '0', 'tag', 'forged')
      redis.call('HSET', KEYS[2], 'nonce', 'forged')`, '2', stream, stream.replace(/stream$/, 'head'))
    await until('the forged entry',
      async () => (await prometheus.alerts()).get('ForwardAuthInauthenticRevocations') === 'firing', PATIENCE)
    await redis.stop()
    await until(
      'the outage',
      async () => {
        const alerts = await prometheus.alerts()
        return ['ForwardAuthRedisDown', 'ForwardAuthRevocationLogNotFollowed'].every(
          (one) => alerts.get(one) === 'pending'
        )
      },
      PATIENCE
    )
    t.ok((await prometheus.query('forward_auth_redis_up == 0')).length === 2)
  })

  await t.test('both replicas end: nobody is there', async (t) => {
    await Promise.all([world.service.stop(), world.other.stop()])
    await until(
      'they are missed', async () => (await prometheus.alerts()).get('ForwardAuthAbsent') === 'pending', PATIENCE
    )
    t.equal((await prometheus.query('forward_auth_build_info')).length, 0)
  })
})
