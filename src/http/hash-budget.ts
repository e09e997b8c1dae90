import type { Clock } from '../clock.ts'

/** Each body costs one to four hashes. Those of Authgear have 2 to 3 KiB: they, and all up to here, are hashed. */
const SMALL_BYTES = 16 * 1024
/** A genuine one has as many at most, whatever else strangers send: they have a budget of their own. */
const USUAL_BYTES = 64 * 1024
/** 9 to 15 ms a MiB were measured: strangers' bodies cost 6 % of one core. */
const BYTES_PER_SECOND = 2 * 1024 * 1024
const MAX_SENDERS = 1000

/** Of hashes over larger bodies, for senders that never signed one rightly. */
export type HashBudget = Readonly<{
  mayHash: (sender: string, bytes: number) => boolean
  /** It signed rightly: what it sends is hashed from now on. */
  trust: (sender: string) => void
}>

export function createHashBudget (clock: Clock): HashBudget {
  const genuine = new Set<string>()
  const [usual, large] = [createBudget(clock), createBudget(clock)]
  return Object.freeze({
    mayHash (sender: string, bytes: number): boolean {
      if (bytes <= SMALL_BYTES || genuine.has(sender)) return true
      return (bytes <= USUAL_BYTES ? usual : large)(bytes)
    },
    trust (sender: string): void {
      genuine.delete(sender)
      genuine.add(sender)
      const [oldest] = genuine
      if (genuine.size > MAX_SENDERS && oldest !== undefined) genuine.delete(oldest)
    }
  })
}

/** @returns whether there is still so much of this second's */
function createBudget (clock: Clock): (bytes: number) => boolean {
  let [left, lookedAt] = [BYTES_PER_SECOND, clock.monotonic()]
  return (bytes) => {
    const now = clock.monotonic()
    left = Math.min(BYTES_PER_SECOND, left + (now - lookedAt) / 1000 * BYTES_PER_SECOND)
    lookedAt = now
    if (bytes > left) return false
    left -= bytes
    return true
  }
}
