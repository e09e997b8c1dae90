import type { Clock } from '../../clock.ts'
import { clockOffsetMs } from '../../core/clock-offset.ts'
import { linesOf } from '../../core/credentials.ts'

/** From here on tokens in force count as ended: what `doctor` calls clock-off. */
const OFF_MS = 60_000
/** Below it the clocks agree again: one that is just a minute off gives no line after line. */
const RIGHT_MS = 30_000
const LOOK_EVERY_MS = 10_000

export type ClockObserver = Readonly<{
  /** @param aheadMs of this machine's clock; below 0: behind */
  clockOff: (aheadMs: number) => void
  clockRight: () => void
}>

export type ClockWatch = Readonly<{
  /** With the header lines of each answer. */
  answered: (lines: readonly string[], tookMs: number) => void
  /** As it was seen last; undefined while the clocks agree. */
  aheadMs: () => number | undefined
}>

/** Compares this machine's clock with the `Date` of Authgear's answers, each ten seconds. */
export function createClockWatch (clock: Clock, observer: ClockObserver): ClockWatch {
  let lookedAt = -Infinity
  let offMs: number | undefined
  function answered (lines: readonly string[], tookMs: number): void {
    if (clock.monotonic() - lookedAt < LOOK_EVERY_MS) return
    lookedAt = clock.monotonic()
    const now = clock.wall()
    const aheadMs = clockOffsetMs({ asked: now - tookMs, answered: now, date: dateIn(lines) })
    // each is false for an answer without a Date, too
    if (Math.abs(aheadMs) > OFF_MS) {
      if (offMs === undefined) observer.clockOff(aheadMs)
      offMs = aheadMs
    } else if (offMs !== undefined && Math.abs(aheadMs) < RIGHT_MS) {
      offMs = undefined
      observer.clockRight()
    }
  }
  return Object.freeze({ answered, aheadMs: () => offMs })
}

const dateIn = (lines: readonly string[]): number => Date.parse(linesOf(lines, 'date')[1] ?? '')
