import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startBalancer } from '../helpers/balancer.ts'
import { startEchoApp } from '../helpers/echo-app.ts'
import { startNginx } from '../helpers/nginx.ts'
import { ask, type Asked } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startProcess } from '../helpers/process.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { BOB } from './people.ts'

const ROUNDS = 10

// What forward-auth shall take for the next request: without the ?role=admin of /admin, which bob does not meet.
const SMUGGLED = 'GET /verify HTTP/1.0' // needs no Host line
const CARRIER: Asked = { path: '/admin', headers: [['X-Padding', `padding ${SMUGGLED}`], ['Cookie', BOB.cookie]] }

t.test('nginx configured naively', { skip: skipOrFail('nginx') }, async t => {
  t.test('sends the client\'s Content-Length without its body', async t => {
    const heads = await recordHeads(t)
    t.match(heads[0], /\r\nContent-Length: 100\r\n/)
    t.ok(heads[0]?.endsWith('\r\n\r\n'), 'nothing came after the head')
    t.match(heads[1], SMUGGLED)
  })

  t.test('cannot be used to slip a request past a route\'s policy', async t => {
    const swallowed = (await recordHeads(t))[1]?.indexOf(SMUGGLED) ?? 0
    const authgear = await startSimulator(t)
    const service = await startProcess(t, { AUTHGEAR_ENDPOINT: authgear.url })
    const link = await startBalancer(t, [service.port])
    const app = await startEchoApp(t)
    const port = await startNaive(t, link.port, app.port)
    for (let round = 0; round < ROUNDS; round++) {
      const allowed = await ask(port, {
        method: 'POST',
        body: 'b'.repeat(swallowed),
        headers: [['Cookie', BOB.cookie]]
      })
      t.equal(allowed.status, 200)
      t.not((await ask(port, CARRIER)).status, 200)
    }
    t.strictSame(app.received.filter(({ url }) => url === '/admin'), [])
    t.ok(link.connections >= ROUNDS, 'no connection outlives a request that announced a body')
  })
})

/** The heads of two requests to forward-auth on one connection: of a POST with 100 bytes, and of the carrier. */
async function recordHeads (t: Test): Promise<string[]> {
  const heads: string[] = []
  const recorder = createServer(socket => socket.on('error', () => {}).on('data', data => {
    heads.push(data.toString('latin1'))
    socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n')
  }))
  await once(recorder.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { recorder.close() })
  const port = await startNaive(t, (recorder.address() as AddressInfo).port, 1)
  await ask(port, { method: 'POST', body: 'b'.repeat(100) })
  await ask(port, CARRIER)
  return heads
}

async function startNaive (t: Test, forwardAuth: number, app: number): Promise<number> {
  const text = readFileSync(join(import.meta.dirname, 'naive-nginx/nginx.conf'), 'utf8')
  return await startNginx(t, text.replace('FORWARD_AUTH', String(forwardAuth)).replaceAll('APP', String(app)))
}
