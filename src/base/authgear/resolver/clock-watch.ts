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

/** Compares this machine's clock with the `Date` of Authgear's answers, each ten seconds. */
export function createClockWatch (
  clock: Clock,
  observer: ClockObserver
): (lines: readonly string[], tookMs: number) => void {
  let lookedAt = -Infinity
  let isOff = false
  return (lines, tookMs) => {
    if (clock.monotonic() - lookedAt < LOOK_EVERY_MS) return
    lookedAt = clock.monotonic()
    const answered = clock.wall()
    const aheadMs = clockOffsetMs({ asked: answered - tookMs, answered, date: dateIn(lines) })
    // false for an answer without a Date, too
    if (!isOff && Math.abs(aheadMs) > OFF_MS) {
      isOff = true
      observer.clockOff(aheadMs)
    } else if (isOff && Math.abs(aheadMs) < RIGHT_MS) {
      isOff = false
      observer.clockRight()
    }
  }
}

const dateIn = (lines: readonly string[]): number => Date.parse(linesOf(lines, 'date')[1] ?? '')
