import fastify from 'fastify'
import t, { type Test } from 'tap'
import { REFUSALS } from '../../../../src/base/core/reason.ts'
import { createHistory } from '../../../../src/parts/status/history.ts'
import { addStatus } from '../../../../src/parts/status/routes.ts'
import { tabIcon } from '../../../../src/base/http/html.ts'
import { startInProcessOnClock, verify } from '../../../helpers/in-process-on-clock.ts'
import { MACHINE, startManagement } from '../../../helpers/management.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { ask, type Answer, type HeaderLine } from '../../../helpers/request.ts'
import { allMetrics, seriesOf } from '../../../helpers/series.ts'
import { demo } from '../../../helpers/simulator.ts'

const HOST = '127.0.0.1'
const PATHS = ['/', '/status.json', '/status.js', '/charts.js', '/charts.css'] as const
const { alice, bob } = demo

async function start (t: Test, hosts: readonly string[] = []) {
  const alone = await startInProcessOnClock(t)
  const port = await startManagement(t, alone.adapter.service, { hosts })
  const get = (path: string, headers: readonly HeaderLine[] = [], host = HOST): Promise<Answer> =>
    ask(port, { path, host, headers })
  /** So long that what was rendered is old. */
  const later = (): void => alone.clock.advance(1000)
  return { ...alone, get, later }
}

/** The numbers of the page, by the id of their element. */
const numbersOn = (page: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Array.from(page.matchAll(/<data id="([^"]+)" value="([^"]+)">/g), ([, id, value]) => [id, Number(value)])
  )

t.test('the numbers of the page and of status.json are those of /metrics', async (t) => {
  const { adapter, get, later, simulator } = await start(t)
  for (let n = 0; n < 5; n++) await verify(adapter, alice.accessToken)
  await verify(adapter, bob.accessToken, '?role=nobody')
  await verify(adapter, bob.accessToken, '?what=ever')
  await verify(adapter, 'junk')
  await ask(adapter.port, { path: '/elsewhere' })
  simulator.controls.fail('error')
  await verify(adapter, 'cold')
  await adapter.service.revocations?.revocations.revoke({
    target: { kind: 'user', userId: alice.id }, origin: 'management', quietMs: 0
  })
  later()
  const [page, data, metrics] = [
    numbersOn((await get('/')).body),
    JSON.parse((await get('/status.json')).body),
    seriesOf((await get('/metrics')).body)
  ]
  const sum = (...parts: readonly string[]): number =>
    Array.from(metrics).filter(([name]) => parts.every((part) => name.includes(part)))
      .reduce((total, [, value]) => total + value, 0)
  const EXPECTED: Readonly<Record<string, number>> = {
    'requests-allowed': sum('requests_total{', 'endpoint="verify"', 'status="200"'),
    'requests-unauthenticated': sum('requests_total{', 'status="401"'),
    'requests-forbidden': sum('requests_total{', 'status="403"'),
    'requests-unavailable': sum('requests_total{', 'status="503"'),
    'requests-elsewhere': sum('requests_total{', 'status="404"'),
    'hits-memory': sum('cache_reads_total{', 'memory', '"hit"') / sum('cache_reads_total{', 'memory'),
    'authgear-answered': sum('authgear_requests_total', '"valid"') + sum('authgear_requests_total', '"invalid"'),
    'authgear-failed': sum('authgear_requests_total', '"error"') + sum('authgear_requests_total', '"timeout"'),
    'authgear-rejected': sum('authgear_requests_total', '"rejected"'),
    'revocations-management': sum('revocations_total', '"management"')
  }
  t.match(EXPECTED, {
    'requests-allowed': 5,
    'requests-unauthenticated': 1,
    'requests-forbidden': 2,
    'requests-unavailable': 1,
    'requests-elsewhere': 1,
    'revocations-management': 1
  })
  for (const [id, value] of Object.entries(EXPECTED)) {
    t.equal(page[id] ?? 0, value, `${id} on the page`)
    const [chart = '', ...line] = id.split('-')
    t.equal(data.charts[chart][line.join('-')].total, value, `${id} in status.json`)
  }
  t.equal(page['tile-allowed'], 5 / 10)
  t.match(data, {
    version: '0.0.0-test',
    state: 'serving',
    now: { cacheEntries: metrics.get('forward_auth_cache_entries'), circuitOpen: false }
  })
})

t.test('the page is complete: no outside resource, one own script, a strict policy', async (t) => {
  const { get } = await start(t)
  const { status, headers, body } = await get('/')
  t.equal(status, 200)
  t.match(headers, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin'
  })
  t.equal(
    headers['content-security-policy']?.toString().replace(/sha256-[\w+/=]{44}/, '…'),
    "default-src 'none'; img-src data:; style-src 'self' '…'; script-src 'self'; connect-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  )
  t.strictSame(Array.from(body.matchAll(/ (?:src|href)="([^"]*)"/g), ([, url]) => url),
    [tabIcon(), 'charts.css', 'status.js', 'charts.js', 'runbook#no-requests', '', 'status.json', 'metrics', 'runbook'])
  t.notMatch(body.replace('<b>https://auth.example.com</b>', ''), /https?:|\bstyle="|\bon\w+="|<script>/)
  t.match(await get('/status.js'), { status: 200, headers: { 'content-type': 'text/javascript; charset=utf-8' } })
  const charts = await get('/charts.js')
  t.match(charts, { status: 200, headers: { 'content-type': 'text/javascript; charset=utf-8' } })
  t.match(charts.body, /^\/\*! https:\/\/github\.com\/leeoniya\/uPlot/, 'with the notice of its licence')
  t.ok(Buffer.byteLength(charts.body) < 64 * 1024, `small: ${Buffer.byteLength(charts.body)} bytes`)
  t.match(await get('/charts.css'), { status: 200, headers: { 'content-type': 'text/css; charset=utf-8' } })
  t.match(await get('/status.json'), { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' } })
})

t.test('nothing that a client sent is on it', async (t) => {
  const { adapter, get } = await start(t)
  const canary = 'c4n4ry'
  await ask(adapter.port, {
    path: `/verify?${canary}=1`,
    headers: [
      ['Authorization', `Bearer ${canary}`],
      ['X-Request-ID', canary],
      ['X-Forwarded-For', '192.0.2.77']
    ]
  })
  for (const path of PATHS) {
    const { body } = await get(`${path}?${canary}`, [['Referer', canary]], `localhost:${4181}`)
    t.notMatch(body, canary, path)
    t.notMatch(body, '192.0.2.77', path)
  }
})

t.test('under a name that is not this machine\'s it is not shown', async (t) => {
  const { get } = await start(t, ['status.example.com'])
  for (const path of PATHS) {
    for (const host of [HOST, 'localhost:4181', '[::1]:4181', MACHINE, 'status.example.com']) {
      t.equal((await get(path, [], host)).status, 200, `${path} of ${host}`)
    }
    const tag = String((await get(path)).headers.etag)
    for (const host of ['evil.example', 'evil.example:4181', 'status.example.com.evil.example']) {
      for (const headers of [[], [['If-None-Match', tag]]] as const) {
        const { status, headers: answered, body } = await get(path, headers, host)
        t.equal(status, 403, `${path} of ${host}`)
        t.match(body, /MANAGEMENT_HOSTS/)
        t.notMatch(body, host)
        t.match(answered, { 'cache-control': 'no-store', etag: undefined })
      }
    }
  }
  t.equal((await get('/livez', [], 'evil.example')).status, 200, 'probes and Prometheus come by any name')
})

t.test('a 304 says that nothing has changed, and is never older than a second', async (t) => {
  const { adapter, get, later } = await start(t)
  for (const path of ['/', '/status.json']) {
    const first = await get(path)
    const tag = String(first.headers.etag)
    t.match(tag, /^"[\w-]{22}"$/)
    const second = await get(path, [['If-None-Match', tag]])
    t.match(second, { status: 304, body: '', headers: { 'cache-control': 'no-cache' } }, path)
    await verify(adapter, alice.accessToken)
    later()
    const third = await get(path, [['If-None-Match', tag]])
    t.equal(third.status, 200, `${path}: there is news`)
    t.not(third.headers.etag, tag)
    t.not(third.body, first.body)
  }
})

t.test('the script keeps its tag, and no resource knows the tag of another', async (t) => {
  const { get, later } = await start(t)
  const tags = await Promise.all(PATHS.map(async (path) => String((await get(path)).headers.etag)))
  const [page = '', json = '', script = ''] = tags
  for (const [path, tag, status] of [
    ['/', script, 200],
    ['/', json, 200],
    ['/status.json', page, 200],
    ['/status.js', page, 200],
    ['/status.js', script, 304]
  ] as const) {
    t.equal((await get(path, [['If-None-Match', tag]])).status, status, `${path} ${tag}`)
  }
  later()
  t.equal((await get('/status.js', [['If-None-Match', script]])).status, 304)
})

t.test('an If-None-Match that is none of ours is ignored', async (t) => {
  const { get } = await start(t)
  const tag = String((await get('/')).headers.etag)
  for (const header of [
    '*',
    `W/${tag}`,
    `${tag}, "x"`,
    tag.slice(1),
    '"x"',
    'x'.repeat(65),
    'x'.repeat(8000),
    `${tag}${' '.repeat(8000)}x`
  ]) {
    t.equal((await get('/', [['If-None-Match', header]])).status, 200, header.slice(0, 30))
  }
})

t.test('probes and metrics know nothing of tags', async (t) => {
  const { get } = await start(t)
  const tag = String((await get('/')).headers.etag)
  for (const path of ['/livez', '/readyz', '/metrics', '/elsewhere']) {
    const { status, headers } = await get(path, [['If-None-Match', tag]])
    t.equal(status, path === '/elsewhere' ? 404 : 200)
    t.match(headers, { etag: undefined, 'cache-control': 'no-store' }, path)
  }
})

t.test('however many look, it is rendered once a second', async (t) => {
  const { adapter, get, later } = await start(t)
  const bodies = new Set<string>()
  for (let n = 0; n < 20; n++) {
    await verify(adapter, alice.accessToken)
    bodies.add((await get('/')).body)
  }
  t.equal(bodies.size, 1)
  later()
  t.not((await get('/')).body, Array.from(bodies)[0])
})

t.test('the page says when Authgear is left alone', async (t) => {
  const { adapter, get, later, simulator } = await start(t)
  t.match((await get('/')).body, '<dt>Authgear</dt><dd class="good">healthy</dd>')
  simulator.controls.fail('error')
  for (let n = 0; adapter.service.authgearState() === 'ok' && n < 50; n++) {
    t.equal((await verify(adapter, `cold-${n}`)).status, REFUSALS.authgear_unavailable.status)
  }
  later()
  t.match((await get('/')).body, '<dt>Authgear</dt><dd class="bad">paused after failures</dd>')
})

t.test('a page that cannot be rendered is one 500, and ends nothing', async (t) => {
  let isBroken = true
  const clock = manualClock()
  const history = createHistory({ read: allMetrics().reading, clock })
  const about = { replica: 'here', version: '1', endpoint: 'https://auth.example.com', ttlMs: 30_000, entrance: undefined }
  const app = fastify()
  t.teardown(() => app.close())
  addStatus(app, {
    status: () => {
      if (isBroken) throw new Error('a defect')
      return { about, parts: [], others: [], state: 'serving', samples: history.window() }
    },
    clock,
    ownHostsOnly: (_request, _reply, done) => done(),
    sections: []
  })
  const statusOf = async (headers: object): Promise<number> =>
    (await app.inject({ url: '/', headers: { host: 'localhost', ...headers } })).statusCode
  for (const headers of [{}, { 'if-none-match': '"x"' }]) t.equal(await statusOf(headers), 500)
  isBroken = false
  t.equal(await statusOf({ 'if-none-match': '"x"' }), 200)
})
