import { Agent, METHODS } from 'node:http'
import t, { type Test } from 'tap'
import { IDENTITY_HEADERS } from '../../../../src/base/core/resolution.ts'
import { overTls, startInProcess, type InProcess, type InProcessOptions } from '../../../helpers/in-process.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { checkInvariants } from '../../../helpers/invariants.ts'
import { jwtEnding } from '../../../helpers/jwt.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { sendRaw } from '../../../helpers/raw-http.ts'
import { ask, type Answer, type HeaderLine } from '../../../helpers/request.ts'
import { startProcess } from '../../../helpers/process.ts'
import { demo, startSimulator, type FailureMode, type RunningSimulator } from '../../../helpers/simulator.ts'
import { makeTls } from '../../../helpers/tls.ts'
import { answers } from '../../../helpers/until.ts'

const { alice, bob, dora } = demo
const bearer = (token: string): HeaderLine => ['Authorization', `Bearer ${token}`]
const cookie = (text: string): HeaderLine => ['Cookie', text]

/** The names that are empty for nobody. */
const EMPTY_NAMES = IDENTITY_HEADERS.filter((name) => name !== 'x-authgear-session-valid')

interface World {
  readonly simulator: RunningSimulator
  readonly adapter: InProcess
  readonly identify: (headers?: readonly HeaderLine[], path?: string, method?: string) => Promise<Answer>
}

async function start (t: Test, options: Partial<InProcessOptions> = {}): Promise<World> {
  const simulator = await startSimulator(t)
  const adapter = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, IDENTIFY_LISTEN: '127.0.0.1:0', clock: manualClock(), ...options
  })
  const identify: World['identify'] = (headers = [], path = '/identify', method = 'GET') =>
    ask(adapter.identifyPort, { headers, path, method })
  return { simulator, adapter, identify }
}

function checkNobody (t: Test, { status, headers, body }: Answer, reason: string, source?: string): void {
  t.equal(status, 200)
  t.equal(headers['x-forward-auth-reason'], reason)
  t.equal(headers['x-authgear-session-valid'], 'false')
  t.same(EMPTY_NAMES.map((name) => headers[name]), EMPTY_NAMES.map(() => ''), 'all but one are empty')
  t.equal(Object.keys(headers).filter((name) => name.startsWith('x-authgear-')).length, IDENTITY_HEADERS.length,
    'every one of IDENTITY_HEADERS, and no other')
  t.equal(headers['x-envoy-auth-headers-to-remove'], EMPTY_NAMES.join(','))
  t.equal(headers['x-forward-auth-source'], source)
  t.match(headers, {
    'content-length': '0', 'cache-control': 'no-store', vary: 'Authorization, Cookie', 'x-request-id': /./
  })
  for (const never of ['set-cookie', 'etag', 'www-authenticate', 'content-type']) t.notOk(headers[never], `no ${never}`)
  t.equal(body, '')
}

type Lines = readonly HeaderLine[]

/** Header lines may depend on the project's origin. */
const NOBODY: ReadonlyArray<
  readonly [what: string, headers: Lines | ((origin: string) => Lines), reason: string, calls: number]
> = [
  ['no credential', [], 'no_credentials', 0],
  ['somebody else’s cookies and scheme', [cookie('a=b; Session=x'), ['Authorization', 'Basic dXNlcjpwYXNz']],
    'no_credentials', 0],
  ['a token over 16 KiB', [bearer('x'.repeat(16 * 1024 + 1))], 'malformed_credentials', 0],
  ['a session cookie over 1 KiB', [cookie(`session=${'x'.repeat(1025)}`)], 'malformed_credentials', 0],
  ['two Authorization lines', [bearer(alice.accessToken), bearer(bob.accessToken)], 'ambiguous_credentials', 0],
  ['a comma in a bearer value', [bearer(`${alice.accessToken},Bearer ${bob.accessToken}`)], 'ambiguous_credentials', 0],
  ['a JWT that has long expired', (origin) => [bearer(jwtEnding(-61_000, origin))], 'expired_credentials', 0],
  ['a JWT for another audience', [bearer(jwtEnding(61_000))], 'wrong_audience', 0],
  ['an unknown token', [bearer('A'.repeat(32))], 'invalid_session', 2],
  ['an unknown session', [cookie('session=x')], 'invalid_session', 1],
  ['a disabled user', [cookie(`session=${dora.cookie}`)], 'invalid_session', 1]
]

for (const absentHeaders of ['empty', 'omit'] as const) {
  t.test(`anonymous is 200 with false and empty names, ABSENT_HEADERS=${absentHeaders}`, async (t) => {
    for (const [what, sent, reason, calls] of absentHeaders === 'empty' ? NOBODY : NOBODY.slice(0, 1)) {
      await t.test(what, async (t) => {
        const { simulator, adapter, identify } = await start(t, { ABSENT_HEADERS: absentHeaders })
        const headers = typeof sent === 'function' ? sent(simulator.url) : sent
        checkNobody(t, await identify(headers), reason, calls === 0 ? undefined : 'authgear')
        checkNobody(t, await identify(headers), reason, calls === 0 ? undefined : 'memory')
        t.equal(simulator.counters.resolutions, calls, 'calls of Authgear')
        const lines = adapter.lines.filter(({ requestId }) => requestId !== undefined)
        t.equal(lines.length, 2)
        t.match(lines[0], { endpoint: 'identify', status: 200, reason, level: 'debug' })
        t.match(await adapter.service.metrics.render(),
          new RegExp(`forward_auth_requests_total\\{endpoint="identify",status="200",reason="${reason}",source=`))
      })
    }
  })
}

t.test('true without a user id is nobody', async (t) => {
  const { simulator, identify } = await start(t)
  simulator.controls.fail('no-user-id')
  checkNobody(t, await identify([bearer(alice.accessToken)]), 'invalid_session', 'authgear')
})

t.test('who is signed in is named, by any of the four credentials', async (t) => {
  for (const credential of [
    bearer(alice.accessToken),
    cookie(`session=${alice.cookie}`),
    cookie(`app_session=${alice.appSession}`),
    cookie(`app_access_token=${alice.accessToken}`)
  ]) {
    const { simulator, identify } = await start(t)
    for (const source of ['authgear', 'memory']) {
      const answer = await identify([credential, ['x-authgear-user-id', bob.id], ['x-authgear-session-valid', 'false']])
      checkInvariants(t, answer, { realm: simulator.url })
      t.match(answer, {
        status: 200,
        headers: {
          'x-forward-auth-reason': 'allowed',
          'x-forward-auth-source': source,
          'x-authgear-session-valid': 'true',
          'x-authgear-user-id': alice.id,
          'x-authgear-user-roles': 'admin,editor'
        }
      })
    }
    t.equal(simulator.counters.resolutions, 1)
  }
})

t.test('ABSENT_HEADERS=omit leaves out what Authgear did not send of a signed-in user', async (t) => {
  const { identify } = await start(t, { ABSENT_HEADERS: 'omit' })
  const { headers } = await identify([bearer(bob.accessToken)])
  t.equal(headers['x-authgear-user-id'], bob.id)
  t.notOk('x-authgear-user-roles' in headers)
  t.equal(headers['x-envoy-auth-headers-to-remove'], 'x-authgear-user-roles')
})

t.test('what /verify has learned serves /identify, and the other way round', async (t) => {
  const { simulator, adapter, identify } = await start(t)
  const verify = (who: HeaderLine) => ask(adapter.port, { path: '/verify', headers: [who] })
  await verify(bearer(alice.accessToken))
  t.match(await identify([bearer(alice.accessToken)]), { headers: { 'x-forward-auth-source': 'memory' } })
  await identify([bearer('B'.repeat(32))])
  t.equal((await verify(bearer('B'.repeat(32)))).status, 401, 'nobody there is nobody here')
  t.equal(simulator.counters.resolutions, 3, 'a token without a result is asked about once more')
})

t.test('Authgear in trouble is 503, never nobody', async (t) => {
  const modes: readonly FailureMode[] = [
    'error', 'reset', 'hang', 'not-found', 'redirect', 'not-http', 'garbage-header', 'huge-headers'
  ]
  for (const mode of modes) {
    const { simulator, identify } = await start(t, mode === 'hang' ? { AUTHGEAR_TIMEOUT: '1s' } : {})
    simulator.controls.fail(mode)
    for (const accept of ['*/*', 'text/html']) {
      const answer = await identify([
        bearer(alice.accessToken),
        ['Accept', accept],
        ['Sec-Fetch-Mode', accept === '*/*' ? 'cors' : 'navigate']
      ])
      t.match(answer, { status: 503, headers: { 'x-forward-auth-reason': 'authgear_unavailable' } }, mode)
      checkInvariants(t, answer, { realm: simulator.url })
    }
    checkNobody(t, await identify(), 'no_credentials')
    simulator.controls.recover()
    t.equal((await identify([bearer(alice.accessToken)])).headers['x-authgear-user-id'], alice.id,
      'and nothing of it is remembered')
  }
})

t.test('refuses a policy, since an operator would believe that it protects', async (t) => {
  const { simulator, adapter, identify } = await start(t)
  for (const who of [
    [],
    [bearer(alice.accessToken)],
    [bearer('A'.repeat(32))],
    [cookie(`session=${'x'.repeat(2000)}`)]
  ]) {
    for (const lines of [['role=admin'], ['verified=true'], [''], ['login=off'], ['x'], ['', '']]) {
      const answer = await identify([...who, ...lines.map((line): HeaderLine => ['X-Forward-Auth-Policy', line])])
      t.match(answer, { status: 403, headers: { 'x-forward-auth-reason': 'forbidden' } })
      checkInvariants(t, answer, { realm: simulator.url })
    }
  }
  t.equal(simulator.counters.resolutions, 0)
  t.match(adapter.lines.find(({ endpoint }) => endpoint === 'identify'),
    { level: 'warn', reason: 'bad_policy', policy: /identify/ })
  t.match(await adapter.service.metrics.render(),
    'forward_auth_requests_total{endpoint="identify",status="403",reason="bad_policy",source="none"} 24')
})

t.test('its query is ignored', async (t) => {
  const { identify } = await start(t)
  for (const query of ['?', '?role=admin', '?x', '?max_age=0', '?%zz', '?a?b#c']) {
    t.match(await identify([bearer(bob.accessToken)], `/identify${query}`),
      { status: 200, headers: { 'x-authgear-user-id': bob.id } }, query)
    checkNobody(t, await identify([], `/identify${query}`), 'no_credentials')
  }
})

t.test('its listener answers nothing else, and the main listener does not answer it', async (t) => {
  const { adapter, identify } = await start(t)
  const paths = [
    '/', '/verify', '/verify?role=admin', '/ext-authz/x', '/ext-authz/identify', '/metrics', '/livez', '/readyz',
    '/webhook', '/404', '/*', '/identify/', '/identify/x', '//identify', '/Identify', '/%69dentify', '/identify%3F',
    '/identify;x', '/identify#x', '/./identify', '/verify/../identify'
  ]
  for (const path of paths) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const { status, headers } = await identify([bearer(alice.accessToken)], path, method)
      t.equal(status, 404, `${method} ${path}`)
      t.same(Object.keys(headers).filter((name) => name.startsWith('x-authgear-')), [])
    }
  }
  for (const path of ['/identify', '/identify?', '/identify?x', '/identify/']) {
    t.equal((await ask(adapter.port, { path, headers: [bearer(alice.accessToken)] })).status, 404, `main ${path}`)
  }
  t.equal(
    (await sendRaw(adapter.identifyPort, 'GET http://x/identify HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))
      ?.status,
    404,
    'an absolute target'
  )
})

t.test('a condition changes nothing', async (t) => {
  const { identify } = await start(t)
  checkNobody(t, await identify([['If-None-Match', '*']]), 'no_credentials')
})

t.test('every method is answered as GET is', async (t) => {
  const { identify } = await start(t)
  for (const method of METHODS.filter((name) => name !== 'CONNECT')) {
    t.match(await identify([bearer(alice.accessToken)], '/identify', method),
      { status: 200, headers: { 'x-authgear-user-id': alice.id } }, method)
    checkNobody(t, await identify([], '/identify', method), 'no_credentials')
  }
})

t.test('a preflight is nothing special here', async (t) => {
  const { identify } = await start(t, { PREFLIGHT: 'allow' })
  checkNobody(
    t,
    await identify(
      [
        ['Origin', 'https://a.example'],
        ['Access-Control-Request-Method', 'PUT']
      ],
      '/identify',
      'OPTIONS'
    ),
    'no_credentials'
  )
})

t.test('beside a main listener with TLS it stays plain HTTP/1.1', async (t) => {
  const tls = makeTls(t)
  const { identify } = await start(t, { ...overTls(tls) })
  checkNobody(t, await identify(), 'no_credentials')
})

t.test('off, it is not even built', async (t) => {
  const simulator = await startSimulator(t)
  const { service } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
  t.strictSame(service.ofParts, [])
})

t.test('in a process', async (t) => {
  const simulator = await startSimulator(t)

  await t.test('it is off by default', async (t) => {
    const service = await startProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
    const management = Number(new URL(service.managementUrl).port)
    for (const port of [service.port, management]) {
      t.equal((await ask(port, { path: '/identify', headers: [bearer(alice.accessToken)] })).status, 404)
    }
  })

  await t.test('IDENTIFY_LISTEN turns it on, and it ends with the others', async (t) => {
    const port = await freePort()
    const service = await startProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, IDENTIFY_LISTEN: `127.0.0.1:${port}` })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    checkNobody(t, await ask(port, { path: '/identify', agent }), 'no_credentials')
    t.match(await ask(port, { path: '/identify', headers: [bearer(alice.accessToken)] }), {
      status: 200, headers: { 'x-authgear-user-id': alice.id }
    })
    t.equal((await ask(port, { path: '/verify', headers: [bearer(alice.accessToken)] })).status, 404)
    t.equal((await ask(service.port, { path: '/identify' })).status, 404)
    t.equal((await ask(service.port, { path: '/verify', headers: [bearer(alice.accessToken)] })).status, 200)
    await service.stop()
    t.equal(await service.ended, 0, 'an idle connection does not hold it up')
    t.notOk(await answers(port))
  })
})
