import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { MANAGEMENT_TOKEN, startInProcess } from '../helpers/in-process.ts'
import { managementOf } from '../helpers/management.ts'
import { ask } from '../helpers/request.ts'
import { until } from '../helpers/until.ts'

const MANY = 400
const HALF = [
  'POST /revocations HTTP/1.1', 'Host: localhost', `Authorization: Bearer ${MANAGEMENT_TOKEN}`,
  'Content-Type: application/json', 'Content-Length: 20', '', '{"user_id": '
].join('\r\n')

t.test('requests that nobody finishes keep a bounded number of connections', async (t) => {
  const { service } = await startInProcess(t, { AUTHGEAR_ENDPOINT: 'http://127.0.0.1:1' })
  const management = managementOf(t, service)
  const port = Number(new URL(await management.listen({ host: '127.0.0.1', port: 0 })).port)
  const sockets: Socket[] = []
  t.teardown(() => { for (const socket of sockets) socket.destroy() })
  for (let n = 0; n < MANY; n++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
    socket.write(HALF)
    if (n % 100 === 0) t.equal((await ask(port, { path: '/livez' })).status, 200, 'a probe is answered')
  }
  const held = promisify(management.server.getConnections.bind(management.server))
  await until('the oldest are gone', async () => await held() <= 150)
  const headers = [['Authorization', `Bearer ${MANAGEMENT_TOKEN}`], ['Content-Type', 'application/json']] as const
  const answer = await ask(port, { method: 'POST', path: '/revocations', headers, body: '{"user_id": "somebody"}' })
  t.equal(answer.status, 200, 'an operator is answered')
})

t.test('a request that is not finished has an end', async (t) => {
  const { service } = await startInProcess(t, { AUTHGEAR_ENDPOINT: 'http://127.0.0.1:1' })
  const { requestTimeout, headersTimeout } = managementOf(t, service).server
  t.strictSame({ requestTimeout, headersTimeout }, { requestTimeout: 30_000, headersTimeout: 20_000 })
})

t.test('a stranger is refused before a body comes', async (t) => {
  const { service } = await startInProcess(t, { AUTHGEAR_ENDPOINT: 'http://127.0.0.1:1' })
  const management = managementOf(t, service)
  const port = Number(new URL(await management.listen({ host: '127.0.0.1', port: 0 })).port)
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write(HALF.replace(MANAGEMENT_TOKEN, 'x'))
  t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 401 /)
})
