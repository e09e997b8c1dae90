import type { Clock } from '../clock.ts'
import type { Decided } from './line.ts'

/** How often it happened between two times, in milliseconds since 1970. */
export type Counted = Readonly<{ decided: Decided, count: number, first: number, last: number }>

type Fold = { readonly decided: Decided, readonly bytes: number, readonly ends: number } & {
  count: number
  first: number
  last: number
}

export type Folds = Readonly<{
  /**
   * The first of its kind is written at once; the same within the window is counted and written when it ends.
   * @param name what makes two decisions the same
   * @param decide made only for what begins a window
   */
  add: (name: string, decide: () => Decided) => void
  /** Writes what has ended. */
  sweep: () => void
  /** Writes all. */
  flush: () => void
  size: () => number
}>

/** Of a fold, beside its texts. */
const FOLD_BYTES = 400

/**
 * @param maxBytes of all folds: beyond, the oldest is written early
 * @param write what is counted is handed over once: the sum of all counts is the number of decisions
 */
export function createFolds (
  { windowMs, maxBytes, clock }: Readonly<{ windowMs: number, maxBytes: number, clock: Clock }>,
  write: (counted: Counted) => void
): Folds {
  // in the order of their ends, since all last equally long
  const folds = new Map<string, Fold>()
  let bytes = 0

  function end (name: string, fold: Fold): void {
    folds.delete(name)
    bytes -= fold.bytes
    const { decided, count, first, last } = fold
    if (count > 0) write({ decided, count, first, last })
  }

  function endWhile (isEnded: (fold: Fold) => boolean): void {
    for (const [name, fold] of folds) {
      if (!isEnded(fold)) return
      end(name, fold)
    }
  }

  function begin (name: string, decided: Decided): void {
    const now = clock.wall()
    write({ decided, count: 1, first: now, last: now })
    if (windowMs === 0) return
    const size = FOLD_BYTES + 2 * (name.length + lengthOf(decided))
    folds.set(name, { decided, bytes: size, ends: clock.monotonic() + windowMs, count: 0, first: 0, last: 0 })
    bytes += size
    endWhile(() => bytes > maxBytes)
  }

  return Object.freeze({
    add (name: string, decide: () => Decided): void {
      const fold = folds.get(name)
      if (fold === undefined) return begin(name, decide())
      if (clock.monotonic() >= fold.ends) {
        end(name, fold)
        return begin(name, decide())
      }
      fold.last = clock.wall()
      if (fold.count++ === 0) fold.first = fold.last
    },
    sweep: () => { const now = clock.monotonic(); endWhile(({ ends }) => ends <= now) },
    flush: () => endWhile(() => true),
    size: () => folds.size
  })
}

function lengthOf (decided: Decided): number {
  return Object.values(decided).reduce<number>((sum, value) => sum + (value?.length ?? 0), 0)
}
