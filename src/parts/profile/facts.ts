import { type Clock, elapsedSince } from '../../base/clock.ts'
import type { Facts } from '../../base/core/requirement.ts'
import type { Asker, Profiles } from '../../base/identity/profile.ts'
import type { KnownUsers } from './known-users.ts'
import { isReadableId } from './users.ts'

/** A user being read. */
type Read = Readonly<{ ended: Promise<void> }>

const MIN_CONFIRM_MS = 1000

type FactsDeps = Pick<KnownUsers, 'remembered' | 'mayStillDecide'> & Readonly<{
  /** @returns undefined where there is no room, or the source rests */
  read: (asker: Asker, maxAgeMs: number) => Read | undefined
  /** True if the asker has signed in again since. */
  isFromBefore: (asker: Asker, known: Readonly<{ signedInAt: number }>) => boolean
  clock: Clock
  decideWithinMs: number
  after: (ms: number, act: () => void) => () => void
}>

/** The facts that decide: a decision waits longer than a header does, and is `unknown` where a header is empty. */
export function createFacts (
  { remembered, mayStillDecide, isFromBefore, read, clock, decideWithinMs, after }: FactsDeps
): Pick<Profiles, 'facts' | 'confirm'> {
  const waits = new WeakMap<Read, Promise<void>>()

  /** All decisions about one user wait for one read. */
  function waitFor (begun: Read): Promise<void> {
    const known = waits.get(begun)
    if (known !== undefined) return known
    const wait = new Promise<void>((resolve) => {
      const cancel = after(decideWithinMs, resolve)
      begun.ended.then(() => { cancel(); resolve() }, () => {})
    })
    waits.set(begun, wait)
    return wait
  }

  return {
    facts (asker: Asker, isAwaited: boolean): Facts | 'unknown' | Promise<void> {
      const known = remembered(asker.userId)
      const ageMs = known === undefined ? Infinity : elapsedSince(known.since, clock)
      const isCurrent = known !== undefined && ageMs < known.lifeMs && !isFromBefore(asker, known)
      if (isCurrent && ageMs < known.renewMs) return known.facts
      const mayTry = !isAwaited && isReadableId(asker.userId) && clock.monotonic() >= (known?.nextTryAt ?? -Infinity)
      const begun = mayTry ? read(asker, isCurrent ? known.renewMs : Infinity) : undefined
      if (isCurrent) return known.facts
      if (begun !== undefined) return waitFor(begun)
      const isPast = known === undefined || isFromBefore(asker, known) // a sign-in says something new
      return isPast || !mayStillDecide(known, ageMs) ? 'unknown' : known.facts
    },
    confirm (asker: Asker, maxAgeMs: number): Promise<void> | undefined {
      const known = remembered(asker.userId)
      if (known === undefined || elapsedSince(known.since, clock) <= confirmAfter(known, maxAgeMs)) return undefined
      const begun = clock.monotonic() >= known.nextTryAt ? read(asker, maxAgeMs) : undefined
      if (begun !== undefined) known.isConfirming = true
      return begun && waitFor(begun)
    }
  }
}

/** Who is refused again and again, and of whom nothing new is heard, is asked about more and more rarely. */
const confirmAfter = (known: Readonly<{ confirmed: number, lifeMs: number }>, maxAgeMs: number): number =>
  Math.min(Math.max(maxAgeMs, MIN_CONFIRM_MS) * 2 ** known.confirmed, known.lifeMs)
