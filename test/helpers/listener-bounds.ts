import type { ListenerBounds } from '../../src/request/http/listener.ts'
import { createUnfinished } from '../../src/request/http/unfinished.ts'

/** Of a listener that a test builds by itself: more than it needs. */
export function listenerBounds ({ bytes = 2 ** 25, maxConnections = 1000 } = {}): ListenerBounds {
  return { unfinished: createUnfinished(bytes), maxConnections, streamMs: 30_000 }
}
