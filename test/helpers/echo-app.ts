import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { WebSocketServer, type WebSocket } from 'ws'

export interface Received {
  readonly method: string
  readonly url: string
  /** As they arrived: name, value, name, value. */
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly trailers: Readonly<NodeJS.Dict<string>>
}

export interface EchoApp {
  readonly port: number
  /** Every request that got through to the app, WebSocket handshakes too, oldest first. */
  readonly received: Received[]
  /** All lines of that name in the last request, the name compared without case. */
  lastHeader (name: string): readonly string[]
}

/** The app behind the proxy: records what reaches it, answers 200, and says over WebSocket whatever it hears. */
export async function startEchoApp (t: Test): Promise<EchoApp> {
  const received: Received[] = []
  const server = createServer({ maxHeaderSize: 1_048_576 }, async (request, reply) => {
    received.push(record(request, await text(request)))
    reply.end('this is the app')
  })
  server.maxHeadersCount = 0 // newer Nodes refuse what is over 2,000
  // before the handshake, which fails for other protocols
  server.on('upgrade', (request) => { received.push(record(request, '')) })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket: WebSocket) => {
    socket.on('error', () => {}) // a client that speaks something else
    socket.on('message', (data: Buffer) => socket.send(data.toString()))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(async () => {
    sockets.clients.forEach(socket => socket.terminate())
    server.closeAllConnections()
    await once(server.close(), 'close')
  })
  return { port: (server.address() as AddressInfo).port, received, lastHeader: name => linesOf(received.at(-1), name) }
}

function record (request: IncomingMessage, body: string): Received {
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    rawHeaders: request.rawHeaders,
    body,
    trailers: request.trailers
  }
}

function linesOf (request: Received | undefined, name: string): readonly string[] {
  const raw = request?.rawHeaders ?? []
  return raw.filter((_, i) => i % 2 === 1 && raw[i - 1]?.toLowerCase() === name.toLowerCase())
}
