import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { CHECK_PATH } from '../../src/parts/grpc/listener.ts'
import { connectionStart, type Field, headFrames, PREFACE_AND_SETTINGS } from './http2-frames.ts'

/** A program in the network of the service, which needs no session: it goes on until the signal. */
export type Attack = (port: number, over: AbortSignal) => Promise<void>

const quiet = <S extends { on: (event: 'error', listener: () => void) => S }>(socket: S): S =>
  socket.on('error', () => {})
const NAP_MS = 5
const HEAD = `GET /verify HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(60 * 1024)}`
const LONG: Field = ['x-long', 'a'.repeat(50 * 1024)]
const REQUEST: readonly Field[] = [
  [':method', 'GET'], [':scheme', 'https'], [':path', '/verify'], [':authority', 'x']
]

/** As many as fit the bound of a head, of which HTTP/2 counts 32 bytes more for each. */
const LINES = Array.from({ length: 1600 }, (_, at): Field => [`x${at.toString(36)}`, 'ab'])

/** Keeps so many open: one that ended is opened again. */
async function keepOpen (count: number, over: AbortSignal, open: () => Socket): Promise<void> {
  const sockets = new Set<Socket>()
  while (!over.aborted) {
    for (let i = 0; i < 100 && sockets.size < count; i++) {
      const socket = open()
      sockets.add(quiet(socket).once('close', () => sockets.delete(socket)))
    }
    await sleep(NAP_MS)
  }
  for (const socket of sockets) socket.destroy()
}

/** Heads that never end. */
export const unfinishedHeads: Attack = async (port, over) => {
  await keepOpen(4000, over, () => connect(port, '127.0.0.1', function (this: Socket) { this.write(HEAD) }))
}

/** Each line is two texts in V8's heap: nine times as much as it has bytes. */
const MANY_LINES = `GET /verify HTTP/1.1\r\nHost: x\r\n${'ab:cd\r\n'.repeat(3990)}`

/** Heads of many short lines that never end, on fewer connections than may wait to be accepted. */
export const unfinishedLines: Attack = async (port, over) => {
  await keepOpen(500, over, () => connect(port, '127.0.0.1', function (this: Socket) { this.write(MANY_LINES) }))
}

/** Heads over HTTP/2 without their last frame, on fewer connections than may be open in 128 MiB. */
export const unfinishedHeadsOverHttp2: Attack = (port, over) =>
  beginHeads([['x-long', 'a'.repeat(62 * 1024)], LONG], 250, port, over)

/** The same with many short lines, on as many connections as may be open in 256 MiB. */
export const unfinishedLinesOverHttp2: Attack = (port, over) =>
  beginHeads([...LINES, ['x-long', 'a'.repeat(16 * 1024)]], 500, port, over)

async function beginHeads (
  fields: readonly Field[], count: number, port: number, over: AbortSignal
): Promise<void> {
  const frames = headFrames([...REQUEST, ...fields], 1).slice(0, -1)
  const begun = Buffer.concat([PREFACE_AND_SETTINGS, ...frames.slice(0, 4)])
  await keepOpen(count, over, () => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    return socket.once('secureConnect', () => socket.write(begun))
  })
}

/** As many requests as fit a read, one after another, on connections that never read. */
export const unreadPipelines: Attack = async (port, over) => {
  const many = 'GET /verify HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2000)
  await keepOpen(50, over, () => connect(port, '127.0.0.1', function (this: Socket) { this.write(many) }).pause())
}

/** Connections of HTTP/2 that send long heads and never read what they are answered. */
export const unreadAnswers: Attack = async (port, over) => {
  const requests = requestsOf([...REQUEST, LONG], 400)
  await keepOpen(3, over, () => withoutReading(port, requests))
}

/** The same with heads of many short lines. */
export const unreadAnswersToManyLines: Attack = async (port, over) => {
  const requests = requestsOf([...REQUEST, ...LINES], 400)
  await keepOpen(20, over, () => withoutReading(port, requests))
}

/** The same with many connections, and short heads, also more than may be under way at a time. */
export const unreadShortAnswers: Attack = async (port, over) => {
  const requests = requestsOf(REQUEST, 200_000)
  await keepOpen(50, over, () => withoutReading(port, requests))
}

/** Streams 3, 5, 7 …, in pieces of some 64 KiB: made once, since they are the same on every connection. */
function requestsOf (fields: readonly Field[], count: number): readonly Buffer[] {
  const size = headFrames(fields, 1).reduce((bytes, { length }) => bytes + length, 0)
  const each = Math.max(1, Math.floor(65_536 / size))
  return Array.from({ length: Math.ceil(count / each) }, (_, piece) => Buffer.concat(
    Array.from({ length: each }, (_, i) => headFrames(fields, 3 + 2 * (piece * each + i))).flat()
  ))
}

/** Sends no acknowledgement of a bound either, since it reads none. */
function withoutReading (port: number, requests: readonly Buffer[]): Socket {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
  let next = 0
  const more = (): void => {
    while (!socket.destroyed && next < requests.length) {
      if (!socket.write(requests[next++] ?? '')) {
        socket.once('drain', more)
        return
      }
    }
  }
  socket.once('secureConnect', () => {
    socket.pause()
    socket.write(connectionStart(REQUEST))
    more()
  })
  return socket
}

/** Messages that never end, as many at a time as one connection may have. */
export const unfinishedMessages: Attack = async (port, over) => {
  while (!over.aborted) {
    const session = quiet(connectHttp2(`http://127.0.0.1:${port}`))
    const ended = new Promise((resolve) => { session.once('close', resolve); over.addEventListener('abort', resolve) })
    for (let i = 0; i < 1000; i++) beginMessage(session)
    await ended
    session.destroy()
  }
}

function beginMessage (session: ClientHttp2Session): void {
  const stream = quiet(session.request({
    ':method': 'POST', ':path': CHECK_PATH, 'content-type': 'application/grpc', te: 'trailers'
  }))
  const head = Buffer.alloc(5)
  head.writeUInt32BE(255 * 1024, 1)
  stream.write(Buffer.concat([head, Buffer.alloc(254 * 1024)]))
  // what it lets go is begun again
  stream.once('close', () => { if (!session.destroyed && !session.closed) setImmediate(beginMessage, session) })
}
