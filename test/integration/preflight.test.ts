import t, { type Test } from 'tap'
import { IDENTITY_HEADERS } from '../../src/base/core/resolution.ts'
import { checkInvariants } from '../helpers/invariants.ts'
import { sendRaw } from '../helpers/raw-http.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import { WITH_GRPC, startInProcessOver, type Asked, type Protocol } from '../helpers/in-process-over.ts'

const tls = makeTls(t)
const PREFLIGHT = { origin: 'https://app.example.com', 'access-control-request-method': 'PUT' }
const { origin, 'access-control-request-method': wanted } = PREFLIGHT
const options = (headers: NonNullable<Asked['headers']> = {}, path = '/verify'): Asked => ({
  method: 'OPTIONS', path, headers: { ...PREFLIGHT, ...headers }
})
const CLAIMS = Object.fromEntries(['x-forwarded-method', 'x-http-method-override', 'x-original-method'].map((name) =>
  [name, 'OPTIONS']))
const token = `Bearer ${demo.alice.accessToken}`

type Row = readonly [what: string, asked: Asked, status: number, reason: string]

/** A true preflight of nobody: 200 with PREFLIGHT=allow, else 401. */
const TRUE: ReadonlyArray<readonly [what: string, asked: Asked]> = [
  ['a preflight', options()],
  ['with the headers it asks for', options({ 'access-control-request-headers': 'authorization,content-type' })],
  ['with a policy that nobody could meet', options({}, '/verify?role=admin&verified=true&amr=mfa')],
  ['with a policy header', options({ 'x-forward-auth-policy': ['role=admin', 'amr=mfa'] })],
  ['an opaque origin', options({ origin: 'null' })],
  ['by the prefix way, whose query is the client’s', options({}, '/ext-authz/api/items?rolle=x')],
  ['cookies that are no credentials', options({ cookie: 'a=b; Session=x; my_session=y' })],
  ['as a navigation', options({ 'sec-fetch-mode': 'navigate', accept: 'text/html' })],
  ['headers that claim another method', options({ 'x-forwarded-method': 'GET', 'x-http-method-override': 'DELETE' })]
]

/** The same with PREFLIGHT=allow as without. */
const ALWAYS: readonly Row[] = [
  ['no Origin', { method: 'OPTIONS', headers: { 'access-control-request-method': wanted } }, 401, 'no_credentials'],
  ['no Access-Control-Request-Method', { method: 'OPTIONS', headers: { origin } }, 401, 'no_credentials'],
  ['OPTIONS alone', { method: 'OPTIONS' }, 401, 'no_credentials'],
  ['the names as values', { method: 'OPTIONS', headers: { a: 'origin', b: 'access-control-request-method' } }, 401,
    'no_credentials'],
  ['almost the names', { method: 'OPTIONS', headers: { 'x-origin': origin, access_control_request_method: wanted } },
    401, 'no_credentials'],
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PROPFIND', 'TRACE'].map((method): Row =>
    [`${method} with a preflight’s headers`, { method, headers: PREFLIGHT }, 401, 'no_credentials']),
  ['GET that claims to be OPTIONS', { headers: { ...PREFLIGHT, ...CLAIMS } }, 401, 'no_credentials'],
  ['a valid bearer token', options({ authorization: token }), 200, 'allowed'],
  ['a valid session cookie', options({ cookie: `session=${demo.alice.cookie}` }), 200, 'allowed'],
  ['a valid token that does not meet the policy', options({ authorization: token }, '/verify?role=owner'), 403,
    'forbidden'],
  ['an unknown token', options({ authorization: `Bearer ${'A'.repeat(32)}` }), 401, 'invalid_session'],
  ['an empty session cookie', options({ cookie: 'session=' }), 401, 'invalid_session'],
  ['a malformed cookie', options({ cookie: `session=${'x'.repeat(1025)}` }), 401, 'malformed_credentials'],
  ['two tokens in one line', options({ authorization: `${token},${token}` }), 401, 'ambiguous_credentials'],
  ['the Basic scheme', options({ authorization: 'Basic dXNlcjpwYXNz' }), 401, 'no_credentials'],
  ['an empty Authorization', options({ authorization: '' }), 401, 'no_credentials'],
  ['a scheme of somebody’s own', options({ authorization: 'x' }), 401, 'no_credentials'],
  ['another path', options({}, '/verify/'), 404, 'not_found'],
  ['no path', options({}, '*'), 404, 'not_found'],
  ['/identify', options({}, '/identify'), 404, 'not_found']
]

/** Only with PREFLIGHT=allow; else nobody learns of a policy. */
const BAD: ReadonlyArray<readonly [what: string, asked: Asked]> = [
  ['a bad policy', options({}, '/verify?rolle=admin')],
  ['a bad policy header', options({ 'x-forward-auth-policy': ['role=admin', 'x'] })],
  ['a bad policy header by the prefix way', options({ 'x-forward-auth-policy': 'x' }, '/ext-authz/')]
]

async function start (
  t: Test,
  protocol: Protocol,
  preflight: 'allow' | 'deny' | undefined,
  absentHeaders: 'empty' | 'omit' = 'empty'
) {
  const simulator = await startSimulator(t)
  const verifier = await startInProcessOver(t, protocol, tls, {
    AUTHGEAR_ENDPOINT: simulator.url, ABSENT_HEADERS: absentHeaders, ...(preflight && { PREFLIGHT: preflight })
  })
  return { simulator, verifier }
}

for (const protocol of WITH_GRPC) {
  for (const absentHeaders of protocol === 'HTTP/1.1' ? ['empty', 'omit'] as const : ['empty'] as const) {
    const how = `over ${protocol}, ABSENT_HEADERS=${absentHeaders}`
    t.test(`${how}: PREFLIGHT=allow passes a preflight as nobody`, async (t) => {
      const { simulator, verifier } = await start(t, protocol, 'allow', absentHeaders)
      for (const [what, asked] of TRUE) {
        await t.test(what, async (t) => {
          const answered = await verifier.ask(asked)
          const { status, headers, body } = answered
          t.equal(status, 200)
          t.equal(body, '')
          const { connection, 'keep-alive': keepAlive, date, 'x-request-id': requestId, ...rest } = headers
          if (protocol === 'gRPC') checkInvariants(t, answered, { realm: simulator.url })
          else t.strictSame(Object.fromEntries(Object.entries(rest)), NOBODY)
          t.match(verifier.lines.at(-1), {
            reason: 'preflight',
            source: 'none',
            status: 200,
            level: 'debug',
            ...protocol === 'gRPC' ? {} : { requestId }
          })
        })
      }
      t.equal(simulator.counters.resolutions, 0)
      t.match(
        await verifier.service.metrics.render(),
        'forward_auth_requests_total{endpoint="verify",status="200",reason="preflight",source="none"} ' +
          `${protocol === 'gRPC' ? TRUE.length : TRUE.length - 1}\n`
      )
    })
  }

  for (const preflight of protocol === 'HTTP/1.1' ? ['deny', undefined] as const : [undefined]) {
    t.test(`PREFLIGHT=${preflight ?? 'deny by default'}: nobody is nobody, over ${protocol}`, async (t) => {
      const { simulator, verifier } = await start(t, protocol, preflight)
      for (const [what, asked] of [...TRUE, ...BAD]) {
        const answered = await verifier.ask(asked)
        t.match(answered, { status: 401, headers: { 'x-forward-auth-reason': 'no_credentials' } }, what)
        checkInvariants(t, answered, {
          realm: simulator.url, audience: what === 'as a navigation' ? 'navigation' : 'program'
        })
      }
      t.equal(simulator.counters.resolutions, 0)
    })
  }

  for (const preflight of ['allow', 'deny'] as const) {
    t.test(`PREFLIGHT=${preflight}: what is none is answered as ever, over ${protocol}`, async (t) => {
      const { simulator, verifier } = await start(t, protocol, preflight)
      for (const [what, asked, status, reason] of ALWAYS) {
        if (protocol === 'gRPC' && asked.path === '/identify') continue // a route of Envoy's may ask for it
        const answered = await verifier.ask(asked)
        t.match(answered, { status, headers: { 'x-forward-auth-reason': reason } }, what)
        if (status !== 404) checkInvariants(t, answered, { realm: simulator.url, head: asked.method === 'HEAD' })
      }
    })
  }

  t.test(`PREFLIGHT=allow: a bad policy is 403 there too, over ${protocol}`, async (t) => {
    const { simulator, verifier } = await start(t, protocol, 'allow')
    for (const [what, asked] of BAD) {
      const answered = await verifier.ask(asked)
      t.match(answered, { status: 403, headers: { 'x-forward-auth-reason': 'forbidden' } }, what)
      checkInvariants(t, answered, { realm: simulator.url })
      t.match(verifier.lines.at(-1), { reason: 'bad_policy', level: 'warn', policy: /./ })
    }
  })
}

const LINES = `Origin: ${origin}\r\nAccess-Control-Request-Method: ${wanted}`

t.test('a method is compared exactly', async (t) => {
  const http2 = await start(t, 'HTTP/2', 'allow')
  for (const method of ['options', 'Options', 'OPTIONSX']) {
    t.not((await http2.verifier.ask({ ...options(), method })).status, 200, `${JSON.stringify(method)} over HTTP/2`)
  }
  const { verifier } = await start(t, 'HTTP/1.1', 'allow')
  for (const method of ['options', 'Options', 'OPTIONSX']) {
    const head = `${method} /verify HTTP/1.1\r\nHost: x\r\n${LINES}\r\nConnection: close\r\n\r\n`
    t.equal((await sendRaw(verifier.port, head))?.status, 400, method)
  }
})

t.test('names in any case; a second Authorization line counts as one', async (t) => {
  const { verifier } = await start(t, 'HTTP/1.1', 'allow')
  const status = async (lines: string) =>
    (await sendRaw(verifier.port, `OPTIONS /verify HTTP/1.1\r\nHost: x\r\n${lines}\r\nConnection: close\r\n\r\n`))
      ?.status
  t.equal(await status(`ORIGIN: ${origin}\r\naccess-control-REQUEST-method: ${wanted}`), 200)
  t.equal(await status(`${LINES}\r\nAUTHORIZATION: Basic x`), 401)
  t.equal(await status(`${LINES}\r\nAuthorization: Basic x\r\nAuthorization: Basic y`), 401)
})

const EMPTY_NAMES = IDENTITY_HEADERS.filter((name) => name !== 'x-authgear-session-valid')
/** All that such an answer says. */
const NOBODY = {
  'content-length': '0',
  'cache-control': 'no-store',
  vary: 'Authorization, Cookie',
  'x-forward-auth-reason': 'preflight',
  'x-authgear-session-valid': 'false',
  ...Object.fromEntries(EMPTY_NAMES.map((name) => [name, ''])),
  'x-envoy-auth-headers-to-remove': EMPTY_NAMES.join(',')
}
