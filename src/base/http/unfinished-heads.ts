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
/**
 * The bytes that a connection may send between two looks at a read: half the budget where all that may be open hold as
 * many. A look copies what was read, and one a request would cost a quarter of a hit.
 */
const UNSEEN_BYTES = 8 * 1024

/** Heads of HTTP/1.1 that are not whole, and handshakes. */
export function boundHeads (server: FastifyInstance['server'], unfinished: Unfinished): void {
  const count = createHeadCounter(unfinished)
  if (!('setSecureContext' in server)) { server.on('connection', count); return }
  boundHandshakes(server, unfinished)
  server.on('secureConnection', (socket: TLSSocket) => { if (socket.alpnProtocol !== 'h2') count(socket) })
}

/** While there are so few connections that their heads fit the budget, whatever they send, nothing is counted. */
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

/** Bytes behind a whole head in the same read count as unfinished: nothing tells where that head ended. */
function countHead (socket: Socket, unfinished: Unfinished): void {
  let held: Held | undefined
  let unseen = 0
  const end = (): void => {
    if (held !== undefined) unfinished.release(held)
    held = undefined
  }
  socket.once('close', end)
  afterEachRead(socket, (bytes, read) => {
    unseen += bytes
    if (held === undefined && unseen < UNSEEN_BYTES) return
    const more = unseen
    unseen = 0
    if (read().subarray(-END_OF_HEAD.length).equals(END_OF_HEAD)) return end()
    held ??= unfinished.hold(ownerOfSocket(socket), 0)
    unfinished.feed(held)
    // the parser keeps no more; a webhook's body has a bound of its own
    unfinished.grow(held, Math.min(more, MAX_HEADER_BYTES - held.bytes))
  })
}

/** Node's parser of a connection; it calls what it has at `kOnExecute` after each read of its own. */
type Parser = {
  readonly constructor: { readonly kOnExecute?: number }
  readonly _consumed?: boolean
  /** It copies what was read. */
  readonly getCurrentBuffer?: () => Buffer
  [callback: number]: ((parsed: unknown) => void) | null | undefined
}

/**
 * Hands over each read. A listener for data would take the handle from Node's parser, and every request would cost a
 * quarter more. The parser is private to Node: where it looks otherwise, there is that listener.
 */
function afterEachRead (
  socket: Socket & { readonly parser?: Parser | null },
  take: (bytes: number, read: () => Buffer) => void
): void {
  const parser = socket.parser
  const event = parser?.constructor.kOnExecute ?? NaN
  const execute = parser?.[event]
  const read = parser?.getCurrentBuffer?.bind(parser)
  if (parser?._consumed !== true || read === undefined || typeof execute !== 'function') {
    socket.on('data', (chunk: Buffer) => take(chunk.length, () => chunk))
    return
  }
  parser[event] = (parsed) => {
    if (typeof parsed === 'number') take(parsed, read) // else it is an error, which ends the connection
    execute(parsed)
  }
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
