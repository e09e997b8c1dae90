import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { MAX_HEADER_BYTES } from './limits.ts'
import { createUnfinished, type Held, type Owner, ownerOf, type Unfinished } from './unfinished.ts'

/** The bound of one handshake in bytes: an unfinished ClientHello may have twice as many, and most have 2 KiB. */
const HANDSHAKE_BYTES = 64 * 1024
/**
 * The handshakes' share, beside the budget: peers that only connect, from any number of addresses, end nobody's
 * requests.
 */
const SHARE_OF_HANDSHAKES = 1 / 4
const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Heads of HTTP/1.1 that are not whole, and handshakes. */
export function boundHeads (server: FastifyInstance['server'], unfinished: Unfinished): void {
  const count = createHeadCounter(unfinished)
  if (!('setSecureContext' in server)) { server.on('connection', count); return }
  boundHandshakes(server, unfinished)
  server.on('secureConnection', (socket: TLSSocket) => { if (socket.alpnProtocol !== 'h2') count(socket) })
}

/**
 * While there are so few connections that their heads fit the budget, whatever they send, nothing is counted: Node's
 * parser reads undisturbed, and faster.
 */
function createHeadCounter (unfinished: Unfinished): (socket: Socket) => void {
  const few = unfinished.maxBytes / 2 / MAX_HEADER_BYTES
  const uncounted = new Set<Socket>()
  let open = 0
  return (socket) => {
    open++
    uncounted.add(socket)
    socket.once('close', () => { open--; uncounted.delete(socket) })
    if (open <= few) return
    for (const one of uncounted) countHead(one, unfinished)
    uncounted.clear()
  }
}

/** Bytes behind a whole head in the same read count as unfinished: no listener of ours is notified. */
function countHead (socket: Socket, unfinished: Unfinished): void {
  let held: Held | undefined
  const end = (): void => {
    if (held !== undefined) unfinished.release(held)
    held = undefined
  }
  socket.on('data', (chunk: Buffer) => {
    if (chunk.subarray(-END_OF_HEAD.length).equals(END_OF_HEAD)) return end()
    held ??= unfinished.hold(ownerOfSocket(socket), 0)
    unfinished.feed(held)
    // the parser keeps no more; a webhook's body has a bound of its own
    unfinished.grow(held, Math.min(chunk.length, MAX_HEADER_BYTES - held.bytes))
  }).once('close', end)
}

const ownerOfSocket = (socket: Socket): Owner => ownerOf(socket.remoteAddress, () => socket.destroy())

/** Also of gRPC's listener. */
export function boundHandshakes (server: NodeJS.EventEmitter, { maxBytes }: Pick<Unfinished, 'maxBytes'>): void {
  const unfinished = createUnfinished(maxBytes * SHARE_OF_HANDSHAKES)
  const underWay = new Map<Socket, Held>()
  const end = (socket: Socket): void => {
    const held = underWay.get(socket)
    if (held !== undefined) unfinished.release(held)
    underWay.delete(socket)
  }
  server.on('connection', (socket: Socket) => {
    underWay.set(socket, unfinished.hold(ownerOfSocket(socket), HANDSHAKE_BYTES))
    socket.once('close', () => end(socket))
  })
  // the connection under a TLS socket has no public name
  server.on('secureConnection', ({ _parent: under }: TLSSocket & { _parent?: Socket }) => { if (under) end(under) })
}
