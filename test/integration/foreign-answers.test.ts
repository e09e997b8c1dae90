import { gzipSync } from 'node:zlib'
import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { recordedExchanges, type HeaderList } from '../helpers/recorded.ts'
import { cookiePrefixOf } from '../helpers/replay.ts'
import { ask } from '../helpers/request.ts'
import { MARKS, openResolver, SILENCE, VALID } from '../helpers/resolver.ts'
import { answering, reply, startUpstream } from '../helpers/upstream.ts'
import { cookieNames } from '../../src/base/core/credentials.ts'

const PAGE = '<!doctype html><title>Back soon</title>'
const HTML = ['Content-Type', 'text/html; charset=utf-8'] as const
const CHUNKED = ['Transfer-Encoding', 'chunked'] as const
const chunksOf = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
const without = (name: string): HeaderList => MARKS.filter(([one]) => one !== name)
const REFUSED_LINE = ['X-Authgear-Session-Valid', 'false'] as const
const VALID_LINES = [['X-Authgear-Session-Valid', 'true'], ['X-Authgear-User-Id', 'eve']] as const

/** Answers of whatever may stand in front of Authgear, or in its place. */
const FOREIGN: Readonly<Record<string, string>> = {
  'a maintenance page with its length': reply(200, [HTML], PAGE),
  'a maintenance page in chunks': reply(200, [HTML, CHUNKED], chunksOf(PAGE)),
  'a compressed maintenance page': reply(200, [HTML, ['Content-Encoding', 'gzip']], gzipSync(PAGE).toString('latin1')),
  'a page that ends with its connection': `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${PAGE}`,
  'a page under all of Authgear’s own headers': reply(200, MARKS, PAGE),
  'a page beside a refusal': reply(200, [REFUSED_LINE, ...MARKS], PAGE),
  'a page beside an identity': reply(200, [...VALID_LINES, ...MARKS], PAGE),
  'a page in chunks beside an identity': reply(200, [...VALID_LINES, ...MARKS, CHUNKED], chunksOf(PAGE)),
  'the default backend of an ingress': reply(200, [['Content-Type', 'text/plain']], 'default backend - 404'),
  'an empty answer with a Content-Type, as nginx returns': reply(200, [['Content-Type', 'text/plain']]),
  'Authgear’s own headers with a Content-Type': reply(200, [HTML, ...MARKS]),
  'an identity with a Content-Type': reply(200, [HTML, ...VALID_LINES, ...MARKS]),
  'an empty answer without any header': reply(200),
  'an empty answer of a web server': reply(200, [['Server', 'Caddy'], ['Date', 'Tue, 24 Nov 2026 23:11:50 GMT']]),
  'an empty answer of an app with nosniff': reply(200, without('X-Robots-Tag').slice(-1)),
  'an empty answer without nosniff': reply(200, without('X-Content-Type-Options')),
  'an empty answer of a web server with common security headers': reply(200, [
    ['X-Content-Type-Options', 'nosniff'], ['Permissions-Policy', 'interest-cohort=()'], ['X-Robots-Tag', 'none']
  ]),
  'another value of X-Content-Type-Options': reply(200, [
    ...without('X-Content-Type-Options'), ['X-Content-Type-Options', 'sniff']
  ]),
  'a portal’s cookie': reply(200, [['Set-Cookie', 'portal=1; Path=/'], ['X-Content-Type-Options', 'nosniff']]),
  'a foreign cookie where one of Authgear’s headers is missing': reply(200, [
    ['Set-Cookie', 'portal=1; Path=/'], ...without('X-Robots-Tag')
  ])
}

t.test('a 200 that is not Authgear’s is 503, and nobody remembers it', async (t) => {
  for (const [what, answer] of Object.entries(FOREIGN)) {
    await t.test(what, async (t) => {
      const upstream = await startUpstream(t, (socket) => {
        socket.write(answer, 'latin1')
        if (answer.includes('Connection: close')) socket.end()
      })
      const replica = await startInProcess(t, {
        AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud',
        AUTHGEAR_RESOLVER_URL: `http://127.0.0.1:${upstream.port}/resolve`
      })
      const verify = () => ask(replica.port, { path: '/verify', headers: [['Authorization', 'Bearer abc']] })
      for (const asked of [1, 2]) {
        const { status, headers } = await verify()
        t.strictSame([status, headers['x-forward-auth-reason']], [503, 'authgear_unavailable'])
        t.equal(upstream.requests.length, asked, 'Authgear is asked at each request')
      }
      upstream.script = answering(VALID)
      t.equal((await verify()).status, 200, 'and Authgear itself is believed at once')
    })
  }
})

t.test('a captive portal that redirects is 503', async (t) => {
  const upstream = await startUpstream(t, answering(reply(302, [['Location', 'http://portal.example/'], HTML], PAGE)))
  t.equal(await openResolver(t, upstream.port).ask(), 'AUTHGEAR_MISCONFIGURED')
})

/** What a proxy between may add, take away or rewrite, while the answer stays Authgear's. */
const GENUINE: Readonly<Record<string, readonly [answer: string, kind: 'valid' | 'invalid']>> = {
  'no headers at all but Authgear’s own': [SILENCE, 'invalid'],
  'an older Authgear, without X-Robots-Tag': [reply(200, without('X-Robots-Tag')), 'invalid'],
  'a proxy that removes Permissions-Policy': [reply(200, without('Permissions-Policy')), 'invalid'],
  'a proxy that repeats nosniff': [
    reply(200, [...without('X-Content-Type-Options'), ['x-content-type-options', 'nosniff, NoSniff']]), 'invalid'
  ],
  'a proxy that adds headers': [reply(200, [...MARKS, ['Server', 'envoy'], ['Via', '1.1 x']]), 'invalid'],
  'a load balancer’s cookie': [reply(200, [...MARKS, ['Set-Cookie', 'AWSALB=x; Path=/']]), 'invalid'],
  'a proxy that sends no length': [reply(200, [...MARKS, CHUNKED], '0\r\n\r\n'), 'invalid'],
  'a refusal without the headers around it': [reply(200, [REFUSED_LINE]), 'invalid'],
  'a refusal that clears the session cookie': [
    reply(200, [REFUSED_LINE, ['Set-Cookie', 'session=; Path=/; HttpOnly; SameSite=Lax'], ...MARKS]), 'invalid'
  ],
  'an identity behind a load balancer': [
    reply(200, [...VALID_LINES, ['Set-Cookie', 'INGRESSCOOKIE=x; Path=/'], ['Server', 'nginx']]), 'valid'
  ]
}

t.test('an answer of Authgear’s stays one behind a proxy', async (t) => {
  for (const [what, [answer, kind]] of Object.entries(GENUINE)) {
    await t.test(what, async (t) => {
      const upstream = await startUpstream(t, answering(answer))
      t.match(await openResolver(t, upstream.port).ask(), { resolution: { kind } })
    })
  }
})

t.test('no recorded answer of the resolver is taken for a foreign one', async (t) => {
  const recorded = recordedExchanges().filter(
    ({ request, response }) => response.status === 200 && request.path !== '/healthz'
  )
  t.equal(recorded.length, 233)
  for (const exchange of recorded) {
    const { headers } = exchange.response
    const upstream = await startUpstream(t, answering(reply(200, headers)))
    const resolver = openResolver(t, upstream.port, { cookieNames: cookieNames(cookiePrefixOf(exchange)) })
    t.equal(typeof await resolver.ask(), 'object', exchange.name)
    await resolver.close()
    await upstream.close()
  }
})
