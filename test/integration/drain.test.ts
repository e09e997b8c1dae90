import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createSecureServer } from 'node:http2'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect as connectPlain } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t from 'tap'
import { trackConnections } from '../../src/base/http/drain.ts'
import { makeTls } from '../helpers/tls.ts'

const HOUR_MS = 3_600_000
const answer: RequestListener = (_request, response) => { response.end('answered') }

t.test('ends a connection whose second head never arrives, long before the grace is over', async (t) => {
  const { caFile, certFile, keyFile } = makeTls(t)
  const [key, cert, ca] = [readFileSync(keyFile), readFileSync(certFile), readFileSync(caFile)]
  const patient = { connectionsCheckingInterval: HOUR_MS, keepAliveTimeout: HOUR_MS }
  const plain = createServer(patient, answer)
  const secure = Object.assign(createSecureServer({ key, cert, allowHTTP1: true }, answer as never), patient)
  for (const server of [plain, secure]) {
    const { drain } = trackConnections(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const socket = server === plain
      ? connectPlain(port, '127.0.0.1')
      : connectTls({ port, host: '127.0.0.1', ca, ALPNProtocols: ['http/1.1'] })
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.1 200/)
    socket.write('GET / HTTP/1.1\r\nHost')
    socket.on('error', () => {})
    await drain(HOUR_MS)
    t.pass('the drain ended')
  }
})
