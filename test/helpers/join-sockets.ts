import type { Socket } from 'node:net'

/**
 * Each gets what the other sends, and its half-close as one: both sockets must be made with `allowHalfOpen`. Without it
 * an answer that overtakes a request's body would end as a reset for who still writes, which no network does.
 * @param open has them as long as they live
 */
export function joinSockets (open: Set<Socket>, one: Socket, other: Socket): void {
  one.pipe(other).pipe(one)
  for (const [socket, peer] of [[one, other], [other, one]] as const) {
    open.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => peer.destroy())
    // closed before its end: destroyed here, or reset; after it the peer may still have bytes to send
    socket.once('close', () => { open.delete(socket); if (!socket.readableEnded) peer.destroy() })
  }
}
