import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { BYTES_PER_TEXT, MAX_HEADER_BYTES, MAX_HELD_HEAD_BYTES } from './limits.ts'
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
 * The bytes that a connection may send between two looks at a read. All that may be open hold a sixteenth of the memory
 * limit by it, beside the budget. A look copies what was read, and one a request would cost a quarter of a hit.
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
  const few = unfinished.maxBytes / 2 / MAX_HELD_HEAD_BYTES
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
  let [unseen, counted] = [0, 0]
  const end = (): void => {
    if (held !== undefined) unfinished.release(held)
    held = undefined
    unseen = counted = 0
  }
  socket.once('close', end)
  afterEachRead(socket, (bytes, texts, read) => {
    unseen += bytes
    if (held === undefined && texts === 0 && unseen < UNSEEN_BYTES) return
    if (read().subarray(-END_OF_HEAD.length).equals(END_OF_HEAD)) return end()
    held ??= unfinished.hold(ownerOfSocket(socket), 0)
    unfinished.feed(held)
    // the parser keeps no more; a webhook's body has a bound of its own
    counted = Math.min(counted + unseen, MAX_HEADER_BYTES)
    unseen = 0
    unfinished.grow(held, counted + texts * BYTES_PER_TEXT - held.bytes)
  })
}

/** Node's parser of a connection; it calls what it has at `kOnExecute` after each read of its own. */
type Parser = {
  readonly constructor: { readonly kOnExecute?: number }
  readonly _consumed?: boolean
  /** It copies what was read. */
  readonly getCurrentBuffer?: () => Buffer
  /** Names and values of a head that is not whole, but for the last lines. */
  readonly _headers?: readonly string[]
  [callback: number]: ((parsed: unknown) => void) | null | undefined
}

const textsOf = (parser: Parser | null | undefined): number => parser?._headers?.length ?? 0

/**
 * Hands over each read, with the number of texts that the parser keeps behind it. A listener for data would take the
 * handle from Node's parser, and every request would cost a quarter more. The parser is private to Node: where it lacks
 * what is needed here, that listener counts instead.
 */
function afterEachRead (
  socket: Socket & { readonly parser?: Parser | null },
  take: (bytes: number, texts: number, read: () => Buffer) => void
): void {
  const parser = socket.parser
  const event = parser?.constructor.kOnExecute ?? NaN
  const execute = parser?.[event]
  const read = parser?.getCurrentBuffer?.bind(parser)
  if (parser?._consumed !== true || read === undefined || typeof execute !== 'function') {
    socket.on('data', (chunk: Buffer) => take(chunk.length, textsOf(parser), () => chunk))
    return
  }
  parser[event] = (parsed) => {
    if (typeof parsed === 'number') take(parsed, textsOf(parser), read) // else an error, which ends the connection
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
