import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { overTls, startInProcess } from '../helpers/in-process.ts'
import {
  decodeStatus, type Field, headFrames, HEADERS, PREFACE_AND_SETTINGS, readFrames
} from '../helpers/http2-frames.ts'
import { untilClosed } from '../helpers/raw-http.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import { until } from '../helpers/until.ts'

/** Whatever one connection sends fits into half of it. */
const UNFINISHED_BYTES = 2 ** 20
const LONG = `X-Long: ${'a'.repeat(60 * 1024)}`
const BEGUN = `GET /verify HTTP/1.1\r\nHost: x\r\n${LONG}`

async function start (t: Test, maxConnections = 1000): Promise<number> {
  const { url } = await startSimulator(t)
  const listeners = { unfinishedBytes: UNFINISHED_BYTES, maxConnections }
  return (await startInProcess(t, { AUTHGEAR_ENDPOINT: url, listeners })).port
}

async function open (t: Test, port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

async function statusOf (socket: Socket, text: string): Promise<string | undefined> {
  const answered = once(socket, 'data') as Promise<[Buffer]>
  socket.write(text)
  return /^HTTP\/1\.1 (\d+)/.exec((await answered)[0].toString('latin1'))?.[1]
}

t.test('over the budget the oldest unfinished heads go', async (t) => {
  const port = await start(t)
  const whole = await open(t, port, '')
  t.equal(await statusOf(whole, 'GET /verify HTTP/1.1\r\nHost: x\r\n\r\n'), '401')
  const sockets: Socket[] = []
  for (let i = 0; i < 40; i++) sockets.push(await open(t, port, BEGUN))
  await until('the oldest ones are closed', () => sockets.filter(({ destroyed }) => destroyed).length >= 40 - 18 - 1)
  const newest = sockets.at(-1)
  if (newest === undefined) throw new Error('nobody connected')
  t.equal(await statusOf(newest, '\r\n\r\n'), '401', 'the newest goes on')
  t.equal(await statusOf(whole, 'GET /verify HTTP/1.1\r\nHost: x\r\n\r\n'), '401', 'as does one that is idle')
})

t.test('a body declared over TLS, with all bounds in force, makes Node warn of nothing', async (t) => {
  const warnings: string[] = []
  const heard = ({ name, message }: Error): void => { warnings.push(`${name}: ${message}`) }
  process.on('warning', heard)
  t.teardown(() => { process.off('warning', heard) })
  const tls = makeTls(t)
  const { url } = await startSimulator(t)
  const listeners = { unfinishedBytes: UNFINISHED_BYTES, maxConnections: 1000 }
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: url, listeners, ...overTls(tls) })
  const sockets: Socket[] = []
  for (let i = 0; i < 5; i++) { // more than may send whatever they like
    const socket = connectTls({ port, host: '127.0.0.1', ca: tls.ca, ALPNProtocols: ['http/1.1'] })
    t.teardown(() => socket.destroy())
    await once(socket, 'secureConnect')
    sockets.push(socket)
  }
  for (const socket of sockets) {
    t.equal(await statusOf(socket, 'POST /verify HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n'), '401')
    await untilClosed(socket.end())
  }
  t.strictSame(warnings, [])
})

t.test('a new connection takes the place of one that sends nothing any more', async (t) => {
  const port = await start(t, 2)
  const [idle, fed] = [await open(t, port, ''), await open(t, port, '')]
  const request = 'GET /verify HTTP/1.1\r\nHost: x\r\n\r\n'
  t.equal(await statusOf(fed, request), '401')
  await until('there is room', async () => (await statusOf(await open(t, port, ''), request).catch(() => '')) === '401')
  await untilClosed(idle)
  t.equal(await statusOf(fed, request), '401', 'who sends goes on')
})

t.test('a client that only connects over TLS ends no connection whose handshake is over', async (t) => {
  const { url } = await startSimulator(t)
  const files = makeTls(t)
  const listeners = { unfinishedBytes: UNFINISHED_BYTES, maxConnections: 1000 }
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: url, listeners, ...overTls(files) })
  const kept = connectTls({ port, host: '127.0.0.1', ca: files.ca })
  t.teardown(() => kept.destroy())
  await once(kept, 'secureConnect')
  const request = 'GET /verify HTTP/1.1\r\nHost: x\r\n\r\n'
  t.equal(await statusOf(kept, request), '401')
  const bare: Socket[] = []
  for (let i = 0; i < 20; i++) bare.push(await open(t, port, ''))
  await until('the oldest of them are closed', () => bare.filter(({ destroyed }) => destroyed).length >= 16)
  t.equal(await statusOf(kept, request), '401', 'it goes on')
})

const HEAD: readonly Field[] = [
  [':method', 'GET'], [':scheme', 'https'], [':path', '/verify'], [':authority', 'x'], ['x-long', 'a'.repeat(60 * 1024)]
]

t.test('heads over HTTP/2 whose frames do not end count, and who goes on is answered', async (t) => {
  const { url } = await startSimulator(t)
  const files = makeTls(t)
  const listeners = { unfinishedBytes: UNFINISHED_BYTES, maxConnections: 1000 }
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: url, listeners, ...overTls(files) })
  const frames = headFrames(HEAD, 1)
  const begin = async (): Promise<Socket> => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: files.ca, ALPNProtocols: ['h2'] }).on('error', () => {})
    t.teardown(() => socket.destroy())
    await once(socket, 'secureConnect')
    socket.resume().write(Buffer.concat([PREFACE_AND_SETTINGS, ...frames.slice(0, -1)]))
    return socket
  }
  const sockets = await Promise.all(Array.from({ length: 40 }, begin))
  await until('the oldest ones are closed', () => sockets.filter(({ destroyed }) => destroyed).length >= 40 - 22)
  const newest = await begin()
  const answered = new Promise<number>((resolve) => newest.on('data', (bytes: Buffer) => {
    const head = readFrames(bytes).find(({ type }) => type === HEADERS)
    if (head !== undefined) resolve(decodeStatus(head.payload))
  }))
  newest.write(frames.at(-1) ?? '')
  t.equal(await answered, 401)
})
