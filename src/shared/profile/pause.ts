import type { Clock } from '../../clock.ts'
import type { AdminApiErrorKind } from '../../authgear/admin-api/errors.ts'

const FIRST_PAUSE_MS = 1000
/** A query that hangs goes on in Authgear and holds a connection of its main database, of which a process has three. */
const PAUSE_AFTER_TIMEOUT_MS = 10_000
const MAX_PAUSE_MS = 30_000

/** Whether the Admin API may be asked: after a failure it is left in peace for a while, then tried with one query. */
export type Pause = Readonly<{
  isOver: () => boolean
  /** The last query failed: one at a time until one works. */
  isFailing: () => boolean
  failed: (kind: AdminApiErrorKind) => void
  worked: () => void
}>

export function createPause (clock: Pick<Clock, 'monotonic'>): Pause {
  let failures = 0
  let until = -Infinity
  return Object.freeze({
    isOver: () => clock.monotonic() >= until,
    isFailing: () => failures > 0,
    failed (kind: AdminApiErrorKind): void {
      const first = kind === 'timeout' ? PAUSE_AFTER_TIMEOUT_MS : FIRST_PAUSE_MS
      until = clock.monotonic() + Math.min(MAX_PAUSE_MS, first * 2 ** Math.min(failures, 5))
      failures++
    },
    worked: () => { failures = 0 }
  })
}
