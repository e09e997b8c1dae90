import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

/** Connections that are looked at to make room for one. */
const MAX_LOOKS = 64

type Carrying = Socket & { _httpMessage?: unknown }

/**
 * So many connections at most: the new one takes the place of one that sent nothing since it was last looked at, and
 * has no request under way. Where there is none, the new one goes.
 * @param event by which a listener says that there is a new one
 */
export function boundConnections (
  server: EventEmitter,
  event: 'connection' | 'secureConnection',
  maxConnections: number
): void {
  /** Bytes that each had sent, in the order of looks. */
  const known = new Map<Carrying, number>()
  function makeRoom (): boolean {
    let looks = Math.min(MAX_LOOKS, known.size)
    for (const [socket, bytes] of known) {
      if (looks-- === 0) return false
      known.delete(socket)
      if (socket.bytesRead === bytes && socket._httpMessage == null) return socket.destroy() !== undefined
      known.set(socket, socket.bytesRead)
    }
    return false
  }
  server.on(event, (socket: Carrying) => {
    if (known.size >= maxConnections && !makeRoom()) { socket.destroy(); return }
    known.set(socket, 0)
    socket.once('close', () => known.delete(socket))
  })
}
