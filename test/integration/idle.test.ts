import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createSecureServer } from 'node:http2'
import { connect as connectPlain, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { connect as connectTls } from 'node:tls'
import { endIdle } from '../../src/base/http/idle.ts'
import { untilClosed } from '../helpers/raw-http.ts'
import { makeTls } from '../helpers/tls.ts'
import { until } from '../helpers/until.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
/** Looks by hand: no test waits for a time. */
const IDLE = { forMs: 3 * 3_600_000, everyMs: 3_600_000 }

/** @returns what opens a connection, and one look at all of them */
async function start (t: Test, isTls: boolean, answer: RequestListener) {
  const files = makeTls(t)
  const [key, cert, ca] = [files.keyFile, files.certFile, files.caFile].map((file) => readFileSync(file))
  const server = isTls
    ? createSecureServer({ key: key ?? '', cert: cert ?? '', allowHTTP1: true }, answer as never) as unknown as Server
    : createServer(answer)
  const look = endIdle(server, isTls ? 'secureConnection' : 'connection', IDLE)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  t.teardown(() => { server.close() })
  async function open (protocol = 'http/1.1'): Promise<Socket> {
    const socket = isTls
      ? connectTls({ port, host: '127.0.0.1', ca: ca ?? '', ALPNProtocols: [protocol] })
      : connectPlain(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    await once(socket.on('error', () => {}), isTls ? 'secureConnect' : 'connect')
    return socket
  }
  return { open, look }
}

async function ask (socket: Socket): Promise<void> {
  socket.write(GET)
  await once(socket, 'data')
}

for (const isTls of [false, true]) {
  const over = isTls ? 'over TLS' : 'over plain HTTP'
  t.test(`an idle connection ends ${over}, one in use does not`, async (t) => {
    const { open, look } = await start(t, isTls, (_request, response) => { response.end('ok') })
    const [idle, used] = [await open(), await open()]
    await Promise.all([ask(idle), ask(used)])
    look() // it sees what came
    for (let looks = 0; looks < 3; looks++) {
      look()
      await ask(used)
    }
    t.equal(idle.destroyed, false, 'not before its time')
    look()
    await untilClosed(idle.resume())
    await ask(used)
  })

  t.test(`one whose answer takes long does not end ${over}`, async (t) => {
    const answers: (() => void)[] = []
    const { open, look } = await start(t, isTls, (_request, response) => answers.push(() => response.end('ok')))
    const socket = await open()
    socket.write(GET)
    await until('it is asked', () => answers.length === 1)
    for (let looks = 0; looks < 20; looks++) look()
    answers[0]?.()
    t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.1 200/)
    for (let looks = 0; looks < 3; looks++) look()
    t.equal(socket.destroyed, false, 'its time begins with the answer')
    for (let looks = 0; looks < 2; looks++) look()
    await untilClosed(socket.resume())
  })

  t.test(`one that reads no answer ends ${over}, however many it asks for`, async (t) => {
    const sockets: Socket[] = []
    const { open, look } = await start(t, isTls, (request, response) => {
      sockets.push(request.socket)
      response.end('x'.repeat(64 * 1024))
    })
    const client = await open() // nobody reads it
    client.write(GET.repeat(2000))
    await until('answers wait', () => sockets.length > 1)
    await until('its time is over', () => { look(); return sockets[0]?.destroyed === true })
    t.pass('it ended')
  })
}

t.test('no look ends a session of HTTP/2', async (t) => {
  const { open, look } = await start(t, true, (_request, response) => { response.end('ok') })
  const socket = await open('h2')
  for (let looks = 0; looks < 20; looks++) look()
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00')
  await once(socket, 'data')
  t.equal(socket.destroyed, false)
})
