import type { Clock } from '../../src/base/clock.ts'
import type { EpochMs } from '../../src/base/core/token-expiry.ts'
import { NOW } from './jwt.ts'

export interface ManualClock extends Clock {
  /** Both clocks go on. */
  advance (ms: number): void
  /** The wall clock alone is set, forward or back. */
  setWall (ms: number): void
}

/** A clock that stands still until it is told to go on. */
export function manualClock (start: number = NOW): ManualClock {
  let monotonic = 1000
  let wall = start
  return Object.freeze({
    monotonic: () => monotonic,
    wall: () => wall as EpochMs,
    advance (ms: number) { monotonic += ms; wall += ms },
    setWall (ms: number) { wall = ms }
  })
}
