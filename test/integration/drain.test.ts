import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createSecureServer } from 'node:http2'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect as connectPlain, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { trackConnections } from '../../src/base/http/drain.ts'
import { makeTls } from '../helpers/tls.ts'

const HOUR_MS = 3_600_000
const answer: RequestListener = (_request, response) => { response.end('answered') }

type Listening = Readonly<{ port: number, connect: () => Socket, drain: (graceMs: number) => Promise<void> }>

/** Of each kind that speaks HTTP/1.1, and so patient that nothing but a drain ends a connection. */
async function listening (t: Test, handle: RequestListener): Promise<readonly Listening[]> {
  const { caFile, certFile, keyFile } = makeTls(t)
  const [key, cert, ca] = [readFileSync(keyFile), readFileSync(certFile), readFileSync(caFile)]
  const patient = { connectionsCheckingInterval: HOUR_MS, keepAliveTimeout: HOUR_MS }
  const plain = createServer(patient, handle)
  const secure = Object.assign(createSecureServer({ key, cert, allowHTTP1: true }, handle as never), patient)
  return await Promise.all([plain, secure].map(async (server) => {
    const { drain } = trackConnections(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const connect = (): Socket => server === plain
      ? connectPlain(port, '127.0.0.1')
      : connectTls({ port, host: '127.0.0.1', ca, ALPNProtocols: ['http/1.1'] })
    return { port, connect, drain }
  }))
}

t.test('ends a connection whose second head never arrives, long before the grace is over', async (t) => {
  for (const { connect, drain } of await listening(t, answer)) {
    const socket = connect()
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.1 200/)
    socket.write('GET / HTTP/1.1\r\nHost')
    socket.on('error', () => {})
    await drain(HOUR_MS)
    t.pass('the drain ended')
  }
})

t.test('the answer to a request under way says that its connection ends with it', async (t) => {
  let release = (): void => {}
  let taken = (): void => {}
  const hold: RequestListener = (request, response) => { taken(); release = () => answer(request, response) }
  for (const { connect, drain } of await listening(t, hold)) {
    const arrived = new Promise<void>((resolve) => { taken = resolve })
    const socket = connect()
    const said = text(socket)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await arrived
    const drained = drain(HOUR_MS)
    release()
    t.match(await said, /^HTTP\/1.1 200 .*\r\nConnection: close\r\n.*answered$/s)
    await drained
  }
})
