import type { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { type Http1Socket, isAwaited, KEEP_ALIVE_MS, movedBytes } from './limits.ts'

/**
 * A connection ends after `forMs` without a byte that its client sent, or read of an answer, and twice `everyMs` later
 * at most.
 */
type Idle = Readonly<{ forMs: number, everyMs: number }>

const IDLE: Idle = { forMs: KEEP_ALIVE_MS, everyMs: 5000 }

type Known = { bytes: number, looks: number }

/**
 * Ends idle connections of HTTP/1.1 by one timer for all. Node's own is set with each answer, and taken back with the
 * next request.
 * @param event by which the server says that there is a new connection
 * @returns one look at all of them, which the timer takes
 */
export function endIdle (
  server: EventEmitter & Pick<Server, 'keepAliveTimeout'>,
  event: 'connection' | 'secureConnection',
  { forMs, everyMs }: Idle = IDLE
): () => void {
  const connections = new Map<Http1Socket, Known>()
  server.keepAliveTimeout = 0
  server.on(event, (socket: Http1Socket & Partial<Pick<TLSSocket, 'alpnProtocol'>>) => {
    if (socket.alpnProtocol === 'h2') return // its session has a time of its own
    connections.set(socket, { bytes: 0, looks: 0 })
    socket.once('close', () => connections.delete(socket))
  })
  function look (): void {
    for (const [socket, known] of connections) {
      if (looksIdle(socket, known) > forMs / everyMs) socket.destroy()
    }
  }
  const timer = setInterval(look, everyMs).unref()
  server.once('close', () => clearInterval(timer))
  return look
}

/** @returns looks in a row, this one too, since which nothing moved and no answer is waited for */
function looksIdle (socket: Http1Socket, known: Known): number {
  const bytes = movedBytes(socket)
  const isIdle = bytes === known.bytes && !isAwaited(socket)
  known.bytes = bytes
  known.looks = isIdle ? known.looks + 1 : 0
  return known.looks
}
