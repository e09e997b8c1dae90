import type { ListenerBounds } from '../../src/base/http/listener.ts'
import { createUnfinished } from '../../src/base/http/unfinished.ts'

/** Of a listener that a test builds by itself: more than it needs. */
export function listenerBounds ({ bytes = 2 ** 25, maxConnections = 1000 } = {}): ListenerBounds {
  return { unfinished: createUnfinished(bytes), maxConnections, streamMs: 30_000 }
}
