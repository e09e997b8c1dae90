import { createServer, type IncomingMessage } from 'node:http'
import type { Test } from 'tap'
import { startEchoApp, type EchoApp } from '../../helpers/echo-app.ts'
import { listenFree } from '../../helpers/listen-free.ts'
import { ask, type HeaderLine } from '../../helpers/request.ts'
import type { Observe } from '../behaviour.ts'
import type { Proxy } from '../proxy.ts'
import { startProxy } from '../start-proxy.ts'
import { shipped, type Case } from './case.ts'

/** What forward-auth reads, or hands on to Authgear. */
const PASSED: readonly HeaderLine[] = [
  ['Authorization', 'Bearer token'],
  ['Cookie', 'a=1; __Host-forward-auth=o; session=s; b=2'],
  ['Accept', 'text/html'],
  ['Accept-Language', 'de'],
  ['User-Agent', 'a browser'],
  ['Sec-Fetch-Mode', 'navigate'],
  ['Sec-Fetch-Dest', 'document'],
  ['Sec-Purpose', 'prefetch'],
  ['X-Requested-With', 'XMLHttpRequest'],
  ['X-Request-ID', 'request-1'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ['tracestate', 'vendor=1']
]

/** What the client has no say in. */
const SPOOFED: readonly HeaderLine[] = [
  ['X-Authgear-User-Id', 'spoofed'],
  ['X-Authgear-Foo', 'spoofed'],
  ['X_Authgear_User_Id', 'spoofed'],
  ['X-Forward-Auth-Policy', 'role=spoofed'],
  ['X-Forwarded-For', '203.0.113.9'],
  ['X-Forwarded-Host', 'spoofed.example.com'],
  ['X-Forwarded-Proto', 'gopher'],
  ['Expect', '100-continue'],
  ['Content-Type', 'text/plain']
]

/** For how long this machine may stand still: HAProxy 2.6, with its four tries of 2.5 s, ends before Traefik's 30 s. */
const STALL_MS = 15_000
/** A timer may be so much early. */
const TIMER_MS = 500

export const asks: readonly Case[] = [
  {
    name: 'what it asks forward-auth, what it makes of the answer, and for how long it waits for one',
    only: (proxy) => shipped(proxy) || proxy.snippet === 'envoy-prefix',
    async run (t, { observe }, proxy) {
      const [seen, app] = await Promise.all([startForwardAuth(t), startEchoApp(t)])
      const port = await startProxy(t, { ...proxy, tls: false }, { app: app.port, forwardAuth: [seen.port] })
      const asked = { port, facts: proxy.facts, seen, app, observe }
      await t.test('the question', async (t) => testQuestion(t, asked))
      await t.test('answers that are not ours today', async (t) => testAnswers(t, asked))
      await t.test('a forward-auth that hangs: it gives up, and nobody passes', async (t) => {
        if (proxy.facts.adapterHangs === undefined) return observe('hangs', '500 after 30 s (fixed; not run)')
        await testHanging(t, asked)
      })
    }
  }
]

/** A proxy between a client, a forward-auth of the test's own and an app. */
type Asked = Readonly<{ port: number, facts: Proxy['facts'], seen: ForwardAuth, app: EchoApp, observe: Observe }>

async function testQuestion (t: Test, { port, facts, seen, app, observe }: Asked): Promise<void> {
  await ask(port, {
    method: 'POST', path: '/page?role=none&optional=1', body: 'a body', headers: [...PASSED, ...SPOOFED]
  })
  const { method, url, headers } = seen.last()

  t.match(url, facts.urlAtAdapter)
  t.equal(method, facts.methodAtAdapter === 'client' ? 'POST' : facts.methodAtAdapter)
  for (const [name, value] of PASSED) {
    if (name === 'X-Request-ID' && facts.ownRequestId) {
      t.match(headers['x-request-id'], /^[0-9a-f-]{36}$/, 'its own id, as in its log')
    } else t.equal(headers[name.toLowerCase()], value, name)
  }
  t.equal(headers['x-forwarded-for'], '127.0.0.1', 'the client\'s address, not what it says')
  t.equal(headers['x-forwarded-host'], 'app.example.com')
  t.equal(headers['x-forwarded-proto'], 'http')
  t.equal(headers['content-length'] ?? '0', '0', 'no body')
  for (const name of ['transfer-encoding', 'expect', 'upgrade', 'content-type', 'x-forward-auth-policy']) {
    t.notOk(name in headers, name)
  }
  t.strictSame(Object.keys(headers).filter(name => name.includes('authgear')), [])
  t.equal(app.received.length, 0)
  observe('method', facts.methodAtAdapter === 'client' ? 'the client\'s' : facts.methodAtAdapter)
  observe('path', facts.urlAtAdapter.test('/verify?role=client') ? 'the client\'s' : 'the verify URL\'s')
  observe('passed', `all twelve${facts.ownRequestId ? ' (its own `X-Request-ID`)' : ''}`)
}

async function testAnswers (t: Test, { port, facts, seen, app, observe }: Asked): Promise<void> {
  const answered = async (status: number, headers: Readonly<Record<string, string>> = {}) => {
    seen.answer(status, headers)
    const before = app.received.length
    const answer = await ask(port, { headers: [['Cookie', 'session=s']] })
    return { ...answer, reached: app.received.length - before }
  }
  const inWords = ({ status, headers }: Awaited<ReturnType<typeof answered>>): string =>
    `${status}${headers.location === undefined ? '' : headers.location.startsWith('http://127.0.0.1') ? " to forward-auth's inner address" : ', as it is'}`

  const absolute = await answered(302, { Location: 'https://app.example.com/_auth/login?rd=x' })
  t.equal(absolute.status, facts.passesRefusals ? 302 : 503)
  if (facts.passesRefusals) t.equal(absolute.headers.location, 'https://app.example.com/_auth/login?rd=x')
  const relative = await answered(302, { Location: '/_auth/login' })
  const other2xx = await answered(204)
  const cookieOnRefusal = await answered(401, { 'Set-Cookie': 'a=1' })
  const cookieOnSuccess = await answered(200, { 'Set-Cookie': 'a=1' })
  t.equal(cookieOnSuccess.status, 200)
  t.equal(cookieOnSuccess.reached, 1)
  for (const refusal of [absolute, relative, cookieOnRefusal]) t.equal(refusal.reached, 0)
  observe('redirect', inWords(absolute))
  observe('relative', inWords(relative))
  observe('other2xx',
    other2xx.reached === 1 ? 'allowed' : `${other2xx.status} for the client`)
  observe(
    'setCookie',
    [cookieOnRefusal, cookieOnSuccess]
      .map(({ headers }) => (headers['set-cookie'] === undefined ? 'dropped' : 'passes'))
      .join(', ')
  )
}

async function testHanging (t: Test, { port, facts, seen, app, observe }: Asked): Promise<void> {
  const [start, before] = [performance.now(), app.received.length]
  seen.hang()
  const { status } = await ask(port)
  const ms = performance.now() - start
  t.equal(status, facts.adapterHangs)
  const hangMs = facts.hangSeconds * 1000
  t.ok(ms > hangMs - TIMER_MS && ms < hangMs + STALL_MS, `after ${Math.round(ms)} ms`)
  t.equal(app.received.length, before)
  observe('hangs', `${status} after ${facts.hangSeconds} s`)
}

type ForwardAuth = Readonly<{
  port: number
  last: () => IncomingMessage
  answer: (status: number, headers: Readonly<Record<string, string>>) => void
  hang: () => void
}>

/** Refuses everybody until it is told otherwise, and keeps what it was asked last. */
async function startForwardAuth (t: Test): Promise<ForwardAuth> {
  const requests: IncomingMessage[] = []
  let next: readonly [number, Readonly<Record<string, string>>] | undefined = [401, {}]
  const server = createServer((request, reply) => {
    requests.push(request)
    if (next === undefined) return
    reply
      .writeHead(next[0], {
        ...(next[0] === 204 ? {} : { 'Content-Length': 0 }), 'X-Forward-Auth-Reason': 'test', ...next[1]
      })
      .end()
  })
  return {
    port: await listenFree(t, server),
    answer (status, headers) { next = [status, headers] },
    hang () { next = undefined },
    last () {
      const request = requests.at(-1)
      if (request === undefined) throw new Error('forward-auth was not asked')
      return request
    }
  }
}
