import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { createUnfinished, type Held, ownerOf } from './unfinished.ts'

/** A connection, and how many requests that were admitted are under way on it. */
type Connection = { readonly hold: () => Held, held: Held | undefined, underWay: number }

export type Strangers = Readonly<{
  /** It has shown a token, or a whole request: its connection stays for as long as it is answered. */
  admit: (socket: Socket, answer: EventEmitter) => void
}>

/**
 * Bounds connections without an admitted client, from the first byte of a handshake on: over `max` it closes the oldest
 * one of the address that has most.
 */
export function boundStrangers (server: EventEmitter, max: number): Strangers {
  const strangers = createUnfinished(max)
  const connections = new WeakMap<Socket, Connection>()
  const release = (connection: Connection): void => {
    if (connection.held !== undefined) strangers.release(connection.held)
    connection.held = undefined
  }
  server.on('connection', (socket: Socket) => {
    const owner = ownerOf(socket.remoteAddress, () => socket.destroy())
    const hold = (): Held => strangers.hold(owner, 1)
    const connection = { hold, held: hold(), underWay: 0 }
    connections.set(socket, connection)
    socket.once('close', () => release(connection))
  })
  return Object.freeze({
    admit (over: Socket, answer: EventEmitter): void {
      const socket = underOf(over)
      const connection = connections.get(socket)
      if (connection === undefined) return
      connection.underWay++
      release(connection)
      answer.once('close', () => {
        if (--connection.underWay === 0 && !socket.destroyed) connection.held = connection.hold()
      })
    }
  })
}

/** The connection under a TLS socket has no public name. */
const underOf = (socket: Socket): Socket => (socket as TLSSocket & { _parent?: Socket | null })._parent ?? socket
