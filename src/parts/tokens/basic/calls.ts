import type { Clock } from '../../../base/clock.ts'
import type { Budget, Wanted } from './shared-budget.ts'

/** A pair waits no longer for calls that are under way here. */
const WAIT_MS = 5000
const MAX_WAITING = 64

type Begun<T> = Readonly<{ answer: Promise<T> }>

/**
 * Calls within the budget. Until Authgear answers, a pair that was never good counts as a guess. If it was none, the
 * next one may be asked about: new clients that come at once pass one after the other.
 */
export function createCalls (budget: Budget, clock: Pick<Clock, 'monotonic'>) {
  const guesses = new Set<Promise<void>>()
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()

  /** Each knows by its turn which calls are under way. */
  function inTurn<T> (task: () => Promise<T>): Promise<T> {
    const turn = last.then(task)
    last = turn.catch(() => {})
    return turn
  }

  function guess<T> (call: () => Promise<T>): Begun<T> {
    const answer = call()
    const ended: Promise<void> = answer.then(() => {}, () => {}).finally(() => guesses.delete(ended))
    guesses.add(ended)
    return { answer }
  }

  async function begin<T> (wanted: Wanted, call: () => Promise<T>): Promise<Begun<T> | undefined> {
    const until = clock.monotonic() + WAIT_MS
    for (;;) {
      const begun = await inTurn(async () => await budget.spend(wanted) ? guess(call) : [...guesses])
      if (!Array.isArray(begun)) return begun
      if (begun.length === 0 || clock.monotonic() >= until) return undefined
      await Promise.race(begun)
    }
  }

  return Object.freeze({
    /** True if this pair gets no call now, as far as this replica knows: asks nobody. */
    isHeld: (wanted: Wanted): boolean => !wanted.isKnown && budget.isFull(wanted) &&
      (waiting >= MAX_WAITING || waiting + guesses.size === 0),
    /** @returns undefined where this minute has no call for it */
    async make<T> (wanted: Wanted, call: () => Promise<T>): Promise<T | undefined> {
      if (wanted.isKnown) return await budget.spend(wanted) ? await call() : undefined
      waiting++
      const begun = await begin(wanted, call).finally(() => { waiting-- })
      return await begun?.answer
    }
  })
}

export type Calls = ReturnType<typeof createCalls>
