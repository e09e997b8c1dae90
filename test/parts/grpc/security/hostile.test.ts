import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { credentials } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { createHealth } from '../../../../src/parts/grpc/health.ts'
import { buildGrpcListener, CHECK_PATH } from '../../../../src/parts/grpc/listener.ts'
import { listenerBounds } from '../../../helpers/listener-bounds.ts'
import { grpcClient } from '../../../helpers/grpc.ts'
import { untilClosed } from '../../../helpers/raw-http.ts'
import { makeTls, type TlsFiles } from '../../../helpers/tls.ts'

const ANSWER = Buffer.from('answer')

async function start (t: Test, tls?: TlsFiles): Promise<number> {
  const material = tls && { cert: readFileSync(tls.certFile, 'utf8'), key: readFileSync(tls.keyFile, 'utf8') }
  const given = material && { ...material, ca: undefined }
  const { listen, server, drain } = buildGrpcListener({
    exchange: () => ANSWER, health: createHealth('service'), tls: given, bounds: listenerBounds()
  })
  await listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => drain.drain(10))
  return (server.address() as AddressInfo).port
}

/** Of clients that speak no HTTP/2: probes, scanners, and proxies that somebody sent to the wrong port. */
const FOREIGN: Readonly<Record<string, string>> = {
  'HTTP/1.1': 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'a call over HTTP/1.1': `POST ${CHECK_PATH} HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n` +
    'Content-Type: application/grpc\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0',
  'half a preface': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nand then none',
  'no protocol at all': '\0\0\0\0\r\n\r\n'
}

/** @returns what it was answered, when the other side has closed */
async function say (socket: Socket, connected: string, text: string): Promise<string> {
  let answer = ''
  socket.on('error', () => {}).on('data', (bytes) => { answer += bytes.toString('latin1') })
  const closed = untilClosed(socket)
  await once(socket, connected)
  socket.write(text)
  await closed
  return answer
}

t.test('a client that speaks no HTTP/2 is hung up on, and costs nobody the process', async (t) => {
  const tls = makeTls(t)
  const [plain, secure] = [await start(t), await start(t, tls)]
  const known = { host: '127.0.0.1', port: secure, ca: tls.ca, servername: 'localhost' }
  for (const [name, text] of Object.entries(FOREIGN)) {
    t.notMatch(await say(connectTcp(plain, '127.0.0.1'), 'connect', text), /HTTP\/1/, `${name}, in plain text`)
    t.notMatch(await say(connectTls(known), 'secureConnect', text), /HTTP\/1/, `${name}, over TLS without ALPN`)
  }
  t.same(await grpcClient(t, plain).send(Buffer.alloc(0)), ANSWER, 'and others are served')
  const trusted = credentials.createSsl(Buffer.from(tls.ca))
  t.same(await grpcClient(t, secure, trusted).send(Buffer.alloc(0)), ANSWER, 'over TLS too')
})
