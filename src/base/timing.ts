import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, systemClock } from './clock.ts'

/** Once in so many milliseconds, however often it is called. */
export function throttle (clock: Pick<Clock, 'monotonic'>, everyMs: number, act: () => void): () => void {
  let last = -Infinity
  return () => {
    if (clock.monotonic() - last < everyMs) return
    last = clock.monotonic()
    act()
  }
}

const MINUTE_MS = 60_000

export const onceAMinute = (clock: Pick<Clock, 'monotonic'>, act: () => void): (() => void) =>
  throttle(clock, MINUTE_MS, act)

/** Told of each attempt and its error, it tells when attempts begin to fail, and when they succeed again. */
export function tellChanges<E> (fails: (error: E) => void, succeeds: () => void): (error: E | undefined) => void {
  let isFailing = false
  return (error) => {
    if (error !== undefined && !isFailing) fails(error)
    if (error === undefined && isFailing) succeeds()
    isFailing = error !== undefined
  }
}

/** Milliseconds that tests set, so that none of them depends on the speed of a machine. */
export type Waits = Readonly<{
  /** Life of a lease in Redis, and the wait for one that another replica holds. */
  leaseMs?: number | undefined
  leaseWaitMs?: number | undefined
  /** Between two looks at the secret check. */
  secretCheckMs?: number | undefined
  /** Time that something new of a part must have stood in Redis before it counts. */
  settleMs?: number | undefined
  /** For one query of a part. */
  queryMs?: number | undefined
}>

const LOOK_INTERVAL_MS = 5

/** A test's own clock, and what lets its time pass. */
export type Waiting = Readonly<{ clock?: Pick<Clock, 'monotonic'>, sleep?: (ms: number) => Promise<unknown> }>

/** For what a start waits for. Resolves when it is over, and after `withinMs` in any case. */
export async function waitUntil (isOver: () => boolean, withinMs: number, waiting: Waiting = {}): Promise<void> {
  const { clock = systemClock, sleep: pause = sleep } = waiting
  const began = clock.monotonic()
  while (!isOver() && clock.monotonic() - began < withinMs) await pause(LOOK_INTERVAL_MS)
}
