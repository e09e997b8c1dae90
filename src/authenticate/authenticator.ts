import type { AuthenticateDeps, Authentication, Authenticator, CredentialContext } from './types.ts'
import type { MemoryRead } from '../cache/memory.ts'
import { Overloaded } from '../errors.ts'
import { affectedOf, ageOf, resolve, resolved, type ResolveOptions } from './resolve.ts'
import { createWaitingBudget } from './waiting-budget.ts'

/** Milliseconds: whoever comes later than this to a flight that is quiet makes a flight of their own. */
const JOIN_WITHIN_MS = 100
/** Someone waits for it, and takes what is there. */
const ASK: ResolveOptions = Object.freeze({ accept: () => true, mayBeStale: true })

export function createAuthenticator (deps: AuthenticateDeps): Authenticator {
  const flights = createFlights(deps)
  const renew = createRenewal(deps, flights)
  return Object.freeze({
    authenticate (subject: CredentialContext): Authentication | Promise<Authentication> {
      const known = deps.memory.read(subject.key)
      const isUsable = known.kind === 'hit' && mayUse(deps, known)
      deps.observer.memoryRead(isUsable ? 'hit' : 'miss')
      if (!isUsable) return flights.run(subject, subject.key, ASK)
      renew(subject, known)
      return resolved(known.entry, known.remainingMs, 'memory')
    },
    confirm: (subject: CredentialContext, maxAgeMs: number) => flights.run(subject, `confirm ${subject.key}`, {
      accept: (entry, remainingMs) => ageOf(entry, remainingMs) <= maxAgeMs,
      mayBeStale: false
    })
  })
}

/** Decided at each hit: nothing it is about was revoked since, and what cannot be known any more is young. */
function mayUse (
  { log, degradedTtlMs }: AuthenticateDeps,
  { entry, remainingMs, local }: MemoryRead & { kind: 'hit' }
): boolean {
  if (log.isVoid(affectedOf(entry), { stamp: entry.stamp, local })) return false
  return log.isFollowing() || ageOf(entry, remainingMs) <= degradedTtlMs
}

/**
 * Refresh ahead: a session in use is asked about before its entry ends, by one of the fleet and while nobody waits; a
 * refusal is not.
 */
function createRenewal (
  { memory, refreshAhead, timeoutMs }: AuthenticateDeps,
  flights: Flights
): (subject: CredentialContext, known: MemoryRead & { kind: 'hit' }) => void {
  const share = refreshAhead > 0 ? 1 - refreshAhead : -Infinity
  const isDue: ResolveOptions['accept'] = (entry, remainingMs) => remainingMs < entry.ttlMs * share
  const options: ResolveOptions = {
    accept: (entry, remainingMs) => !isDue(entry, remainingMs),
    mayBeStale: true,
    leaseWaitMs: timeoutMs
  }
  return (subject, { entry, remainingMs }) => {
    if (!isDue(entry, remainingMs) || entry.resolution.kind !== 'valid') return
    // under the ordinary name: whoever comes when the entry has ended gets what this brings
    if (!flights.has(subject.key) && memory.claimRenewal(subject.key)) {
      flights.run(subject, subject.key, options).catch(() => {})
    }
  }
}

type Flights = Readonly<{
  has: (name: string) => boolean
  run: (subject: CredentialContext, name: string, options: ResolveOptions) => Promise<Authentication>
}>

/**
 * Emptied at its end: a table that the map has outgrown keeps what was in it until V8's next full collection, and by
 * each other all that came later.
 */
type Slot = { flight: Promise<Authentication> | undefined }

/**
 * One flight a name: whoever asks while it is under way gets what it brings. All who wait share one budget of bytes.
 */
function createFlights (deps: AuthenticateDeps): Flights {
  const slots = new Map<string, Slot>()
  const budget = createWaitingBudget(deps.waitingBytes)
  const run: Flights['run'] = (subject, name, options) => {
    const bytes = budget.take(subject.headBytes())
    if (bytes === undefined) return Promise.resolve({ kind: 'unavailable', error: new Overloaded() })
    return wait(subject, name, options).finally(() => budget.giveBack(bytes))
  }
  const wait: Flights['run'] = (subject, name, options) => {
    const running = slots.get(name)?.flight
    if (running !== undefined) {
      deps.observer.coalesced('process')
      return join(running, deps.clock.monotonic(), () => wait(subject, name, options))
    }
    const slot: Slot = { flight: undefined }
    slots.set(name, slot)
    slot.flight = resolve(deps, subject, options).finally(() => {
      slots.delete(name)
      slot.flight = undefined
    })
    return slot.flight
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
