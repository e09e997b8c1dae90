import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, systemClock } from '../clock.ts'

const LOOK_INTERVAL_MS = 5

/** A test's own clock, and what lets its time pass. */
export type Waiting = Readonly<{ clock?: Pick<Clock, 'monotonic'>, sleep?: (ms: number) => Promise<unknown> }>

/** For what a start waits for. Resolves when it is over, and after `withinMs` in any case. */
export async function waitUntil (isOver: () => boolean, withinMs: number, waiting: Waiting = {}): Promise<void> {
  const { clock = systemClock, sleep: pause = sleep } = waiting
  const began = clock.monotonic()
  while (!isOver() && clock.monotonic() - began < withinMs) await pause(LOOK_INTERVAL_MS)
}
