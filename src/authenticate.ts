import type { AuthenticateDeps, Authentication, Authenticator, Subject } from './authentication.ts'
import type { Accept } from './cache/cache.ts'
import type { MemoryRead } from './cache/memory.ts'
import { aboutOf, ageOf, fly, resolved } from './flight.ts'

/** Milliseconds: whoever comes later than this to a flight that is quiet makes a flight of their own. */
const JOIN_WITHIN = 100

export function createAuthenticator (deps: AuthenticateDeps): Authenticator {
  const depart = createFlights(deps)
  return Object.freeze({
    authenticate (subject: Subject): Authentication | Promise<Authentication> {
      const known = deps.memory.read(subject.key)
      const isUsable = known.kind === 'hit' && mayUse(deps, known)
      deps.observer.memoryRead(isUsable ? 'hit' : 'miss')
      if (isUsable) return resolved(known.entry, known.remainingMs, 'memory')
      return depart(subject, subject.key, () => true)
    },
    confirm: (subject: Subject, maxAgeMs: number) => depart(subject, `confirm ${subject.key}`, (entry, remainingMs) => ageOf(entry, remainingMs) <= maxAgeMs)
  })
}

/** Decided at each hit: nothing it is about was revoked since, and what cannot be known any more is young. */
function mayUse ({ log, degradedTtlMs }: AuthenticateDeps, { entry, remainingMs, local }: MemoryRead & { kind: 'hit' }): boolean {
  if (log.isVoid(aboutOf(entry), { stamp: entry.stamp, local })) return false
  return log.isFollowing() || ageOf(entry, remainingMs) <= degradedTtlMs
}

type Depart = (subject: Subject, name: string, accept: Accept) => Promise<Authentication>

/** One flight a name: whoever asks while it is under way gets what it brings. */
function createFlights (deps: AuthenticateDeps): Depart {
  const flights = new Map<string, Promise<Authentication>>()
  const depart: Depart = (subject, name, accept) => {
    const running = flights.get(name)
    if (running !== undefined) {
      deps.observer.coalesced('process')
      return join(running, deps.clock.monotonic(), () => depart(subject, name, accept))
    }
    const flight = fly(deps, subject, accept).finally(() => { flights.delete(name) })
    flights.set(name, flight)
    return flight
  }
  return depart
}

async function join (running: Promise<Authentication>, at: number, departAgain: () => Promise<Authentication>): Promise<Authentication> {
  const result = await running
  const isTooOld = result.kind === 'resolved' && result.quietFrom !== undefined && at - result.quietFrom > JOIN_WITHIN
  return isTooOld ? await departAgain() : result
}
