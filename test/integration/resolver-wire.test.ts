import t from 'tap'
import { openResolver, VALID } from '../helpers/resolver.ts'
import { makeTls } from '../helpers/tls.ts'
import { answering, startUpstream, type UpstreamRequest } from '../helpers/upstream.ts'
import { cookieNames, type Credentials } from '../../src/base/core/credentials.ts'
import type { ClientTrace } from '../../src/base/authgear/resolver/types.ts'

const ALWAYS = [
  ['host', 'myapp.authgear.cloud'],
  ['connection', 'keep-alive'],
  ['x-forwarded-host', 'myapp.authgear.cloud'],
  ['x-forwarded-proto', 'https']
]
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const rows: readonly (readonly [
    what: string, sent: Partial<Credentials>, trace: Partial<ClientTrace>, more: readonly (readonly [string, string])[]
])[] = [
  ['a bearer token', { bearer: 'abc' }, {}, [['authorization', 'Bearer abc']]],
  ['three cookies', { appSession: 'p', appAccessToken: 't', session: 's' }, {},
    [['cookie', 'app_session=p; app_access_token=t; session=s']]],
  [
    'everything',
    { bearer: 'b', session: '' },
    { address: '203.0.113.7', userAgent: 'Mozilla', traceparent: TRACE, tracestate: 'a=1' },
    [['authorization', 'Bearer b'], ['cookie', 'session='], ['user-agent', 'Mozilla'],
      ['x-forwarded-for', '203.0.113.7'], ['traceparent', TRACE], ['tracestate', 'a=1']]
  ],
  ['an IPv6 client', { bearer: 'b' }, { address: '2001:db8::1' },
    [['authorization', 'Bearer b'], ['x-forwarded-for', '2001:db8::1']]],
  ['a trace state without its parent', { bearer: 'b' }, { tracestate: 'a=1' }, [['authorization', 'Bearer b']]],
  ['bytes beyond ASCII', { bearer: 'caf\xe9' }, {}, [['authorization', 'Bearer caf\xe9']]],
  ['the largest credentials', { bearer: 'b'.repeat(16_384), appAccessToken: 'a'.repeat(16_384) }, {},
    [['authorization', `Bearer ${'b'.repeat(16_384)}`], ['cookie', `app_access_token=${'a'.repeat(16_384)}`]]]
]

const comparable = ({ line, headers }: UpstreamRequest) => ({
  line, headers: headers.map(([name, value]) => `${name}: ${value}`).toSorted()
})

t.test('the request to Authgear is what docs/interface.md says, and nothing else', async t => {
  const upstream = await startUpstream(t, answering(VALID))
  const resolver = openResolver(t, upstream.port)
  for (const [what, sent, trace, more] of rows) {
    upstream.forget()
    await resolver.ask(sent, trace)
    t.strictSame(
      upstream.requests.map(comparable),
      [comparable({ line: 'GET /resolve HTTP/1.1', headers: [...ALWAYS, ...more] } as unknown as UpstreamRequest)],
      what
    )
  }
})

t.test("keeps the resolver's path and query, the endpoint's scheme, the cookie prefix", async (t) => {
  const upstream = await startUpstream(t, answering(VALID))
  const resolver = openResolver(t, upstream.port, {
    resolverUrl: `http://127.0.0.1:${upstream.port}/a/_resolver/resolve?x=1`,
    endpoint: { host: 'localhost:3000', scheme: 'http' },
    cookieNames: cookieNames('__Host-')
  })
  await resolver.ask({ session: 's' })
  const [request] = upstream.requests
  t.equal(request?.line, 'GET /a/_resolver/resolve?x=1 HTTP/1.1')
  t.strictSame(['host', 'x-forwarded-host', 'x-forwarded-proto', 'cookie'].map((name) => request?.header(name)),
    ['localhost:3000', 'localhost:3000', 'http', '__Host-session=s'])
})

t.test('over TLS the certificate is the resolver host\'s, not the endpoint\'s', async t => {
  const tls = makeTls(t)
  const upstream = await startUpstream(t, answering(VALID), tls)
  const url = (host: string): string => `https://${host}:${upstream.port}/resolve`

  t.test('by name, with the CA', async t => {
    upstream.forget()
    const resolver = openResolver(t, upstream.port, { resolverUrl: url('localhost'), ca: tls.ca })
    t.match(await resolver.ask(), { resolution: { kind: 'valid' } })
    t.match(await resolver.ask(), { resolution: { kind: 'valid' } }, 'and again')
    t.strictSame(upstream.requests.map(({ servername, header }) => [servername, header('host')]),
      Array(2).fill(['localhost', 'myapp.authgear.cloud']))
  })

  t.test('by address, with the CA', async t => {
    upstream.forget()
    const resolver = openResolver(t, upstream.port, { resolverUrl: url('127.0.0.1'), ca: tls.ca })
    t.match(await resolver.ask(), { resolution: { kind: 'valid' } })
    t.equal(upstream.requests[0]?.servername, false, 'an address is no server name')
  })

  t.test('without the CA nothing is sent', async t => {
    upstream.forget()
    const resolver = openResolver(t, upstream.port, { resolverUrl: url('localhost') })
    t.equal(await resolver.ask(), 'AUTHGEAR_UNREACHABLE')
    t.equal(await resolver.causeOfFailure(), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    t.equal(upstream.requests.length, 0)
  })

  t.test('a certificate of another CA', async t => {
    upstream.forget()
    t.equal(await openResolver(t, upstream.port, { resolverUrl: url('localhost'), ca: makeTls(t).ca }).ask(),
      'AUTHGEAR_UNREACHABLE')
    t.equal(upstream.requests.length, 0)
  })

  t.test('a certificate of another name', async t => {
    upstream.forget()
    t.equal(await openResolver(t, upstream.port, { resolverUrl: url('127.0.0.2'), ca: tls.ca }).causeOfFailure(),
      'ERR_TLS_CERT_ALTNAME_INVALID')
    t.equal(upstream.requests.length, 0)
  })

  t.test("refuses a certificate of the endpoint's name where the resolver has another", async t => {
    const other = makeTls(t, ['myapp.authgear.cloud'])
    const server = await startUpstream(t, answering(VALID), other)
    t.equal(
      await openResolver(t, server.port, {
        resolverUrl: `https://127.0.0.2:${server.port}/resolve`, ca: other.ca
      }).causeOfFailure(),
      'ERR_TLS_CERT_ALTNAME_INVALID'
    )
  })
})
