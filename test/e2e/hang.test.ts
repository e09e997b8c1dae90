import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import type { Proxy } from './proxy.ts'
import { caddy, nginx } from './proxies.ts'
import { startProxy } from './start-proxy.ts'

const LIMIT_MS = 8_000

// Traefik's limit, 30 s, cannot be set
t.test('a forward-auth that hangs', { skip: skipOrFail('caddy', 'nginx') }, async t => {
  const [fromCaddy, fromNginx] = await Promise.all([waited(t, caddy), waited(t, nginx)])
  t.match(fromCaddy, { status: 504 }, 'Caddy gives up')
  t.match(fromNginx, { status: 503 }, 'nginx gives up')
  t.ok(Math.max(fromCaddy.ms, fromNginx.ms) < LIMIT_MS, 'once, without a second try')
})

async function waited (t: Test, proxy: Proxy): Promise<{ status: number, ms: number }> {
  let hangs = false
  const forwardAuth = createServer(socket => {
    socket.on('error', () => {}).on('data', () => { if (!hangs) socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n') })
  })
  await once(forwardAuth.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { forwardAuth.close() })
  const port = await startProxy(t, proxy, { app: 1, forwardAuth: [(forwardAuth.address() as AddressInfo).port] })
  hangs = true
  const start = performance.now()
  const { status } = await ask(port)
  return { status, ms: performance.now() - start }
}
