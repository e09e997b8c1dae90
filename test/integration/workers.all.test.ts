import { get } from 'node:http'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startProcess, type Service } from '../helpers/process.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask, type Answer } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'
import { disabledEvent, WEBHOOK_SECRET, webhookOf } from '../helpers/webhook.ts'
import { allServe, metric, metrics, startUnready, startWorkers, type Workers, workersOf } from '../helpers/workers.ts'

const TOKEN = 'a management token of the tests'
const skip = skipOrFail('redis-server')

const start = (t: Test, env: Readonly<Record<string, string>> = {}): Promise<Workers> =>
  startWorkers(t, { AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET, MANAGEMENT_TOKEN: TOKEN, ...env })

/** Answers that were let in, by all workers. */
async function allowed (service: Service): Promise<number> {
  const all = [...await metrics(service)]
  return all.filter(([name]) => name.startsWith('forward_auth_requests_total{') && name.includes('status="200"'))
    .reduce((sum, [, value]) => sum + value, 0)
}

const verify = ({ port }: Service, token: string = demo.alice.accessToken): Promise<Answer> =>
  ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`]] })

const purge = ({ managementUrl }: Service, body: object, token = TOKEN): Promise<Response> =>
  fetch(`${managementUrl}/revocations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body)
  })

type Status = Readonly<{
  state: string
  others: ReadonlyArray<Readonly<{ name: string }>>
  charts: Readonly<Record<string, Readonly<Record<string, Readonly<{ total: number }>>>>>
}>

const status = async ({ managementUrl }: Service): Promise<Status> =>
  await (await fetch(`${managementUrl}/status.json`)).json() as Status

t.test('workers of one replica', { skip }, async (t) => {
  const { service, simulator, redis } = await start(t, {
    // longer than a test waits: Authgear's own refusal would hide a revocation that never came
    CACHE_TTL: '10m', CACHE_DEGRADED_TTL: '10m'
  })
  const REQUESTS = 20
  /** The kernel may give all connections of one round to one worker. */
  let asked = 0
  const statuses = async (token?: string): Promise<ReadonlySet<number>> =>
    new Set(
      (await Promise.all(Array.from({ length: REQUESTS }, () => verify(service, token)))).map(({ status }) => status)
    )

  await t.test('share what Authgear answered, and add up what they count', async (t) => {
    t.equal(workersOf(service).length, 2)
    await until('each has it in memory', async () => {
      t.strictSame(await statuses(), new Set([200]))
      asked += REQUESTS
      return await metric(service, 'forward_auth_cache_entries') >= 2
    })
    t.equal(simulator.counters.resolutions, 1, 'the fleet asks once')
    t.equal(await allowed(service), asked)
    const all = await metrics(service)
    t.equal(all.get('forward_auth_redis_up'), 1)
    t.equal(all.get('forward_auth_workers_wanted'), 2)
    t.ok((all.get('process_start_time_seconds') ?? 0) > 0)
  })

  await t.test('show one status page of the whole', async (t) => {
    await until('the workers have said what they counted', async () => {
      const { charts } = await status(service)
      return charts['requests']?.['allowed']?.total === asked
    })
    t.equal((await status(service)).state, 'serving')
    await until('each by its name', async () => {
      const { others } = await status(service)
      return others.filter(({ name }) => /-w[12]$/.test(name)).length === 2
    })
  })

  await t.test('refuse a user whom a webhook of one of them disabled', async (t) => {
    t.strictSame(await statuses(demo.bob.accessToken), new Set([200]))
    simulator.controls.disable('bob')
    t.equal((await ask(service.port, webhookOf(disabledEvent(demo.bob.id)))).status, 204)
    await until('both refuse', async () => {
      const all = await statuses(demo.bob.accessToken)
      return all.size === 1 && all.has(401)
    })
  })

  await t.test('hold a revocation all together that Redis could not take', async (t) => {
    // of one who was revoked just now nothing is remembered for a while
    const accessToken = 'T'.repeat(32)
    simulator.controls.addUser({ id: 'eve', name: 'eve', sessions: [{ accessTokens: [accessToken] }] })
    t.strictSame(await statuses(accessToken), new Set([200]))
    redis.pause()
    simulator.controls.disable('eve')
    const answer = await ask(service.port, webhookOf(disabledEvent('eve', 'while Redis stands still')))
    t.equal(answer.status, 503, 'Authgear sends it again')
    await until('no worker lets him in', async () => {
      // so many that each worker gets some
      for (let n = 0; n < 10; n++) if ((await statuses(accessToken)).has(200)) return false
      return true
    })
    redis.resume()
    await until('the log is followed again', async () => await metric(service, 'forward_auth_redis_up') === 1)
  })

  await t.test('purge by the one management listener', async (t) => {
    t.equal((await purge(service, { all: true }, 'wrong')).status, 401)
    t.equal((await purge(service, { nobody: true })).status, 400)
    const before = simulator.counters.resolutions
    const answer = await purge(service, { all: true })
    t.equal(answer.status, 200)
    t.match(await answer.json(), { status: 'logged' })
    await until('nothing is remembered', async () => {
      await verify(service)
      return simulator.counters.resolutions > before
    })
  })

  await t.test('one that is killed is replaced, told, and what it counted stays counted', async (t) => {
    const before = await allowed(service)
    const [victim = 0, other = 0] = workersOf(service)
    process.kill(victim, 'SIGKILL')
    for (let n = 0; n < REQUESTS; n++) {
      const { status } = await verify(service).catch(() => ({ status: 0 }))
      t.ok(status === 200 || status === 0, 'the connection that it had may end, and nobody gets a wrong answer')
    }
    await until('it is gone', () => !workersOf(service).includes(victim))
    await allServe(service)
    t.ok(workersOf(service).includes(other))
    t.equal(await metric(service, 'forward_auth_workers_replaced_total'), 1)
    t.ok(await allowed(service) >= before, 'no figure fell')
    t.match(service.logs(), /"ended":"SIGKILL".*"a worker ended: another one takes its place"/)
    t.equal((await verify(service)).status, 200)
  })

  await t.test('a signal to the whole group cuts nobody off', async (t) => {
    const gate = simulator.controls.hold()
    const waiting = verify(service, demo.anonymous.accessToken)
    await gate.arrived(1)
    for (const pid of [...workersOf(service), service.pid]) process.kill(pid, 'SIGTERM')
    await until('it ends', () => service.logs().includes('"shutting down"'))
    gate.release()
    t.equal((await waiting).status, 200)
    t.equal(await service.ended, 0)
    t.match(service.logs(), /"shut down"/)
  })
})

t.test('workers that cannot listen end the replica, which says why', { skip }, async (t) => {
  const redis = await startRedis(t)
  const squatter = createServer().listen(0, '127.0.0.1')
  await once(squatter, 'listening')
  t.teardown(() => squatter.close())
  const address = squatter.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const child = await startUnready(t, {
    AUTHGEAR_ENDPOINT: 'https://a.example',
    REDIS_URL: redis.url,
    LISTEN: `127.0.0.1:${port}`,
    MANAGEMENT_LISTEN: 'off'
  }, (output) => output !== '')
  t.equal(await child.ended, 1)
  t.match(child.output(), /"worker":[12].*EADDRINUSE.*"cannot start"/)
  t.match(child.output(), /worker [12] ended at its start/)
})

t.test('workers share a socket file, and a predecessor that was killed left one', { skip }, async (t) => {
  const path = join(tempDir(t, 'workers'), 'verify.sock')
  const { service, environment } = await start(t, { LISTEN: `unix:${path}` })
  const overSocket = (): Promise<number> => new Promise((resolve, reject) => {
    const headers = { host: 'app.example.com', authorization: `Bearer ${demo.alice.accessToken}` }
    get({ socketPath: path, path: '/verify', headers, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    }).once('error', reject)
  })
  t.equal(await overSocket(), 200)
  await service.kill()
  const next = await startProcess(t, environment)
  await allServe(next)
  t.equal(await overSocket(), 200)
})
