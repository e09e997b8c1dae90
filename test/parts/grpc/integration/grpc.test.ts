import t from 'tap'
import {
  type Attributes, type CheckAnswer, encodeCheck, grpcClient, type HttpAttributes, linesOf, decodeCheck
} from '../../../helpers/grpc.ts'
import { LOGIN, startInProcess } from '../../../helpers/in-process.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'

const { alice, bob } = demo
const SIGNED_IN = { authorization: `Bearer ${alice.accessToken}` }
const PERMITTED = 0

const http = (more: HttpAttributes = {}): HttpAttributes =>
  ({ method: 'GET', path: '/page?x=1', host: 'app.example.com', headers: SIGNED_IN, ...more })
const check = (more: HttpAttributes = {}, rest: Omit<Attributes, 'request'> = {}): Attributes =>
  ({ request: { http: http(more) }, ...rest })
const statusOf = ({ status, denied_response: denied }: CheckAnswer): number =>
  (status?.code ?? 0) === PERMITTED ? 200 : denied?.status.code ?? 0
const lines = (...headers: ReadonlyArray<Readonly<Record<string, string | Buffer>>>): HttpAttributes =>
  ({ headers: {}, header_map: { headers } })

/** Of each: bytes that name a valid session, and lack or repeat what a decision rests on. */
const UNREADABLE: ReadonlyArray<readonly [name: string, bytes: Buffer]> = [
  ['nothing at all', Buffer.alloc(0)],
  ['no HTTP request', encodeCheck({ request: {} })],
  ['no method', encodeCheck(check({ method: '' }))],
  ['no path', encodeCheck(check({ path: '' }))],
  ['no host', encodeCheck(check({ host: '' }))],
  ['a line break in the path', encodeCheck(check({ path: '/a\r\nb: c' }))],
  ['a line break in a header', encodeCheck(check(lines({ key: 'a', raw_value: Buffer.from('b\nc') })))],
  ...['\x01', '\x0b', '\x1b', '\x7f'].map((byte) => [
    `the control byte ${byte.charCodeAt(0)} in a header`,
    encodeCheck(check({ headers: { ...SIGNED_IN, 'user-agent': `a${byte}b` } }))
  ] as const),
  ['a control byte in the path', encodeCheck(check({ path: '/a\x01' }))],
  ['a header without a name', encodeCheck(check(lines({ key: '', raw_value: Buffer.from('b') })))],
  ['a header name that is none', encodeCheck(check(lines({ key: 'co okie', raw_value: Buffer.from('b') })))],
  ['a header with two values', encodeCheck(check(lines({ key: 'a', value: 'b', raw_value: Buffer.from('c') })))],
  ['both kinds of header lines', encodeCheck(check({ header_map: { headers: [{ key: 'a', value: 'b' }] } }))],
  ['attributes twice', Buffer.concat([encodeCheck(check()), encodeCheck(check())])],
  ['cut off', encodeCheck(check()).subarray(0, -1)],
  ['a byte more', Buffer.concat([encodeCheck(check()), Buffer.from([0x0a])])],
  ['a group', Buffer.concat([encodeCheck(check()), Buffer.from([0x13, 0x14])])],
  ['a number without an end', Buffer.concat([encodeCheck(check()), Buffer.alloc(11, 0xff)])],
  ['a field without a number', Buffer.concat([encodeCheck(check()), Buffer.from([0x00, 0x00])])],
  ['an extension twice', repeated(check({}, { context_extensions: { policy: 'role=admin' } }))]
]

/** The second entry of the map has the same key. */
function repeated (attributes: Attributes): Buffer {
  const two = encodeCheck({ ...attributes, context_extensions: { policy: 'role=admin', policz: 'role=alice' } })
  return Buffer.from(two.toString('latin1').replace('policz', 'policy'), 'latin1')
}

t.test('what Envoy never sends is denied, and is no gRPC error', async (t) => {
  const simulator = await startSimulator(t)
  const { grpcPort, lines: logged } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, LISTEN_GRPC: '127.0.0.1:0'
  })
  const client = grpcClient(t, grpcPort)
  t.equal(statusOf(await client.check(check())), 200, 'the session is one')
  for (const [name, bytes] of UNREADABLE) {
    const answer = decodeCheck(await client.send(bytes))
    t.not(answer.status?.code ?? PERMITTED, PERMITTED, name)
    t.equal(statusOf(answer), 400, name)
    t.match(logged.at(-1), { reason: 'unreadable', status: 400, why: /./ }, name)
  }
  const long = await client.check(check({ headers: { ...SIGNED_IN, 'x-long': 'x'.repeat(64 * 1024) } }))
  t.equal(statusOf(long), 431, 'a message over 64 KiB')
  t.equal(statusOf(await client.check(check({ body: 'x'.repeat(60_000) }))), 200, 'what is not read counts as bytes')
})

t.test('only context_extensions choose the policy and the endpoint', async (t) => {
  const simulator = await startSimulator(t)
  const { grpcPort, lines: logged } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, LISTEN_GRPC: '127.0.0.1:0'
  })
  const client = grpcClient(t, grpcPort)
  const asBob = { authorization: `Bearer ${bob.accessToken}` }
  const rows: ReadonlyArray<readonly [name: string, more: HttpAttributes, extensions: object, status: number]> = [
    ['no policy: a session', { headers: asBob }, {}, 200],
    ['an empty policy: a session', { headers: asBob }, { policy: '' }, 200],
    ['a policy that he does not meet', { headers: asBob }, { policy: 'role=admin' }, 403],
    ['a header is no policy', { headers: { ...asBob, 'x-forward-auth-policy': 'role=admin' } }, {}, 200],
    ['nor does it take one', { headers: { ...asBob, 'x-forward-auth-policy': '' } }, { policy: 'role=admin' }, 403],
    ['a query is no policy', { headers: asBob, path: '/?role=admin' }, {}, 200],
    ['a policy that cannot be understood', {}, { policy: 'rolle=admin' }, 403],
    ['a misspelt key', {}, { polciy: 'role=admin' }, 403],
    ['a key in another case', {}, { Policy: 'role=admin' }, 403],
    ['another key beside it', {}, { policy: '', route: 'a' }, 403],
    ['a resource without RESOURCES', {}, { policy: 'resource=https://a.example.com/' }, 403],
    ['an endpoint that is not there', {}, { endpoint: 'webhook' }, 404],
    ['an endpoint without a name', {}, { endpoint: '' }, 404],
    ['/resource without RESOURCES', {}, { endpoint: 'resource' }, 404],
    ['identify without IDENTIFY_LISTEN', {}, { endpoint: 'identify' }, 404],
    ['the endpoint is no header', { headers: { ...asBob, endpoint: 'identify' } }, { policy: 'role=admin' }, 403]
  ]
  for (const [name, more, extensions, status] of rows) {
    const answer = await client.check(check(more, { context_extensions: extensions as Record<string, string> }))
    t.equal(statusOf(answer), status, name)
  }
  t.match(logged.filter(({ reason }) => reason === 'not_found').length, 4)
})

t.test('identify says who it is, and refuses a policy', async (t) => {
  const simulator = await startSimulator(t)
  const { grpcPort } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, LISTEN_GRPC: '127.0.0.1:0', IDENTIFY_LISTEN: '127.0.0.1:0'
  })
  const client = grpcClient(t, grpcPort)
  const identify = { context_extensions: { endpoint: 'identify' } }
  const nobody = await client.check(check({ headers: {} }, identify))
  t.strictSame(linesOf(nobody.ok_response?.headers ?? []), { 'x-authgear-session-valid': 'false' })
  t.ok(nobody.ok_response?.headers_to_remove.includes('x-authgear-user-id'))
  const known = await client.check(check({}, identify))
  t.match(linesOf(known.ok_response?.headers ?? []), { 'x-authgear-user-id': alice.id })
  for (const policy of ['', 'role=admin']) {
    const refused = await client.check(check({}, { context_extensions: { endpoint: 'identify', policy } }))
    t.equal(statusOf(refused), 403, `with the policy "${policy}"`)
  }
})

t.test('credentials are read as over HTTP, joined or in lines of their own', async (t) => {
  const simulator = await startSimulator(t)
  const { grpcPort } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, LISTEN_GRPC: '127.0.0.1:0' })
  const client = grpcClient(t, grpcPort)
  const bearer = `Bearer ${alice.accessToken}`
  const raw = (key: string, value: string) => ({ key, raw_value: Buffer.from(value, 'latin1') })
  const rows: ReadonlyArray<readonly [name: string, more: HttpAttributes, status: number]> = [
    ['one line', lines(raw('authorization', bearer)), 200],
    ['its value as text', lines({ key: 'authorization', value: bearer }), 200],
    ['two lines', lines(raw('authorization', bearer), raw('Authorization', bearer)), 401],
    ['two lines, joined', { headers: { authorization: `${bearer},${bearer}` } }, 401],
    ['two cookie lines: each counts', lines(raw('cookie', 'a=b'), raw('cookie', `session=${alice.cookie}`)), 200],
    ['of one cookie twice the first counts', lines(raw('cookie', `session=x; session=${alice.cookie}`)), 401],
    ['two cookie lines, joined by a comma', { headers: { cookie: `a=b,session=${alice.cookie}` } }, 401],
    ['a pseudo-header is none', { headers: { ':authorization': bearer } }, 401]
  ]
  for (const [name, more, status] of rows) t.equal(statusOf(await client.check(check(more))), status, name)
})

t.test('the client is whom a trusted Envoy names, whatever the client says', async (t) => {
  const simulator = await startSimulator(t)
  const source = { address: { socket_address: { address: '203.0.113.7', port_value: 1234 } } }
  const forged = { headers: { 'x-forwarded-for': '198.51.100.1', forwarded: 'for=198.51.100.1' } }
  for (const [trustedProxies, client] of [['loopback', '203.0.113.7'], ['none', '127.0.0.1']] as const) {
    const { grpcPort, lines: logged } = await startInProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url, LISTEN_GRPC: '127.0.0.1:0', TRUSTED_PROXIES: trustedProxies
    })
    await grpcClient(t, grpcPort).check(check(forged, { source }))
    t.match(logged.at(-1), { client, reason: 'no_credentials' })
  }
})

t.test('people are sent to log in, and back to where Envoy says that they were', async (t) => {
  const simulator = await startSimulator(t)
  const { grpcPort } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, LISTEN_GRPC: '127.0.0.1:0', ...LOGIN
  })
  const headers = {
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    accept: 'text/html',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-uri': '/evil'
  }
  const answer = await grpcClient(t, grpcPort).check(check({ headers }))
  t.equal(answer.denied_response?.status.code, 302)
  const { location = '' } = linesOf(answer.denied_response?.headers ?? [])
  t.equal(new URL(location).searchParams.get('rd'), 'https://app.example.com/page?x=1')
})

t.test('log lines name the trace and the request id of Envoy', async (t) => {
  const simulator = await startSimulator(t)
  const { grpcPort, lines: logged } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, LISTEN_GRPC: '127.0.0.1:0'
  })
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await grpcClient(t, grpcPort).check(check({ id: 'of-envoy', headers: { traceparent } }))
  t.match(logged.at(-1), { requestId: 'of-envoy', trace_id: '0af7651916cd43dd8448eb211c80319c' })
})

t.test('dynamic metadata say who it was and why', async (t) => {
  const simulator = await startSimulator(t)
  simulator.controls.setRoles('alice', ['admin', 'editor'])
  const { grpcPort } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, LISTEN_GRPC: '127.0.0.1:0' })
  const client = grpcClient(t, grpcPort)
  const { dynamic_metadata: allowed } = await client.check(check())
  t.match(allowed?.fields, {
    reason: { stringValue: 'allowed' },
    source: { stringValue: 'authgear' },
    user_id: { stringValue: alice.id },
    roles: { listValue: { values: [{ stringValue: 'admin' }, { stringValue: 'editor' }] } }
  })
  const { dynamic_metadata: refused } = await client.check(check({}, { context_extensions: { policy: 'x=y' } }))
  t.match(refused?.fields, { reason: { stringValue: 'bad_policy' } })
  t.notOk(refused?.fields['user_id'])
})
