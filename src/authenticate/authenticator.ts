import type { AuthenticateDeps, Authentication, Authenticator, Subject } from './types.ts'
import type { MemoryRead } from '../cache/memory.ts'
import { aboutOf, ageOf, fly, resolved, type Errand } from './resolve.ts'

/** Milliseconds: whoever comes later than this to a flight that is quiet makes a flight of their own. */
const JOIN_WITHIN = 100
/** Someone waits for it, and takes what is there. */
const ASK: Errand = Object.freeze({ accept: () => true, mayBeStale: true })

export function createAuthenticator (deps: AuthenticateDeps): Authenticator {
  const flights = createFlights(deps)
  const renew = createRenewal(deps, flights)
  return Object.freeze({
    authenticate (subject: Subject): Authentication | Promise<Authentication> {
      const known = deps.memory.read(subject.key)
      const isUsable = known.kind === 'hit' && mayUse(deps, known)
      deps.observer.memoryRead(isUsable ? 'hit' : 'miss')
      if (!isUsable) return flights.depart(subject, subject.key, ASK)
      renew(subject, known)
      return resolved(known.entry, known.remainingMs, 'memory')
    },
    confirm: (subject: Subject, maxAgeMs: number) => flights.depart(subject, `confirm ${subject.key}`, {
      accept: (entry, remainingMs) => ageOf(entry, remainingMs) <= maxAgeMs,
      mayBeStale: false
    })
  })
}

/** Decided at each hit: nothing it is about was revoked since, and what cannot be known any more is young. */
function mayUse ({ log, degradedTtlMs }: AuthenticateDeps, { entry, remainingMs, local }: MemoryRead & { kind: 'hit' }): boolean {
  if (log.isVoid(aboutOf(entry), { stamp: entry.stamp, local })) return false
  return log.isFollowing() || ageOf(entry, remainingMs) <= degradedTtlMs
}

/** Refresh ahead: a session in use is asked about before its entry ends, by one of the fleet and while nobody waits; a refusal is not. */
function createRenewal ({ memory, refreshAhead, timeoutMs }: AuthenticateDeps, flights: Flights): (subject: Subject, known: MemoryRead & { kind: 'hit' }) => void {
  const share = refreshAhead > 0 ? 1 - refreshAhead : -Infinity
  const isDue: Errand['accept'] = (entry, remainingMs) => remainingMs < entry.ttlMs * share
  const errand: Errand = { accept: (entry, remainingMs) => !isDue(entry, remainingMs), mayBeStale: true, patienceMs: timeoutMs }
  return (subject, { entry, remainingMs }) => {
    if (!isDue(entry, remainingMs) || entry.resolution.kind !== 'valid') return
    // under the ordinary name: whoever comes when the entry has ended gets what this brings
    if (!flights.has(subject.key) && memory.claimRenewal(subject.key)) flights.depart(subject, subject.key, errand).catch(() => {})
  }
}

type Flights = Readonly<{ has: (name: string) => boolean, depart: (subject: Subject, name: string, errand: Errand) => Promise<Authentication> }>

/** Emptied at its end: a table that the map has outgrown keeps what was in it until V8's next full collection, and by each other all that came later. */
type Place = { flight: Promise<Authentication> | undefined }

/** One flight a name: whoever asks while it is under way gets what it brings. */
function createFlights (deps: AuthenticateDeps): Flights {
  const places = new Map<string, Place>()
  const depart: Flights['depart'] = (subject, name, errand) => {
    const running = places.get(name)?.flight
    if (running !== undefined) {
      deps.observer.coalesced('process')
      return join(running, deps.clock.monotonic(), () => depart(subject, name, errand))
    }
    const place: Place = { flight: undefined }
    places.set(name, place)
    place.flight = fly(deps, subject, errand).finally(() => {
      places.delete(name)
      place.flight = undefined
    })
    return place.flight
  }
  return { has: (name) => places.has(name), depart }
}

async function join (running: Promise<Authentication>, at: number, departAgain: () => Promise<Authentication>): Promise<Authentication> {
  const result = await running
  const isTooOld = result.kind === 'resolved' && result.quietFrom !== undefined && at - result.quietFrom > JOIN_WITHIN
  return isTooOld ? await departAgain() : result
}
