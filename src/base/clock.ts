import type { EpochMs } from './core/token-expiry.ts'

/**
 * Both clocks: the monotonic one for lives, the wall clock for what Authgear dates and for machines that were frozen.
 */
export type Clock = Readonly<{
  /** Milliseconds, never set back. */
  monotonic: () => number
  wall: () => EpochMs
}>

/** One instant by both clocks. */
export type Moment = Readonly<{ monotonic: number, wall: number }>
export const NEVER: Moment = { monotonic: -Infinity, wall: -Infinity }

export function momentOf (clock: Clock): Moment {
  return { monotonic: clock.monotonic(), wall: clock.wall() }
}

/**
 * Milliseconds since then, by the clock that says more: one of them stands still while a machine sleeps, the other may
 * be set back.
 */
export function elapsedSince ({ monotonic, wall }: Moment, clock: Clock): number {
  return Math.max(clock.monotonic() - monotonic, clock.wall() - wall)
}

export const systemClock: Clock = Object.freeze({
  monotonic: () => performance.now(),
  wall: () => Date.now() as EpochMs
})

/** Calls again and again until the function that it returns is called. */
export type Repeat = (ms: number, act: () => void) => () => void

/** Keeps no process alive. */
export const systemRepeat: Repeat = (ms, act) => {
  const timer = setInterval(act, ms).unref()
  return () => clearInterval(timer)
}
