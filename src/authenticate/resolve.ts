import type { AuthenticateDeps, Authentication, Source, CredentialContext } from './types.ts'
import type { Accept } from '../cache/types.ts'
import { ASK_ALONE, type SharedLookup } from '../cache/coalescing.ts'
import { elapsedSince, momentOf } from '../clock.ts'
import type { CredentialDigest } from '../core/cache-key.ts'
import type { Entry } from '../core/entry.ts'
import { capAt, identityDeadline, isExpired, isForAnotherAudience, lifetimeOf } from '../core/token-expiry.ts'
import type { Resolution } from '../core/resolution.ts'
import {
  AuthgearCircuitOpen,
  AuthgearTimeout,
  AuthgearUnreachable,
  ResolverError,
  RevokedMeanwhile,
  UnexpectedError
} from '../errors.ts'
import type { ClientTrace, ResolverResult } from '../authgear/resolver/types.ts'
import type { Affected, RevocationSnapshot } from '../revocation/types.ts'

/** Resolutions that one answer may take: a doubtful one is asked for twice. */
const MAX_ATTEMPTS = 2
const EXPIRED: Authentication = Object.freeze({ kind: 'refused', reason: 'expired_credentials' })
const WRONG_AUDIENCE: Authentication = Object.freeze({ kind: 'refused', reason: 'wrong_audience' })

/** What a flight is for. */
export type ResolveOptions = Readonly<{
  /** Which of the fleet's entries will do. */
  accept: Accept
  /** Whether a session that has ended will do while Authgear cannot be reached. */
  mayBeStale: boolean
  /** How long to wait for another replica that asks already, milliseconds; by default as long as a person would. */
  leaseWaitMs?: number
}>

type Flight = Readonly<{
  deps: AuthenticateDeps
  options: ResolveOptions
  subject: CredentialContext
  trace: ClientTrace
  digests: readonly CredentialDigest[]
  wholeDigests: readonly CredentialDigest[]
  /** When the first of its tokens ends. */
  tokenEnd: number
}>

/**
 * One flight: the fleet's entry, or Authgear's answer for the whole fleet; made again where it was revoked meanwhile.
 * Never rejects.
 */
export async function resolve (
  deps: AuthenticateDeps,
  subject: CredentialContext,
  options: ResolveOptions
): Promise<Authentication> {
  try {
    const { credentials } = subject
    const now = deps.clock.wall()
    // here and not at each request: nothing is remembered of credentials that do not come past this line
    if (isForAnotherAudience(credentials, deps.audience)) return WRONG_AUDIENCE
    if (isExpired(credentials, now)) return EXPIRED
    const flight: Flight = {
      deps,
      options,
      subject,
      trace: subject.trace(),
      digests: deps.digests(credentials),
      wholeDigests: deps.wholeDigests(credentials),
      tokenEnd: identityDeadline(credentials, now)
    }
    return await resolveInTurn(flight)
  } catch (error) {
    if (error instanceof ResolverError) {
      return (options.mayBeStale ? staleInstead(deps, subject, error) : undefined) ?? { kind: 'unavailable', error }
    }
    deps.observer.unexpectedError(error)
    return { kind: 'unavailable', error: new UnexpectedError(error) }
  }
}

/**
 * What memory knows as valid, though it has ended, takes no turn; what the fleet knows costs Authgear nothing, and
 * takes none either.
 */
async function resolveInTurn (flight: Flight): Promise<Authentication> {
  const { deps: { memory, failedCredentials }, subject, trace, wholeDigests } = flight
  const work = (): Promise<Authentication> => resolveUntilDeadline(flight)
  if (memory.knowsAsValid(subject.key)) return await work()
  const known = failedCredentials.isSlowed(trace, wholeDigests) ? await readShared(flight) : undefined
  return known ?? await failedCredentials.run(trace, wholeDigests, work)
}

/** A plain read, without the fleet's lease. */
async function readShared (flight: Flight): Promise<Authentication | undefined> {
  if (!isShared(flight)) return undefined
  const read = await flight.deps.fleet.read(flight.subject.cacheKey(), acceptOf(flight))
  return read && adopt(flight, read)
}

async function resolveUntilDeadline (flight: Flight): Promise<Authentication> {
  const { clock, timeoutMs } = flight.deps
  const deadline = clock.monotonic() + timeoutMs
  do {
    const landed = await resolveOnce(flight)
    if (landed !== undefined) return landed
  } while (clock.monotonic() < deadline)
  return { kind: 'unavailable', error: new RevokedMeanwhile() }
}

/**
 * A session that was valid when Authgear was last asked, while it cannot be asked: never after an answered error, which
 * may be about this very session, never when a revocation could have been missed, and never past a token's own end.
 */
function staleInstead (
  { memory, log, clock }: AuthenticateDeps,
  { key, credentials }: CredentialContext,
  error: ResolverError
): Authentication | undefined {
  const isOut =
    error instanceof AuthgearUnreachable || error instanceof AuthgearTimeout || error instanceof AuthgearCircuitOpen
  if (!isOut || !log.isFollowing()) return undefined
  const known = memory.readEnded(key)
  if (known.kind !== 'hit' || known.entry.resolution.kind !== 'valid') return undefined
  if (log.isVoid(affectedOf(known.entry), { stamp: known.entry.stamp, local: known.local })) return undefined
  const now = clock.wall()
  return now < identityDeadline(credentials, now)
    ? { ...resolved(known.entry, known.remainingMs, 'memory'), stale: true }
    : undefined
}

/** @returns undefined where a revocation overtook it: a voided result is never answered */
async function resolveOnce (flight: Flight): Promise<Authentication | undefined> {
  const { deps: { fleet }, options: { leaseWaitMs }, subject } = flight
  const turn = isShared(flight) ? await fleet.lookup(subject.cacheKey(), acceptOf(flight), leaseWaitMs) : ASK_ALONE
  return turn.kind === 'found' ? adopt(flight, turn) : await ask(flight, turn)
}

function isShared (flight: Flight): boolean {
  const { log, clock } = flight.deps
  return log.trustsShared() && !log.isUncacheable(knownAffected(flight), clock.monotonic())
}

function acceptOf (flight: Flight): Accept {
  return (entry, remainingMs) => flight.options.accept(entry, remainingMs) && isUsable(flight, entry, remainingMs)
}

/** Another replica's entry: nothing it is about was revoked, and no token that was sent has ended. */
function isUsable (flight: Flight, entry: Entry, remainingMs: number): boolean {
  const { log } = flight.deps
  return log.trustsShared() && log.trusts(entry) && capped(flight, entry, remainingMs) > 0
}

function capped ({ tokenEnd, deps: { clock } }: Flight, entry: Entry, remainingMs: number): number {
  return capAt(remainingMs, entry.resolution, tokenEnd, clock.wall())
}

/** Of whom the credentials were, as far as memory remembers: a voided entry still says. */
function knownAffected ({ deps: { memory }, subject, digests }: Flight): Affected {
  const known = memory.read(subject.key)
  return known.kind === 'hit' ? affectedOf(known.entry) : { userId: undefined, digests }
}

/** A promoted entry keeps what is left of its life. */
function adopt (
  flight: Flight,
  { entry, remainingMs, coalesced }: SharedLookup & { kind: 'found' }
): Authentication | undefined {
  const {
    deps: { memory, observer, log, failedCredentials },
    subject,
    trace,
    wholeDigests
  } = flight
  if (!isUsable(flight, entry, remainingMs)) return undefined
  if (coalesced) observer.coalesced('fleet')
  const { local, at } = log.snapshot()
  memory.write(subject.key, entry, capped(flight, entry, remainingMs), {
    local,
    at: at - ageOf(entry, remainingMs),
    isBounded: isVariable(flight, entry)
  })
  // a refusal was counted where Authgear was asked
  if (entry.resolution.kind === 'valid') failedCredentials.judged(trace, wholeDigests, 'valid')
  return resolved(entry, remainingMs, 'redis')
}

/** Remembered before it is answered, so that the next request finds it; Redis is told without anybody waiting. */
async function ask (flight: Flight, turn: SharedLookup & { kind: 'ask' }): Promise<Authentication | undefined> {
  const { deps: { log, observer, memory, clock, timeoutMs }, subject, digests } = flight
  let shared: Entry | undefined
  let lifeMs = 0
  try {
    const snapshot = log.snapshot() // before it is queued: what is revoked from here on may not be in the answer
    const began = momentOf(clock)
    const { resolution, isConclusive } = await resolveConclusively(flight)
    const tookMs = elapsedSince(began, clock)
    // this process was frozen: an answer of before says nothing of now
    if (tookMs > MAX_ATTEMPTS * timeoutMs) return undefined
    if (!isConclusive) observer.noVerdict()
    const affected = { userId: userOf(resolution), digests }
    const isVoid = log.isVoid(affected, snapshot)
    if (isVoid && resolution.kind === 'valid') return undefined
    const uncacheableSince = log.isUncacheable(affected, snapshot.at) ? snapshot.at : undefined
    const ttlMs = isConclusive && !isVoid && uncacheableSince === undefined ? lifetimeFor(flight, resolution) : 0
    lifeMs = ttlMs - tookMs // its age counts from when Authgear was asked
    if (lifeMs > 0) {
      const entry = entryOf(flight, resolution, snapshot, ttlMs)
      memory.write(subject.key, entry, lifeMs, { ...snapshot, isBounded: isVariable(flight, entry) })
      if (log.trustsShared()) shared = entry
    } else if (isConclusive && resolution.kind === 'invalid') {
      memory.forget(subject.key, snapshot.at) // a session that has ended is not valid until the end of an older entry
    }
    return { kind: 'resolved', resolution, source: 'authgear', ageMs: 0, uncacheableSince }
  } finally {
    turn.done(shared, Math.floor(lifeMs)).catch(observer.unexpectedError)
  }
}

/**
 * Silence may be a hiccup of Authgear's: it takes the place of a session that is known to be valid only if it comes
 * twice.
 */
async function resolveConclusively (flight: Flight): Promise<ResolverResult> {
  const { deps: { resolver, memory, log, failedCredentials }, digests, wholeDigests, trace, subject } = flight
  const sent = { all: digests, whole: wholeDigests }
  const first = await resolver.resolve(subject.credentials, trace, sent)
  if (first.isConclusive) failedCredentials.judged(trace, wholeDigests, first.resolution.kind)
  const known = memory.read(subject.key)
  const isDoubtful =
    first.isConclusive &&
    first.resolution.kind === 'invalid' &&
    first.resolution.noIdentityHeaders &&
    known.kind === 'hit' &&
    known.entry.resolution.kind === 'valid' &&
    !log.isVoid(affectedOf(known.entry), { stamp: known.entry.stamp, local: known.local })
  return isDoubtful ? await resolver.resolve(subject.credentials, trace, sent) : first
}

function lifetimeFor ({ deps: { lifetimes, clock }, subject }: Flight, resolution: Resolution): number {
  return lifetimeOf(resolution, subject.credentials, lifetimes, clock.wall(), Math.random())
}

function entryOf (
  { digests, deps: { clock } }: Flight,
  resolution: Resolution,
  { stamp }: RevocationSnapshot,
  ttlMs: number
): Entry {
  return { resolution, stamp, digests, ttlMs, sealedAt: clock.wall() }
}

/** What may be varied at will: something beside a credential, or a credential that is none. */
function isVariable ({ subject: { credentials } }: Flight, { resolution }: Entry): boolean {
  const sent = Object.values(credentials).filter((value) => value !== undefined)
  return sent.length > 1 || resolution.kind === 'invalid'
}

function userOf (resolution: Resolution): string | undefined {
  return resolution.kind === 'valid' ? resolution.userId : undefined
}

export function affectedOf ({ resolution, digests }: Entry): Affected {
  return { userId: userOf(resolution), digests }
}

export function resolved (entry: Entry, remainingMs: number, source: Source): Authentication & { kind: 'resolved' } {
  return { kind: 'resolved', resolution: entry.resolution, source, ageMs: ageOf(entry, remainingMs) }
}

/** By the life that is gone, so that no two machines' clocks are compared; a life cut short counts as an older one. */
export function ageOf (entry: Entry, remainingMs: number): number {
  return entry.ttlMs - remainingMs
}
