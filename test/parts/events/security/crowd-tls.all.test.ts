import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { APPS, EVENTS, openEvents, type EventStream } from '../../../helpers/event-stream.ts'
import { overTls, startInProcess } from '../../../helpers/in-process.ts'
import { disabled } from '../../../helpers/log-entry.ts'
import { startSimulator } from '../../../helpers/simulator.ts'
import { makeTls } from '../../../helpers/tls.ts'
import { until } from '../../../helpers/until.ts'

/** More than there is room for; and more than may be there without a token, while an app comes. */
const [CROWD, MORE] = [1300, 300]
const AT_ONCE = 50
/** Theirs; apps come from 127.0.0.1. */
const localAddress = '127.0.0.2'

type Target = Readonly<{ port: number, ca: string }>

/** Each way to be connected without a token, which returns when the connection is there, or refused. */
const CROWDS: Readonly<Record<string, (target: Target) => Promise<Socket>>> = {
  'that say nothing': async ({ port }) => await settled(connect({ port, host: '127.0.0.1', localAddress }), 'connect'),
  'that have done their handshake for HTTP/2': async (target) => {
    const socket = await handshake(target, 'h2')
    if (socket.destroyed) return socket
    const session = connectHttp2('https://localhost', { createConnection: () => socket })
    session.on('error', () => {})
    return await Promise.race([once(session, 'remoteSettings'), once(socket, 'close')]).then(() => socket, () => socket)
  },
  'that have shown a wrong token': async (target) => {
    const socket = await handshake(target, 'http/1.1')
    if (socket.destroyed) return socket
    socket.write(`GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${'w'.repeat(32)}\r\n\r\n`)
    return await settled(socket, 'data')
  }
}

function handshake ({ port, ca }: Target, protocol: string): Promise<Socket> {
  const under = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {})
  const socket = connectTls({ socket: under, ca, servername: 'localhost', ALPNProtocols: [protocol] })
  return settled(socket, 'secureConnect')
}

async function settled (socket: Socket, event: string): Promise<Socket> {
  socket.on('error', () => {})
  await new Promise((resolve) => { socket.once(event, resolve).once('close', resolve) })
  return socket
}

async function gather (t: Test, join: () => Promise<Socket>, count: number): Promise<void> {
  for (let left = count; left > 0; left -= AT_ONCE) {
    for (const socket of await Promise.all(Array.from({ length: AT_ONCE }, join))) t.teardown(() => socket.destroy())
  }
}

/** @returns what was told so far */
async function openOverHttp2 (t: Test, port: number, ca: string): Promise<() => string> {
  const session = connectHttp2(`https://localhost:${port}`, { ca })
  t.teardown(() => session.destroy())
  const stream = session.request({ ':path': '/events', authorization: `Bearer ${APPS.wiki}` })
  let text = ''
  stream.setEncoding('utf8').on('data', (piece: string) => { text += piece })
  await until('it begins', () => text.includes('event: connected'))
  return () => text
}

for (const [what, join] of Object.entries(CROWDS)) {
  t.test(`connections over TLS ${what} keep no app out, and end no stream`, async (t) => {
    const tls = makeTls(t)
    const simulator = await startSimulator(t)
    const { eventsPort: port, service } = await startInProcess(t, {
      ...EVENTS, AUTHGEAR_ENDPOINT: simulator.url, ...overTls(tls)
    })
    const open = async (): Promise<EventStream> => await openEvents(t, port, { app: 'wiki', ca: tls.ca })
    const early = await open()
    const overHttp2 = await openOverHttp2(t, port, tls.ca)
    const target = { port, ca: tls.ca }
    await gather(t, () => join(target), CROWD)
    const late = await open()
    const [among] = await Promise.all([open(), gather(t, () => join(target), MORE)])
    await service.revocations?.revocations.revoke(disabled('u1'))
    for (const stream of [early, late, among]) await stream.until('told', ({ data }) => data['user'] === 'u1')
    await until('told by HTTP/2 too', () => overHttp2().includes('"user":"u1"'))
    t.equal(overHttp2().split('"user":"u1"').length, 2, 'once')
  })
}
