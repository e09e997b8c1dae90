import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { startEchoApp } from '../helpers/echo-app.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { caddy, nginx, traefikPlain } from './proxies.ts'
import { startProxy } from './start-proxy.ts'

/** What forward-auth reads, or hands on to Authgear. */
const PASSED: readonly HeaderLine[] = [
  ['Authorization', 'Bearer token'],
  ['Cookie', 'a=1; session=s; b=2'],
  ['Accept', 'text/html'],
  ['User-Agent', 'a browser'],
  ['Sec-Fetch-Mode', 'navigate'],
  ['Sec-Fetch-Dest', 'document'],
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
  ['X-Forwarded-For', '203.0.113.9'],
  ['X-Forwarded-Host', 'spoofed.example.com'],
  ['X-Forwarded-Proto', 'gopher'],
  ['Expect', '100-continue'],
  ['Content-Type', 'text/plain']
]

for (const proxy of [traefikPlain, caddy, nginx]) {
  t.test(`what ${proxy.server} asks forward-auth`, { skip: skipOrFail(proxy.server) }, async t => {
    const seen = await recordForwardAuth(t)
    const app = await startEchoApp(t)
    const port = await startProxy(t, proxy, { app: app.port, forwardAuth: [seen.port] })
    await ask(port, { method: 'POST', path: '/page?role=none&optional=1', body: 'a body', headers: [...PASSED, ...SPOOFED] })
    const { method, url, headers } = seen.last()

    t.equal(url?.replace(/\?$/, ''), '/verify', 'nothing of the client\'s path or query')
    t.equal(method, proxy.facts.methodAtAdapter)
    for (const [name, value] of PASSED) t.equal(headers[name.toLowerCase()], value, name)
    t.equal(headers['x-forwarded-for'], '127.0.0.1', 'the client\'s address, not what it says')
    t.equal(headers['x-forwarded-host'], 'app.example.com')
    t.equal(headers['x-forwarded-proto'], 'http')
    for (const name of ['content-length', 'transfer-encoding', 'expect', 'upgrade']) t.notOk(name in headers, name)
    t.strictSame(Object.keys(headers).filter(name => name.includes('authgear')), [])
    t.equal(app.received.length, 0)
  })
}

/** Refuses everybody, and keeps what it was asked last. */
async function recordForwardAuth (t: Test): Promise<{ port: number, last: () => IncomingMessage }> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, reply) => {
    requests.push(request)
    reply.writeHead(401, { 'Content-Length': 0 }).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.close(); server.closeAllConnections() })
  return {
    port: (server.address() as AddressInfo).port,
    last () {
      const request = requests.at(-1)
      if (request === undefined) throw new Error('forward-auth was not asked')
      return request
    }
  }
}
