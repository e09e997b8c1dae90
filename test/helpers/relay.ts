import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'
import { joinSockets } from './join-sockets.ts'

export interface Relay {
  readonly port: number
  /** Cuts what is open; new connections reach that port, or are cut off if it is `undefined`. */
  to (target: number | undefined): void
  /** For new connections only; what is open stays where it is. */
  route (target: number): void
}

/** One address for servers that take each other's place: a failover as clients see it. */
export async function startRelay (t: Pick<Test, 'teardown'>, first: number | undefined): Promise<Relay> {
  const open = new Set<Socket>()
  let target = first
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (target === undefined) return client.resetAndDestroy()
    joinSockets(open, client, connect({ port: target, host: '127.0.0.1', allowHalfOpen: true }))
  })
  const cut = (): void => { for (const socket of open) socket.destroy() }
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.close(); cut() })
  return Object.freeze({
    port: (server.address() as AddressInfo).port,
    to (next: number | undefined) { target = next; cut() },
    route (next: number) { target = next }
  })
}
