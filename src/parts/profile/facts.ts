import { type Clock, elapsedSince } from '../../base/clock.ts'
import type { Facts } from '../../base/core/requirement.ts'
import type { UserId } from '../../base/core/resolution.ts'
import type { Profiles } from '../../base/identity/profile.ts'
import type { KnownUsers } from './known-users.ts'
import { RENEW_AHEAD } from './shared.ts'
import { isReadableId } from './users.ts'

/** A user being read. */
type Read = Readonly<{ ended: Promise<void> }>

const MIN_CONFIRM_MS = 1000

type FactsDeps = Pick<KnownUsers, 'remembered' | 'mayStillDecide'> & Readonly<{
  /** @returns undefined where there is no room, or the Admin API rests */
  read: (userId: UserId, maxAgeMs: number) => Read | undefined
  clock: Clock
  decideWithinMs: number
  after: (ms: number, act: () => void) => () => void
}>

/** The facts that decide: a decision waits longer than a header does, and is `unknown` where a header is empty. */
export function createFacts (
  { remembered, mayStillDecide, read, clock, decideWithinMs, after }: FactsDeps
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
    facts (userId: UserId, isAwaited: boolean): Facts | 'unknown' | Promise<void> {
      const known = remembered(userId)
      const ageMs = known === undefined ? Infinity : elapsedSince(known.since, clock)
      const isKnown = known !== undefined && ageMs < known.lifeMs
      if (isKnown && ageMs < known.lifeMs * RENEW_AHEAD) return known.facts
      const mayTry = !isAwaited && isReadableId(userId) && clock.monotonic() >= (known?.nextTryAt ?? -Infinity)
      const begun = mayTry ? read(userId, freshAfter(known, ageMs)) : undefined
      if (isKnown) return known.facts
      if (begun !== undefined) return waitFor(begun)
      return known !== undefined && mayStillDecide(known, ageMs) ? known.facts : 'unknown'
    },
    confirm (userId: UserId, maxAgeMs: number): Promise<void> | undefined {
      const known = remembered(userId)
      if (known === undefined || elapsedSince(known.since, clock) <= confirmAfter(known, maxAgeMs)) return undefined
      const begun = clock.monotonic() >= known.nextTryAt ? read(userId, maxAgeMs) : undefined
      return begun && waitFor(begun)
    }
  }
}

/** Who is refused again and again, and of whom nothing new is heard, is asked about more and more rarely. */
const confirmAfter = (known: Readonly<{ unchanged: number, lifeMs: number }>, maxAgeMs: number): number =>
  Math.min(Math.max(maxAgeMs, MIN_CONFIRM_MS) * 2 ** known.unchanged, known.lifeMs)

/** The age from which a profile of another replica is no news: where one is due for renewal, and else any will do. */
export const freshAfter = (known: Readonly<{ lifeMs: number }> | undefined, ageMs: number): number =>
  known !== undefined && ageMs < known.lifeMs ? known.lifeMs * RENEW_AHEAD : Infinity
