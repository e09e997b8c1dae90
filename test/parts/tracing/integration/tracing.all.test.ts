import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { NO_SHARED_CACHE } from '../../../../src/base/cache/coalescing.ts'
import { wantsTracing } from '../../../../src/parts/tracing/index.ts'
import { UNTRACED } from '../../../../src/base/tracing/wrappers.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { startCollector } from '../../../helpers/otelcol.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { ask, type HeaderLine } from '../../../helpers/request.ts'
import { skipOrFail } from '../../../helpers/servers.ts'
import { startProcess, type Service } from '../../../helpers/process.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'
import { canary, leaksIn } from '../../../security/helpers/canary.ts'

const [TRACE, PARENT] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
const OTHER = '1af7651916cd43dd8448eb211c80319c'
const part = (trace: string, flags = '01'): readonly HeaderLine[] => [
  ['traceparent', `00-${trace}-${PARENT}-${flags}`],
  ['tracestate', 'vendor=1']
]
const bearer = (token: string): HeaderLine => ['Authorization', `Bearer ${token}`]
/** Handed over soon, so that nobody waits. */
const SOON = { OTEL_BSP_SCHEDULE_DELAY: '20' }
const linesOf = (service: Service): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  service.logs().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))

t.test(
  'spans for verify, cache and Authgear, in the trace that the proxy began',
  { skip: skipOrFail('otelcol', 'redis-server') },
  async (t) => {
    const [authgear, redis, collector] = await Promise.all([startSimulator(t), startRedis(t), startCollector(t)])
    const secrets = {
      apiKey: canary('apikey'),
      junk: canary('junk'),
      path: canary('path'),
      userId: demo.alice.id,
      token: demo.alice.accessToken,
      cookie: demo.bob.cookie,
      other: demo.alice.cookie,
      login: canary('login', 40)
    }
    const service = await startProcess(t, {
      AUTHGEAR_ENDPOINT: authgear.url,
      AUTHGEAR_TIMEOUT: '30s', // a time-out is a span, too
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      REDIS_TIMEOUT: '5s',
      CACHE_SECRET: 'a secret of the tests, 32 bytes!',
      LOGIN_CLIENT_ID: 'client',
      LOGIN_PUBLIC_URL: 'https://app.example.com',
      LOGIN_SECRET: secrets.login,
      LOG_LEVEL: 'trace',
      ...SOON,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${secrets.apiKey}`,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test'
    })
    await until('Redis is used', async () =>
      (await ask(Number(new URL(service.managementUrl).port), { path: '/readyz' })).body.includes('"redis":"up"')
    )
    const verify = async (headers: readonly HeaderLine[], path = '/verify'): Promise<number> =>
      (await ask(service.port, { path, headers })).status
    const spansOf = (trace: string) => collector.spans().filter(({ traceId }) => traceId === trace)

    await t.test('a cold request: three spans, and Authgear gets the last one', async (t) => {
      t.equal(await verify([bearer(demo.alice.accessToken), ...part(TRACE)]), 200)
      const toAuthgear = authgear.counters.lastRawHeaders
      await until('its spans have arrived', () => spansOf(TRACE).length === 3)
      const [named, at] = [
        Object.fromEntries(spansOf(TRACE).map((span) => [span.name, span])),
        (name: string) => toAuthgear[toAuthgear.indexOf(name) + 1]
      ]
      t.match(named, {
        verify: {
          parentSpanId: PARENT,
          kind: 2,
          traceState: 'vendor=1',
          attributes: {
            'http.response.status_code': '200', 'forward_auth.reason': 'allowed', 'forward_auth.source': 'authgear'
          }
        },
        cache: { parentSpanId: named['verify']?.spanId, kind: 3, attributes: { 'forward_auth.outcome': 'miss' } },
        authgear: { parentSpanId: named['verify']?.spanId, kind: 3, attributes: { 'forward_auth.outcome': 'valid' } }
      })
      t.match(named['verify']?.resource, {
        'service.name': 'authgear-forward-auth', 'service.version': /^\d/, 'deployment.environment.name': 'test'
      })
      t.equal(at('traceparent'), `00-${TRACE}-${named['authgear']?.spanId ?? ''}-01`)
      t.equal(at('tracestate'), 'vendor=1')
      t.match(linesOf(service).find(({ trace_id: id }) => id === TRACE),
        { reason: 'allowed', span_id: named['verify']?.spanId }, 'the log line is of that span')
    })

    await t.test('a hit in memory is one span, and the proxy may begin none', async (t) => {
      t.equal(await verify([bearer(demo.alice.accessToken), ...part(OTHER)]), 200)
      await until('it has arrived', () => spansOf(OTHER).length === 1)
      t.match(spansOf(OTHER), [{ name: 'verify', attributes: { 'forward_auth.source': 'memory' } }])
      t.equal(await verify([bearer(demo.alice.accessToken), ['traceparent', '00-junk']]), 200)
      await until('a trace of its own has arrived', () =>
        collector.spans().some(({ parentSpanId, name }) => name === 'verify' && (parentSpanId ?? '') === '')
      )
    })

    await t.test('refusals and outages end their spans too, by reason and code alone', async (t) => {
      t.equal(await verify([['X-Forwarded-Uri', secrets.path]], `/verify?x=${secrets.junk}`), 401)
      t.equal(await verify([bearer(secrets.junk)]), 401)
      t.equal(await verify([['Cookie', `session=${secrets.cookie}`]]), 200)
      authgear.controls.fail('error')
      t.equal(await verify([bearer(`${secrets.junk}2`)]), 503)
      authgear.controls.recover()
      await until('they have arrived', () =>
        ['AUTHGEAR_STATUS'].every(
          (code) => collector.spans().filter(({ attributes }) => attributes['error.type'] === code).length === 2
        )
      )
      t.same(collector.spans().filter(({ status }) => status.code === 2).map(({ name }) => name).sort(),
        ['authgear', 'verify'])
      for (const reason of ['no_credentials', 'invalid_session', 'authgear_unavailable']) {
        t.ok(collector.spans().some(({ attributes }) => attributes['forward_auth.reason'] === reason), reason)
      }
    })

    await t.test('the login\'s routes have spans of their own, with Authgear below them', async (t) => {
      const trace = '3af7651916cd43dd8448eb211c80319c'
      t.equal(
        (
          await ask(service.port, {
            path: '/_auth/logout', headers: [['Cookie', `session=${secrets.other}`], ...part(trace)]
          })
        ).status,
        302
      )
      await until('its spans have arrived', () => spansOf(trace).length === 3)
      const named = Object.fromEntries(spansOf(trace).map((span) => [span.name, span]))
      t.match(named, {
        login: {
          parentSpanId: PARENT,
          kind: 2,
          attributes: { 'http.response.status_code': '302', 'forward_auth.reason': 'signing_out' }
        },
        authgear: { parentSpanId: named['login']?.spanId, attributes: { 'forward_auth.outcome': 'valid' } }
      })
      t.match(linesOf(service).find(({ trace_id: id }) => id === trace),
        { reason: 'signing_out', span_id: named['login']?.spanId })
    })

    await t.test('what the proxy does not sample is not recorded, and is passed on as it is', async (t) => {
      const unsampled = '2af7651916cd43dd8448eb211c80319c'
      t.equal(await verify([bearer(demo.bob.accessToken), ...part(unsampled, '00')]), 200)
      const sent = authgear.counters.lastRawHeaders
      t.match(sent[sent.indexOf('traceparent') + 1], new RegExp(`^00-${unsampled}-[0-9a-f]{16}-00$`))
      await service.stop() // hands over what is left
      t.same(spansOf(unsampled), [])
    })

    t.same(leaksIn(collector.text(), secrets), [], 'nothing of a request but its trace')
    t.same(leaksIn(service.logs(), { apiKey: secrets.apiKey }), [])
    const names = new Set(collector.spans().flatMap(({ attributes }) => Object.keys(attributes)))
    t.same([...names].sort(), [
      'error.type', 'forward_auth.outcome', 'forward_auth.reason', 'forward_auth.source', 'http.response.status_code'
    ])
  })

t.test('a collector that is down costs no answer, is logged once, and delays no stop', async (t) => {
  const authgear = await startSimulator(t)
  const apiKey = canary('apikey')
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: authgear.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${apiKey}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '500',
    ...SOON
  })
  const told = () => linesOf(service).filter(({ msg }) => String(msg).startsWith('traces cannot be handed over'))
  t.equal((await ask(service.port, { path: '/verify', headers: [bearer(demo.alice.accessToken)] })).status, 200)
  await until('it is told', () => told().length === 1)
  t.match(told(), [{ level: 'warn' }])
  t.equal((await ask(service.port, { path: '/verify', headers: [bearer(demo.alice.accessToken)] })).status, 200)
  await service.stop()
  t.equal(await service.ended, 0)
  t.equal(told().length, 1)
  t.same(leaksIn(service.logs(), { apiKey }), [])
})

t.test('without an endpoint nothing is wrapped, and the library is not even loaded', async (t) => {
  const handler = (): never => { throw new Error('not asked') }
  t.equal(UNTRACED.handler('verify', handler), handler)
  t.equal(UNTRACED.sharedCache(NO_SHARED_CACHE), NO_SHARED_CACHE)
  const rows: ReadonlyArray<readonly [env: NodeJS.ProcessEnv, wanted: boolean]> = [
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c' }, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/v1/traces' }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_SDK_DISABLED: 'true' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_TRACES_EXPORTER: 'none' }, false],
    [{ OTEL_SERVICE_NAME: 'x' }, false]
  ]
  for (const [env, wanted] of rows) t.equal(wantsTracing(env), wanted, JSON.stringify(env))

  // says on stderr whatever of the library is asked for
  const hook =
    'export async function resolve(s,c,n){if(s.includes("opentelemetry"))process._rawDebug("loads "+s);return n(s,c)}'
  const watch = `data:text/javascript,import{register}from"node:module";register(${encodeURIComponent(JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`))})`
  const main = join(import.meta.dirname, '../../../../dist/main.js')
  // an address where it cannot listen, so that it has loaded everything and then ends
  const start = (env: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, ['--import', watch, main], {
      env: { AUTHGEAR_ENDPOINT: 'https://a.example', LISTEN: 'unix:/nowhere/at/all', MANAGEMENT_LISTEN: 'off', ...env },
      encoding: 'utf8',
      timeout: 20_000
    })
  const [off, on] = [start({}), start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })]
  t.match(off.stdout, /cannot start/)
  t.notMatch(off.stderr, /loads/)
  t.match(on.stderr, /loads @opentelemetry/)
})
