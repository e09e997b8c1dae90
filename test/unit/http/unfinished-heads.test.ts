import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createSecureServer } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { applyHttp1Limits, BYTES_PER_TEXT, MAX_HELD_HEAD_BYTES } from '../../../src/base/http/limits.ts'
import { createUnfinished } from '../../../src/base/http/unfinished.ts'
import { boundHeads } from '../../../src/base/http/unfinished-heads.ts'
import { makeTls } from '../../helpers/tls.ts'
import { until } from '../../helpers/until.ts'

const WHOLE = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
const BEGUN = `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(60 * 1024)}`
/** Whatever one connection sends fits into half of it: from the second one on all are counted. */
const MAX_BYTES = 2 * MAX_HELD_HEAD_BYTES
const OPENED = 20
/** Beside the first ones, whose reads may have come before they were counted. */
const CLOSED = OPENED - 2 - Math.ceil(MAX_BYTES / BEGUN.length)
const DATA_LISTENERS_OF_NODE = 1

type World = Readonly<{ server: Server, event: 'connection' | 'secureConnection', open: () => Socket }>

function plain (t: Test): World {
  const server = createServer((_request, response) => response.end())
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const open = (): Socket => connect((server.address() as AddressInfo).port, '127.0.0.1')
  applyHttp1Limits(server)
  return { server, event: 'connection', open }
}

function overTls (t: Test): World {
  const { ca, certFile, keyFile } = makeTls(t)
  const [key, cert] = [readFileSync(keyFile), readFileSync(certFile)]
  const server =
    createSecureServer({ key, cert, allowHTTP1: true }, (_request, response) => response.end()) as unknown as Server
  t.teardown(() => { server.close() })
  const open = (): Socket => connectTls({ ca, port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  applyHttp1Limits(server)
  return { server, event: 'secureConnection', open }
}

type Doing = Readonly<{
  /** What is done with a connection before its heads are counted. */
  before?: (accepted: Socket) => void
  send?: (client: Socket, index: number) => void
}>

/** The first client sends a whole head, the others begin one. */
const sendOne = (client: Socket, index: number): void => { client.write(index === 0 ? WHOLE : BEGUN) }

async function counting (t: Test, { server, event, open }: World, { before, send = sendOne }: Doing = {}) {
  const accepted: Socket[] = []
  server.on(event, (socket: Socket) => { accepted.push(socket); before?.(socket) })
  const unfinished = createUnfinished(MAX_BYTES)
  boundHeads(server, unfinished)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const clients: Socket[] = []
  for (let index = 0; index < OPENED; index++) {
    const [client, accepting] = [open().on('error', () => {}), once(server, event)]
    t.teardown(() => client.destroy())
    send(client.resume(), index)
    await accepting
    clients.push(client)
  }
  return { accepted, clients }
}

for (const [name, world] of Object.entries({ plain, 'over TLS': overTls })) {
  t.test(`heads that do not end are counted while Node’s parser goes on reading, ${name}`, async (t) => {
    const { accepted, clients } = await counting(t, world(t))
    await until('the oldest are closed', () => clients.filter(({ destroyed }) => destroyed).length >= CLOSED)
    t.equal(clients[0]?.destroyed, false, 'one whose head was whole stays')
    t.equal(clients.at(-1)?.destroyed, false, 'and the newest')
    const living = accepted.filter(({ destroyed }) => !destroyed)
    t.strictSame(new Set(living.map((socket) => socket.listenerCount('data'))), new Set([DATA_LISTENERS_OF_NODE]))
  })
}

t.test('where Node’s parser looks otherwise a listener counts', async (t) => {
  const { accepted, clients } = await counting(t, plain(t), {
    before: (socket) => { Object.assign((socket as Socket & { parser?: object }).parser ?? {}, { constructor: {} }) }
  })
  await until('the oldest are closed', () => clients.filter(({ destroyed }) => destroyed).length >= CLOSED)
  t.ok(accepted.at(-1)?.listenerCount('data') === DATA_LISTENERS_OF_NODE + 1)
})

t.test('a head of many short lines counts by what they take', async (t) => {
  const lines = 2000
  const { clients } = await counting(t, plain(t), {
    send (client) { client.write(`GET / HTTP/1.1\r\n${'a:b\r\n'.repeat(lines)}`) }
  })
  const remain = 2 + Math.ceil(MAX_BYTES / (2 * lines * BYTES_PER_TEXT))
  await until('the oldest are closed', () => clients.filter(({ destroyed }) => destroyed).length >= OPENED - remain)
})

t.test('heads in small pieces are counted, and whole ones, however many, are not', async (t) => {
  const { clients } = await counting(t, plain(t), {
    send (client, index) {
      if (index === 0) client.write(WHOLE.repeat(1000))
      else for (const piece of BEGUN.match(/[^]{1,1000}/g) ?? []) client.setNoDelay().write(piece)
    }
  })
  await until('the oldest are closed', () => clients.filter(({ destroyed }) => destroyed).length >= CLOSED)
  t.equal(clients[0]?.destroyed, false)
})
