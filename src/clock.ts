import type { EpochMs } from './core/jwt.ts'

/** Both clocks: the monotonic one for lives, the wall clock for what Authgear dates and for machines that were frozen. */
export type Clock = Readonly<{
  /** Milliseconds, never set back. */
  monotonic: () => number
  wall: () => EpochMs
}>

export const systemClock: Clock = Object.freeze({
  monotonic: () => performance.now(),
  wall: () => Date.now() as EpochMs
})
