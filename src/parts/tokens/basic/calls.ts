import type { Clock } from '../../../base/clock.ts'
import type { Budget, Wanted } from './shared-budget.ts'

/** A pair waits no longer for calls that are under way here. */
const WAIT_MS = 5000

/**
 * Calls within the budget. Until Authgear answers, a pair that was never good counts as a guess. If it was none, the
 * next one may be asked about: new clients that come at once pass one after the other.
 */
export function createCalls (budget: Budget, clock: Pick<Clock, 'monotonic'>) {
  const guesses = new Set<Promise<void>>()

  async function mayCall (wanted: Wanted): Promise<boolean> {
    const until = clock.monotonic() + WAIT_MS
    for (;;) {
      const underWay = [...guesses]
      if ((wanted.isKnown || !budget.isFull(wanted)) && await budget.spend(wanted)) return true
      if (wanted.isKnown || underWay.length === 0 || clock.monotonic() >= until) return false
      await Promise.race(underWay)
    }
  }

  return Object.freeze({
    /** True if this pair gets no call now, as far as this replica knows: asks nobody. */
    isHeld: (wanted: Wanted): boolean => !wanted.isKnown && guesses.size === 0 && budget.isFull(wanted),
    mayCall,
    /** Makes a call that may be made. */
    async run<T> ({ isKnown }: Wanted, call: () => Promise<T>): Promise<T> {
      const answer = call()
      if (isKnown) return await answer
      const ended: Promise<void> = answer.then(() => {}, () => {}).finally(() => guesses.delete(ended))
      guesses.add(ended)
      return await answer
    }
  })
}

export type Calls = ReturnType<typeof createCalls>
