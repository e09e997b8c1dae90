import type {
  AuthenticateDeps, Authentication, Authenticator, CredentialContext, ResolveDeps, ResolveOptions
} from './types.ts'
import type { MemoryRead } from '../cache/memory.ts'
import { ageOf } from '../core/entry.ts'
import { Overloaded } from '../errors.ts'
import { resolve } from './resolve.ts'
import { createUnanswered } from './unanswered.ts'
import { createWaitingBudget } from './waiting-budget.ts'

/** A caller that comes later than this to an uncacheable resolution starts its own. */
const JOIN_WITHIN_MS = 100
/** A request waits for it, and takes any usable entry. */
const FOR_A_REQUEST: ResolveOptions = Object.freeze({ accept: () => true, mayBeStale: true })

export function createAuthenticator (deps: AuthenticateDeps): Authenticator {
  const { log, degradedTtlMs } = deps
  const singleFlight = createSingleFlight({ ...deps, unanswered: createUnanswered() })
  const renew = createRenewal(deps, singleFlight)
  return Object.freeze({
    authenticate (subject: CredentialContext): Authentication | Promise<Authentication> {
      const known = deps.memory.read(subject.key)
      // at each hit: no revocation voids the entry, and unless the revocations are followed it must be young
      const isUsable = known.kind === 'hit' && !log.isVoid(known.entry, known.entry) &&
        (log.isFollowing() || ageOf(known.entry, known.remainingMs) <= degradedTtlMs)
      deps.observer.memoryRead(isUsable ? 'hit' : 'miss')
      if (!isUsable) return singleFlight.run(subject, subject.key, FOR_A_REQUEST)
      renew(subject, known)
      const { entry: { resolution, digests }, remainingMs } = known
      return { kind: 'resolved', resolution, source: 'memory', ageMs: ageOf(known.entry, remainingMs), digests }
    },
    confirm: (subject: CredentialContext, maxAgeMs: number) => singleFlight.run(subject, `confirm ${subject.key}`, {
      accept: (entry, remainingMs) => ageOf(entry, remainingMs) <= maxAgeMs,
      mayBeStale: false
    })
  })
}

/** Share of its life after which an entry is renewed while it is still used. */
export const REFRESH_AHEAD = 0.8

/** Refresh ahead: one replica renews a session in use before its entry ends, while nobody waits; never a refusal. */
function createRenewal (
  { memory, refreshAhead = REFRESH_AHEAD }: AuthenticateDeps,
  singleFlight: SingleFlight
): (subject: CredentialContext, known: MemoryRead & { kind: 'hit' }) => void {
  const share = refreshAhead > 0 ? 1 - refreshAhead : -Infinity
  const isDue: ResolveOptions['accept'] = (entry, remainingMs) => remainingMs < entry.ttlMs * share
  const options: ResolveOptions = {
    accept: (entry, remainingMs) => !isDue(entry, remainingMs),
    mayBeStale: true
  }
  return (subject, { entry, remainingMs }) => {
    if (!isDue(entry, remainingMs) || entry.resolution.kind !== 'valid') return
    // under the ordinary name: a request that comes after the entry's end joins it
    if (!singleFlight.has(subject.key) && memory.claimRenewal(subject.key)) {
      singleFlight.run(subject, subject.key, options).catch(() => {})
    }
  }
}

type SingleFlight = Readonly<{
  has: (name: string) => boolean
  run: (subject: CredentialContext, name: string, options: ResolveOptions) => Promise<Authentication>
}>

/**
 * Emptied at its end: a table that the map has outgrown keeps its values alive until V8's next full collection, and a
 * promise there would keep its successors.
 */
type Slot = { resolution: Promise<Authentication> | undefined }

/** One resolution at a time for each name: later callers join it. All that wait share one budget of bytes. */
function createSingleFlight (deps: ResolveDeps): SingleFlight {
  const slots = new Map<string, Slot>()
  const budget = createWaitingBudget(deps.waitingBytes)
  const run: SingleFlight['run'] = (subject, name, options) => {
    const bytes = budget.take(subject.headBytes())
    if (bytes === undefined) return Promise.resolve({ kind: 'unavailable', error: new Overloaded() })
    return wait(subject, name, options).finally(() => budget.giveBack(bytes))
  }
  const wait: SingleFlight['run'] = (subject, name, options) => {
    const running = slots.get(name)?.resolution
    if (running !== undefined) {
      deps.observer.coalesced('process')
      return join(running, deps.clock.monotonic(), () => wait(subject, name, options))
    }
    const slot: Slot = { resolution: undefined }
    slots.set(name, slot)
    slot.resolution = resolve(deps, subject, options).finally(() => {
      slots.delete(name)
      slot.resolution = undefined
    })
    return slot.resolution
  }
  return { has: (name) => slots.has(name), run }
}

async function join (
  running: Promise<Authentication>,
  at: number,
  runAgain: () => Promise<Authentication>
): Promise<Authentication> {
  const result = await running
  const isTooOld =
    result.kind === 'resolved' && result.uncacheableSince !== undefined && at - result.uncacheableSince > JOIN_WITHIN_MS
  return isTooOld ? await runAgain() : result
}
