import type { Socket } from 'node:net'

/**
 * A request that declares a body may never send it: what comes next on the connection would be taken for that body, and
 * what follows it for a request of its own (docs/interface.md, "Bounds of a request"; with a naive nginx an attacker
 * without a session reached the backend). So nothing that arrives after such a request's head is parsed any more, and
 * such a connection gets the one answer that is owed and no other.
 */
export type AbandonedInputs = WeakSet<Socket>

export function abandon (abandoned: AbandonedInputs, socket: Socket): void {
  abandoned.add(socket)
  stopParsing(socket)
}

/**
 * Node's parser reads from the socket's handle by itself: a listener of our own takes it back, then the parser's goes.
 */
export function stopParsing (socket: Socket): void {
  const discard = (): void => {}
  socket.on('data', discard)
  for (const listener of socket.rawListeners('data')) {
    if (listener !== discard) socket.removeListener('data', listener as () => void)
  }
  socket.removeAllListeners('end')
  socket.resume()
}
