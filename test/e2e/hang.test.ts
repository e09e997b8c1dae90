import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { createObserver } from './behaviour.ts'
import type { Proxy } from './proxy.ts'
import { ALL, traefik } from './proxies.ts'
import { startProxy } from './start-proxy.ts'

/** HAProxy 2.6 makes four tries of 2.5 s; the others wait for 5. */
const LIMIT_MS = 15_000

const HANGS = ALL.filter(({ facts }) => facts.adapterHangs !== undefined)

t.test(
  'a forward-auth that hangs: each proxy gives up, and nobody passes',
  { skip: skipOrFail(...HANGS.map(({ server }) => server)) },
  async (t) => {
    const outcomes = await Promise.all(HANGS.map((proxy) => waited(t, proxy)))
    HANGS.forEach((proxy, i) => {
      const { status = 0, ms = 0 } = outcomes[i] ?? {}
      t.equal(status, proxy.facts.adapterHangs, proxy.server)
      t.ok(ms < LIMIT_MS, `${proxy.server}: after ${Math.round(ms)} ms`)
      createObserver(t, 'hang', proxy)('hangs', `${status} after ${ms < 7_500 ? 5 : 10} s`)
    })
    createObserver(t, 'hang', traefik)('hangs', '500 after 30 s (fixed; not run)')
  }
)

async function waited (t: Test, proxy: Proxy): Promise<{ status: number, ms: number }> {
  let hangs = false
  const forwardAuth = createServer(socket => {
    socket
      .on('error', () => {})
      .on('data', () => {
        if (!hangs) {
          socket.write(
            'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nX-Forward-Auth-Reason: no_credentials\r\n\r\n'
          )
        }
      })
  })
  await once(forwardAuth.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { forwardAuth.close() })
  const port = await startProxy(t, proxy, { app: 1, forwardAuth: [(forwardAuth.address() as AddressInfo).port] })
  hangs = true
  const start = performance.now()
  const { status } = await ask(port)
  return { status, ms: performance.now() - start }
}
