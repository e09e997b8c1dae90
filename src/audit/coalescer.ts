import type { Clock } from '../clock.ts'

/** Milliseconds between two times that everything is revoked. */
const INTERVAL = 10_000

export type Coalescer = Readonly<{
  request: () => void
  isRequested: () => boolean
  /** Milliseconds until it is to be done; undefined where nobody asked. */
  waitMs: () => number | undefined
  done: () => void
  /** It is somebody else's now. */
  forget: () => void
}>

/** The first of many at once, one more at the end of the interval for all that came meanwhile. */
export function createCoalescer (clock: Pick<Clock, 'monotonic'>): Coalescer {
  let last = -Infinity
  let isRequested = false
  return Object.freeze({
    request: () => { isRequested = true },
    isRequested: () => isRequested,
    waitMs: () => isRequested ? Math.max(0, last + INTERVAL - clock.monotonic()) : undefined,
    done: () => { last = clock.monotonic(); isRequested = false },
    forget: () => { isRequested = false }
  })
}
