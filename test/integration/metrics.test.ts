import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask, type Asked } from '../helpers/request.ts'
import { runs } from '../helpers/runs.ts'
import { allMetrics, seriesOf } from '../helpers/series.ts'
import { mustFind, skipOrFail } from '../helpers/servers.ts'
import { startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { disabledEvent, webhookOf, WEBHOOK_SECRET } from '../helpers/webhook.ts'

/** docs/monitoring.md, "Metrics": name → its labels, and the values that are there before anything happens. */
const INTERFACE: ReadonlyArray<readonly [name: string, type: string, labels: readonly string[]]> = [
  ['forward_auth_requests_total', 'counter', ['endpoint', 'status', 'reason', 'source']],
  ['forward_auth_request_duration_seconds', 'histogram', ['source', 'le']],
  ['forward_auth_authgear_requests_total', 'counter', ['outcome']],
  ['forward_auth_authgear_request_duration_seconds', 'histogram', ['le']],
  ['forward_auth_authgear_in_flight', 'gauge', []],
  ['forward_auth_authgear_queued', 'gauge', []],
  ['forward_auth_authgear_circuit_open', 'gauge', []],
  ['forward_auth_cache_reads_total', 'counter', ['tier', 'outcome']],
  ['forward_auth_cache_entries', 'gauge', []],
  ['forward_auth_cache_bytes', 'gauge', []],
  ['forward_auth_cache_max_bytes', 'gauge', []],
  ['forward_auth_coalesced_total', 'counter', ['scope']],
  ['forward_auth_redis_up', 'gauge', []],
  ['forward_auth_redis_errors_total', 'counter', ['operation']],
  ['forward_auth_revocations_total', 'counter', ['origin']],
  ['forward_auth_revocation_log_connected', 'gauge', []],
  ['forward_auth_revocation_log_lag_seconds', 'histogram', ['le']],
  ['forward_auth_replicas_seen', 'gauge', []],
  ['forward_auth_build_info', 'gauge', ['version']],
  ['process_cpu_seconds_total', 'counter', []],
  ['process_resident_memory_bytes', 'gauge', []],
  ['nodejs_eventloop_lag_p99_seconds', 'gauge', []]
]

t.test('every metric is there from the start, with its labels and a help text', async (t) => {
  const text = await allMetrics().render()
  for (const [name, type, labels] of INTERFACE) {
    t.match(text, new RegExp(`^# HELP ${name} .{10,}\n# TYPE ${name} ${type}$`, 'm'), name)
    const series = Array.from(seriesOf(text).keys()).filter((one) => new RegExp(`^${name}(_bucket)?(\\{|$)`).test(one))
    t.ok(series.length > 0, `${name} has a value from the start`)
    for (const one of series) {
      t.strictSame(Array.from(one.matchAll(/(\w+)="/g), ([, label]) => label).toSorted(), labels.toSorted(), one)
    }
  }
})

t.test('latency is counted in buckets from 50 µs to 5 s, as wholes and without exemplars', async (t) => {
  const metrics = allMetrics()
  for (const seconds of [0.00004, 0.00005, 0.0007, 4, 6]) metrics.request('verify', 200, 'allowed', 'memory', seconds)
  const text = await metrics.render()
  const bounds = Array.from(
    text.matchAll(/^forward_auth_request_duration_seconds_bucket\{le="([^"]+)",source="memory"\} (\d+)$/gm),
    ([, bound, count]) => [bound, Number(count)]
  )
  t.strictSame([bounds[0], bounds.at(-2), bounds.at(-1)], [['0.00005', 2], ['5', 4], ['+Inf', 5]])
  t.equal(seriesOf(text).get('forward_auth_request_duration_seconds_count{source="memory"}'), 5)
  t.notMatch(text, / # \{/, 'no exemplars')
})

t.test('promtool finds nothing to complain of', { skip: skipOrFail('promtool') }, async (t) => {
  const metrics = allMetrics()
  metrics.request('verify', 200, 'allowed', 'memory', 0.001)
  metrics.authenticate.coalesced('process')
  metrics.revocations.lag(1)
  t.equal(
    execFileSync(mustFind('promtool'), ['check', 'metrics'], { input: await metrics.render(), encoding: 'utf8' }), ''
  )
  t.throws(() => execFileSync(mustFind('promtool'), ['check', 'metrics'], { input: 'wrong_total 1\n', stdio: 'pipe' }),
    'and would, if there were something')
})

const COUNT = runs(100, 1000)

/** Requests in which everything that a client can choose is different from that of every other. */
function chosen (mark: string, token: string): Asked[] {
  const headers = [
    ['Authorization', `Bearer ${token}`],
    ['X-Request-ID', mark],
    ['User-Agent', mark],
    ['X-Forwarded-For', `2001:db8::${mark.slice(0, 4)}`],
    ['X-Forwarded-Uri', `/${mark}`],
    ['X-Forwarded-Host', `${mark}.example.com`],
    ['traceparent', `00-${mark.replaceAll('-', '')}-00f067aa0ba902b7-01`]
  ] as const
  const host = `${mark}.example.com`
  return [
    { path: '/verify', host, headers },
    { path: `/verify?role=${mark.replace(/[^a-z]/g, '_')}`, host, headers },
    { path: `/verify?max_age=0${Number.parseInt(mark.slice(0, 6), 16) % 9}`, host, headers },
    { path: `/verify?${mark}=x`, host, headers },
    { path: '/verify', host, headers: [...headers, ['X-Forward-Auth-Policy', mark]] },
    { path: `/ext-authz/${mark}?${mark}`, host, headers },
    { path: `/${mark}`, host, headers },
    { path: '/verify', host, headers: [['Cookie', `session=${mark}; ${mark}=1`]] },
    { path: '/verify', host, headers: [['Authorization', `${mark} x`]] },
    { path: '/verify', method: 'PROPFIND', host, headers: [['Authorization', `Bearer ${mark},b`]] },
    webhookOf(disabledEvent(mark, mark))
  ]
}

async function send (t: Test, port: number, simulator: RunningSimulator, mark: string): Promise<void> {
  const token = `token-${mark}`
  simulator.controls.addUser({ id: mark, name: mark, sessions: [{ accessTokens: [token] }] })
  const asked = chosen(mark, token)
  for (const one of asked) {
    const { status } = await ask(port, one)
    const isPending = one.path === '/webhook' && status === 503 // not read back within a second, on a slow machine
    if (![200, 204, 401, 403, 404].includes(status) && !isPending) t.fail(`${one.path} answered ${status}`)
  }
}

t.test('a hundred values of anything a client sends make three series at most', async (t) => {
  const [simulator, redis] = await Promise.all([startSimulator(t), startRedis(t)])
  const { port, service } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    REDIS_URL: redis.url,
    AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET,
    PREFLIGHT: 'allow',
    CACHE_TTL: '10m', // a slow machine asks Authgear again about nothing, which would be a series of its own
    CACHE_NEGATIVE_TTL: '10m'
  })
  await until('Redis is used', () => service.redisState() === 'up')
  for (let n = 0; n < 3; n++) await send(t, port, simulator, randomUUID())
  const before = seriesOf(await service.metrics.render())
  const marks = Array.from({ length: COUNT }, () => randomUUID())
  for (let n = 0; n < COUNT; n += 10) {
    await Promise.all(marks.slice(n, n + 10).map((mark) => send(t, port, simulator, mark)))
  }
  await until('all webhooks are read back', async () =>
    seriesOf(await service.metrics.render()).get('forward_auth_revocations_total{origin="webhook"}') === COUNT + 3)
  const text = await service.metrics.render()
  const after = seriesOf(text)
  // Node tells of its own garbage collections and resources, each kind when it is first seen
  const ours = (series: ReadonlyMap<string, number>): string[] =>
    Array.from(series.keys()).filter((one) => one.startsWith('forward_auth_')).toSorted()
  t.strictSame(ours(after), ours(before), 'the same series')
  t.ok(after.size < 400, `${after.size} series in all`)
  t.notOk(marks.some((mark) => text.includes(mark)), 'nothing that a client chose')
  const total = Array.from(after).filter(([name]) => name.startsWith('forward_auth_requests_total'))
    .reduce((sum, [, count]) => sum + count, 0)
  t.equal(total, (COUNT + 3) * 10, 'all were counted')
  t.equal(after.get('forward_auth_revocations_total{origin="webhook"}'), COUNT + 3)
})
