import { momentOf, type Clock } from '../clock.ts'
import type { Reading } from '../metrics.ts'
import { sampleOf, type Sample } from './sample.ts'

/** Milliseconds that the page looks back. */
export const WINDOW = 15 * 60_000
/** Milliseconds between two samples. */
export const STEP = 10_000

export type History = Readonly<{
  /** Keeps how things are; to be called every STEP. */
  sample: () => void
  /** The samples of the last WINDOW, oldest first, and how things are right now; two at least. */
  window: () => readonly Sample[]
}>

/** One more than fits, so that the oldest is as old as the window. */
const KEPT = WINDOW / STEP + 1

/** Bounded: 91 samples of about a kilobyte. The first is taken at once, so that what is counted since is all there was. */
export function createHistory ({ read, clock }: Readonly<{ read: () => Reading, clock: Clock }>): History {
  const take = (): Sample => sampleOf(read(), momentOf(clock))
  const kept: Sample[] = [take()]
  return Object.freeze({
    sample () {
      kept.push(take())
      if (kept.length > KEPT) kept.shift()
    },
    window () {
      const now = take()
      // a machine that slept took none meanwhile: half a step, since timers are late
      const recent = kept.filter(({ monotonic }) => now.monotonic - monotonic <= WINDOW + STEP / 2)
      return [...(recent.length === 0 ? kept.slice(-1) : recent), now]
    }
  })
}
