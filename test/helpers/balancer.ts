import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'
import { joinSockets } from './join-sockets.ts'

export interface Balancer {
  readonly port: number
  /** Connections accepted so far. */
  readonly connections: number
  /** No new connection goes to this port, as after a failed readiness probe. */
  drop (target: number): void
  /** New connections may go to this port too, as after its first readiness probe. */
  add (target: number): void
  /** The opposite of `drop`. */
  restore (target: number): void
  /** Closes what is open. */
  sever (): void
  /** Closes what is open and accepts no more: a connection is refused. */
  down (): Promise<void>
  up (): Promise<void>
  /** Closes what is open, and resets each new connection as soon as it is there, until `up`. */
  reset (): void
}

/**
 * A TCP balancer before one or more servers, each connection to the next of them that accepts; it counts, and can fail.
 */
export async function startBalancer (t: Test, first: readonly number[]): Promise<Balancer> {
  const targets = [...first]
  const open = new Set<Socket>()
  const dropped = new Set<number>()
  let connections = 0
  let resetting = false
  const server = createServer({ allowHalfOpen: true }, client => {
    const turn = connections++
    client.on('error', () => {})
    if (resetting) return client.resetAndDestroy()
    const order = targets.map((_, i) => targets[(turn + i) % targets.length] ?? 0)
      .filter((target) => !dropped.has(target))
    reach(order, target => joinSockets(open, client, target), () => client.resetAndDestroy())
  })
  const listen = async (port: number): Promise<void> => { await once(server.listen(port, '127.0.0.1'), 'listening') }
  const sever = (): void => open.forEach(socket => socket.destroy())
  const down = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    sever()
    await closed
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  t.teardown(down)
  return {
    port,
    get connections () { return connections },
    sever,
    down,
    async up () { resetting = false; if (!server.listening) await listen(port) },
    drop (target) { dropped.add(target) },
    add (target) { targets.push(target) },
    restore (target) { dropped.delete(target) },
    reset () { resetting = true; sever() }
  }
}

/** The first of these ports that accepts. */
function reach ([port, ...others]: readonly number[], found: (socket: Socket) => void, nobody: () => void): void {
  if (port === undefined) return nobody()
  const refused = (): void => reach(others, found, nobody)
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).once('error', refused)
  socket.once('connect', () => { socket.off('error', refused); found(socket) })
}
