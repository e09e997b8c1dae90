import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { startEchoApp } from '../helpers/echo-app.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startProcess } from '../helpers/process.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { ALICE } from './people.ts'
import type { Edits, Proxy } from './proxy.ts'
import { caddy, envoy, haproxy, nginx } from './proxies.ts'
import { swap } from './snippets.ts'
import { startProxy } from './start-proxy.ts'

// Traefik over TLS runs the whole list: traefik.test.ts

for (const proxy of [caddy, nginx, envoy, haproxy]) {
  t.test(
    `${proxy.server} asks over TLS, on what "snippet ${proxy.snippet} --forward-auth https://…" writes`,
    { skip: skipOrFail(proxy.server) },
    async (t) => {
      t.test('the certificate is checked, and right', async (t) => {
        const { port, app } = await start(t, proxy, 'localhost')
        t.equal((await ask(port)).status, 401)
        t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie]] })).status, 200)
        t.strictSame(app.lastHeader('x-authgear-user-id'), [ALICE.id])
        t.match(await ask(port, { path: '/_auth/login' }), {
          status: 404,
          headers: { 'x-forward-auth-reason': 'not_found' }
        })
      })

      t.test('one for another name is not believed', async t => {
        const { port, app } = await start(t, proxy, 'other.example.com')
        t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie]] })).status, proxy.facts.adapterDown)
        t.ok((await ask(port, { path: '/_auth/login' })).status >= 500)
        t.equal(app.received.length, 0)
      })
    })
}

async function start (t: Test, proxy: Proxy, certified: string) {
  const [authgear, app] = await Promise.all([startSimulator(t), startEchoApp(t)])
  const { caFile, certFile, keyFile } = makeOwnCert(t, certified)
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: authgear.url,
    LISTEN_TLS_CERT_FILE: certFile,
    LISTEN_TLS_KEY_FILE: keyFile
  })
  const ready = certified === 'localhost' ? 401 : proxy.facts.adapterDown
  const port = await startProxy(
    t,
    { ...proxy, tls: true, edits: proxy.server === 'haproxy' ? await findingNames(t) : {} },
    { app: app.port, forwardAuth: [service.port], forwardAuthHost: 'localhost', caFile, options: ['--login'], ready }
  )
  return { port, app }
}

/**
 * HAProxy's HTTP client asks the name servers of resolv.conf, which know no localhost: one of this test's that knows
 * nothing else.
 */
async function findingNames (t: Test): Promise<Edits> {
  const server = createSocket('udp4').on('message', (query, { port, address }) =>
    server.send(answerTo(query), port, address)
  )
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const resolvers = `resolvers default\n    nameserver test 127.0.0.1:${server.address().port}\n\ndefaults\n`
  return { 'haproxy.cfg': written => swap(written, 'defaults\n', resolvers) }
}

/** 127.0.0.1 for an IPv4 address (RFC 1035, type 1), nothing for anything else. */
function answerTo (query: Buffer): Buffer {
  const end = query.indexOf(0, 12) + 5
  const found = query.readUInt16BE(end - 4) === 1
  const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, found ? 1 : 0, 0, 0, 0, 0])
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1])
  return Buffer.concat([head, query.subarray(12, end), ...found ? [record] : []])
}
