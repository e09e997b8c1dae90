import type { Clock } from '../clock.ts'
import { GAP_INTERVAL, type AuditStore } from './store.ts'

/** Without Redis there is one replica, which leads; a start begins anew, since nothing is remembered from before it. */
export function createMemoryStore (clock: Pick<Clock, 'monotonic'>): AuditStore {
  let claimedAt = -Infinity
  return Object.freeze({
    hold: async () => true,
    release: async () => {},
    load: async () => undefined,
    save: async () => true,
    async claimGap () {
      const isFree = clock.monotonic() - claimedAt >= GAP_INTERVAL
      if (isFree) claimedAt = clock.monotonic()
      return isFree
    }
  } satisfies AuditStore)
}
