/** What of a worker shows that its event loop turns: its last report, another object each time. */
export type Watched = Readonly<{ report: () => object | undefined }>

/** Between ticks: as often as a worker reports. */
export const TICK_MS = 1000

/**
 * Ticks without a report, after which a worker stands still: twice what makes it count as silent. One with too much to
 * do reports late by its loop's delay (240 ms was the most in docs/reliability.md), and a heap snapshot or swapping may
 * take seconds; but a proxy that keeps one connection gets no answer until then.
 */
const STILL_TICKS = 20
/** Ticks before the first report: a start takes a second, or minutes where the machine swaps. */
const START_TICKS = 300
const NONE_YET: object = Object.freeze({})

type Silence = Readonly<{ report: object, ticks: number }>

/**
 * To be called at each tick of the primary itself. Its ticks are counted and not the time: while a container is frozen
 * or a machine sleeps the primary has none, and afterwards one at most before it reads what the workers sent.
 */
export function createWatchdog<W extends Watched> (
  workers: () => readonly W[],
  standsStill: (worker: W, ticks: number) => void
): () => void {
  const silences = new WeakMap<W, Silence>()
  return () => {
    for (const worker of workers()) {
      const report = worker.report() ?? NONE_YET
      const last = silences.get(worker)
      const ticks = last?.report === report ? last.ticks + 1 : 0
      silences.set(worker, { report, ticks })
      if (ticks === (report === NONE_YET ? START_TICKS : STILL_TICKS)) standsStill(worker, ticks)
    }
  }
}
