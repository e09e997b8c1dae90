import type { Accept, Fleet, Turn } from './cache/fleet.ts'
import type { MemoryCache } from './cache/memory.ts'
import type { Clock } from './clock.ts'
import type { CacheKey, CredentialDigest, MemoryKey } from './core/cache-key.ts'
import type { Credentials } from './core/credentials.ts'
import { NO_LOG, type Entry } from './core/entry.ts'
import { isExpired } from './core/jwt.ts'
import { capByToken, lifetimeOf, type Lifetimes } from './core/lifetime.ts'
import type { Resolution } from './core/resolution.ts'
import { ResolverError, Unforeseen } from './errors.ts'
import type { ClientTrace, Resolver, Verdict } from './resolver/resolver.ts'

export type Source = 'memory' | 'redis' | 'authgear'

/** Who is behind the credentials; every caller of one flight makes its own decision of it. */
export type Authentication =
  | Readonly<{ kind: 'resolved', resolution: Resolution, source: Source, ageMs: number }>
  | Readonly<{ kind: 'refused', reason: 'expired_credentials' }>
  /** An error is never a miss and never "not signed in". */
  | Readonly<{ kind: 'unavailable', error: ResolverError }>

export type Subject = Readonly<{
  key: MemoryKey
  /** Computed only when the fleet is asked. */
  cacheKey: () => CacheKey
  credentials: Credentials
  /** Read only when Authgear is asked. */
  trace: () => ClientTrace
}>

export type Authenticator = Readonly<{
  /** Synchronous when memory knows the answer, since an `async` hop costs 5 % of the hot path. Never rejects. */
  authenticate: (subject: Subject) => Authentication | Promise<Authentication>
  /** As `authenticate`, of a resolution no older than `maxAgeMs`: a role may just have been given. One flight for all who ask. */
  confirm: (subject: Subject, maxAgeMs: number) => Promise<Authentication>
}>

export type AuthenticateDeps = Readonly<{
  memory: MemoryCache
  fleet: Fleet
  resolver: Resolver
  digests: (credentials: Credentials) => readonly CredentialDigest[]
  lifetimes: Lifetimes
  clock: Clock
  observer: AuthenticateObserver
}>

export type AuthenticateObserver = Readonly<{
  memoryRead: (outcome: 'hit' | 'miss') => void
  coalesced: (scope: 'process' | 'fleet') => void
  /** A `session` cookie got no verdict at all, twice: Authgear is in trouble or is not asked as its project expects. */
  noVerdict: () => void
  /** An error nobody foresaw; the request is answered 503. */
  unforeseen: (error: unknown) => void
}>

const EXPIRED: Authentication = Object.freeze({ kind: 'refused', reason: 'expired_credentials' })

export function createAuthenticator (deps: AuthenticateDeps): Authenticator {
  const depart = createFlights(deps)
  return Object.freeze({
    authenticate (subject: Subject): Authentication | Promise<Authentication> {
      const known = deps.memory.read(subject.key)
      deps.observer.memoryRead(known.kind === 'hit' ? 'hit' : 'miss')
      if (known.kind === 'hit') return resolved(known.entry, known.remainingMs, 'memory')
      return depart(subject, subject.key, () => true)
    },
    confirm: (subject: Subject, maxAgeMs: number) => depart(subject, `confirm ${subject.key}`, (entry, remainingMs) => ageOf(entry, remainingMs) <= maxAgeMs)
  })
}

/** One flight a name: whoever asks while it is under way gets what it brings. */
function createFlights (deps: AuthenticateDeps): (subject: Subject, name: string, accept: Accept) => Promise<Authentication> {
  const flights = new Map<string, Promise<Authentication>>()
  return (subject, name, accept) => {
    const running = flights.get(name)
    if (running !== undefined) {
      deps.observer.coalesced('process')
      return running
    }
    const flight = fly(deps, subject, accept).finally(() => { flights.delete(name) })
    flights.set(name, flight)
    return flight
  }
}

/** The fleet's entry, or Authgear's answer for the whole fleet. */
async function fly (deps: AuthenticateDeps, subject: Subject, accept: Accept): Promise<Authentication> {
  try {
    if (isExpired(subject.credentials, deps.clock.wall())) return EXPIRED
    const turn = await deps.fleet.turn(subject.cacheKey(), accept)
    return turn.kind === 'found' ? adopt(deps, subject, turn) : await ask(deps, subject, turn)
  } catch (error) {
    if (error instanceof ResolverError) return { kind: 'unavailable', error }
    deps.observer.unforeseen(error)
    return { kind: 'unavailable', error: new Unforeseen(error) }
  }
}

/** A promoted entry keeps what is left of its life. */
function adopt ({ memory, clock, observer }: AuthenticateDeps, { key, credentials }: Subject, { entry, remainingMs, coalesced }: Turn & { kind: 'found' }): Authentication {
  if (coalesced) observer.coalesced('fleet')
  memory.write(key, entry, capByToken(remainingMs, entry.resolution, credentials, clock.wall()))
  return resolved(entry, remainingMs, 'redis')
}

/** Remembered before it is answered, so that the next request finds it; Redis is told without anybody waiting. */
async function ask (deps: AuthenticateDeps, subject: Subject, turn: Turn & { kind: 'ask' }): Promise<Authentication> {
  let entry: Entry | undefined
  let lifeMs = 0
  try {
    const { resolution, certain } = await resolve(deps, subject)
    if (!certain) deps.observer.noVerdict()
    lifeMs = certain ? lifetimeOf(resolution, subject.credentials, deps.lifetimes, deps.clock.wall(), Math.random()) : 0
    if (lifeMs > 0) {
      entry = { resolution, stamp: NO_LOG, digests: deps.digests(subject.credentials), ttlMs: lifeMs, sealedAt: deps.clock.wall() }
      deps.memory.write(subject.key, entry, lifeMs)
    }
    return { kind: 'resolved', resolution, source: 'authgear', ageMs: 0 }
  } finally {
    turn.done(entry, lifeMs).catch(deps.observer.unforeseen)
  }
}

/** Silence may be a hiccup of Authgear's: it takes the place of a session that is known to be valid only if it comes twice. */
async function resolve ({ resolver, memory }: AuthenticateDeps, { key, credentials, trace }: Subject): Promise<Verdict> {
  const first = await resolver.resolve(credentials, trace())
  const known = memory.read(key)
  const isDoubtful = first.certain && first.resolution.kind === 'invalid' && first.resolution.silent && known.kind === 'hit' && known.entry.resolution.kind === 'valid'
  return isDoubtful ? await resolver.resolve(credentials, trace()) : first
}

function resolved (entry: Entry, remainingMs: number, source: Source): Authentication {
  return { kind: 'resolved', resolution: entry.resolution, source, ageMs: ageOf(entry, remainingMs) }
}

/** By the life that is gone, so that no two machines' clocks are compared; a life cut short counts as an older one. */
function ageOf (entry: Entry, remainingMs: number): number {
  return entry.ttlMs - remainingMs
}
