import type {
  Authentication, CredentialContext, ResolveContext, ResolveDeps, ResolveOptions, Source
} from './types.ts'
import type { Accept } from '../cache/types.ts'
import { ASK_ALONE, type SharedLookup } from '../cache/coalescing.ts'
import { elapsedSince, momentOf } from '../clock.ts'
import type { Credentials } from '../core/credentials.ts'
import { type Affected, ageOf, type Entry } from '../core/entry.ts'
import {
  capAt, type EpochMs, faultOfTokens, identityDeadline, isExpired, lifetimeOf, withoutMisspeltCookie
} from '../core/token-expiry.ts'
import type { Resolution } from '../core/resolution.ts'
import {
  AnotherUser,
  AuthgearCircuitOpen,
  AuthgearSilent,
  ResolverError,
  RevokedMeanwhile,
  TokenCallFailed,
  UnexpectedError
} from '../errors.ts'
import { isServerError, isUnanswered } from '../authgear/resolver/failures.ts'
import type { ResolverResult } from '../authgear/resolver/types.ts'
import type { RevocationSnapshot } from '../revocation/types.ts'

/** A resolution that took so many times AUTHGEAR_TIMEOUT was frozen: its deadline is one. */
const FROZEN_TIMEOUTS = 2
/** Longest wait for another replica while this one's circuit breaker is open: its own answer would come at once. */
const LEASE_WAIT_WHILE_OPEN_MS = 300
const EXPIRED: Authentication = Object.freeze({ kind: 'refused', reason: 'expired_credentials' })

/** An entry of the shared cache, or Authgear's answer; repeated if a revocation overtook it. Never rejects. */
export async function resolve (
  deps: ResolveDeps,
  subject: CredentialContext,
  options: ResolveOptions
): Promise<Authentication> {
  try {
    const credentials = withoutMisspeltCookie(subject.credentials, deps.audience)
    const now = deps.clock.wall() // one moment: a token that has ended by a later one would set no end at all
    // here and not at each request: no entry exists for credentials that stop here
    const reason = faultOfTokens(credentials, deps.audience)
    if (reason !== undefined) return { kind: 'refused', reason }
    if (isExpired(credentials, now)) return EXPIRED
    return await resolveSlowed(contextOf(deps, subject, options, { sent: credentials, now }))
  } catch (error) {
    if (error instanceof ResolverError) return unavailable(deps, subject, options, error)
    deps.observer.unexpectedError(error)
    return { kind: 'unavailable', error: new UnexpectedError(error) }
  }
}

function contextOf (
  deps: ResolveDeps,
  subject: CredentialContext,
  options: ResolveOptions,
  { sent, now }: Readonly<{ sent: Credentials, now: EpochMs }>
): ResolveContext {
  return {
    deps,
    options,
    subject,
    sent,
    trace: subject.trace(),
    digests: deps.sentDigests(subject.credentials),
    tokenEnd: identityDeadline(sent, now)
  }
}

/** @returns what is left from before an outage, or that nobody can say */
function unavailable (
  deps: ResolveDeps,
  subject: CredentialContext,
  { mayBeStale }: ResolveOptions,
  error: ResolverError
): Authentication {
  return (mayBeStale ? staleInstead(deps, subject, error) : undefined) ?? { kind: 'unavailable', error }
}

/** A client with many failed credentials waits for a slot, unless memory or the shared cache knows these as valid. */
function resolveSlowed (context: ResolveContext): Promise<Authentication> {
  const { deps, subject, trace, digests: { whole } } = context
  const { memory, failedCredentials } = deps
  const isSlowed = !memory.knowsAsValid(subject.key) && failedCredentials.isSlowed(trace, whole)
  const { resolveOwn } = deps
  if (resolveOwn !== undefined && subject.credentials.own !== undefined) {
    const run = (): Promise<Authentication> => resolveOwn(context, resolveOnce)
    return isSlowed ? failedCredentials.run(trace, whole, run) : run()
  }
  return isSlowed ? resolveInTurn(context) : resolveUntilDeadline(context)
}

async function resolveInTurn (context: ResolveContext): Promise<Authentication> {
  const { deps: { failedCredentials }, trace, digests: { whole } } = context
  return await readShared(context) ??
    await failedCredentials.run(trace, whole, () => resolveUntilDeadline(context))
}

/** A plain read, without the lease. */
async function readShared (context: ResolveContext): Promise<Authentication | undefined> {
  if (!isShared(context)) return undefined
  const read = await context.deps.sharedCache.read(context.subject.cacheKeys(), acceptOf(context))
  return read && adopt(context, read)
}

/**
 * True if a part's own credentials got no result at all: it means that their access token ended; what that says is
 * found out by more.
 */
export function isRefutation ({ credentials: { own } }: CredentialContext, resolution: Resolution): boolean {
  return own !== undefined && resolution.kind === 'invalid' && resolution.noIdentityHeaders
}

/** @returns undefined where a revocation overtook it */
async function resolveOnce (context: ResolveContext): Promise<Authentication | undefined> {
  const shared = await lookUp(context)
  return shared.kind === 'found' ? adopt(context, shared) : await ask(context, shared)
}

/** The deadline begins after the wait for another replica: after a vain wait a whole AUTHGEAR_TIMEOUT is left. */
async function resolveUntilDeadline (context: ResolveContext): Promise<Authentication> {
  const { clock, timeoutMs } = context.deps
  let shared = await lookUp(context)
  const deadline = clock.monotonic() + timeoutMs
  for (;;) {
    const authentication = shared.kind === 'found' ? adopt(context, shared) : await ask(context, shared)
    if (authentication !== undefined) return authentication
    const leftMs = deadline - clock.monotonic()
    if (leftMs <= 0) return { kind: 'unavailable', error: new RevokedMeanwhile() }
    shared = await lookUp(context, leftMs)
  }
}

function lookUp (context: ResolveContext, waitMs = Infinity): SharedLookup | Promise<SharedLookup> {
  if (!isShared(context)) return ASK_ALONE
  const { deps: { sharedCache, resolver }, subject } = context
  const leaseWaitMs = resolver.state().circuitOpen ? Math.min(waitMs, LEASE_WAIT_WHILE_OPEN_MS) : waitMs
  return sharedCache.lookup(subject.cacheKeys(), acceptOf(context), leaseWaitMs)
}

/**
 * Stale-if-error: a session that was valid when last resolved, while Authgear cannot be reached. Never after an
 * answered error, which may be about this very session, never again and again while others are answered, never if a
 * revocation may be missing, never past the end of a token that was sent. What was nobody's stays unknown, and leaves
 * the word to what was sent beside it.
 */
function staleInstead (
  { memory, log, clock, unanswered }: ResolveDeps,
  { key, credentials }: CredentialContext,
  error: ResolverError
): Authentication | undefined {
  if (!isOutage(error) || !log.isFollowing()) return undefined
  const known = memory.readEnded(key)
  if (known.kind !== 'hit') return undefined
  const { entry: { resolution } } = known
  if (log.isVoid(known.entry, known.entry)) return undefined
  if (resolution.kind === 'invalid') {
    return resolution.noIdentityHeaders ? { kind: 'unavailable', error, wasNobodys: true } : undefined
  }
  if (isUnanswered(error) && !unanswered.mayBeOutage(key)) return undefined
  const now = clock.wall()
  return now < identityDeadline(credentials, now)
    ? { ...resolved(known.entry, known.remainingMs, 'memory'), stale: true }
    : undefined
}

/** Not a 429, which a person causes with calls of their own, and no misconfiguration. */
function isOutage (error: ResolverError): boolean {
  // a 5xx of the token endpoint is about no session: where it fails, none has ended
  if (error instanceof TokenCallFailed) return isOutage(error.cause) || isServerError(error.cause)
  return isUnanswered(error) || error instanceof AuthgearCircuitOpen
}

function isShared (context: ResolveContext): boolean {
  const { log, clock } = context.deps
  return log.trustsShared() && !log.isUncacheable(knownAffected(context), clock.monotonic())
}

function acceptOf (context: ResolveContext): Accept {
  const { options, subject } = context
  return (entry, remainingMs) =>
    options.accept(entry, remainingMs) && !isRefutation(subject, entry.resolution) &&
    isUsable(context, entry, remainingMs)
}

/** Under both secrets, while CACHE_SECRET is rotated: an entry in Redis has its names under its own. */
function namedInFull ({ digests }: ResolveContext, entry: Entry): Entry {
  const { resolution, stamp, ttlMs, sealedAt } = entry
  return { resolution, stamp, digests: digests.all, ttlMs, sealedAt }
}

/** Another replica's entry: no revocation voids it, and no token that was sent has expired. */
function isUsable (context: ResolveContext, entry: Entry, remainingMs: number): boolean {
  const { log } = context.deps
  return log.trustsShared() && isExpectedUser(context, entry.resolution) &&
    log.trusts(namedInFull(context, entry)) && capped(context, entry, remainingMs) > 0
}

/** The user of the ID token of a login, and of every answer about its access token, is one. */
function isExpectedUser ({ userId }: ResolveContext, resolution: Resolution): boolean {
  return userId === undefined || resolution.kind === 'invalid' || resolution.userId === userId
}

function capped ({ tokenEnd, deps: { clock } }: ResolveContext, entry: Entry, remainingMs: number): number {
  return capAt(remainingMs, entry.resolution, tokenEnd, clock.wall())
}

/** The user behind these credentials, if memory has an entry (even a revoked one). */
function knownAffected ({ deps: { memory }, subject, digests }: ResolveContext): Affected {
  const known = memory.read(subject.key)
  return known.kind === 'hit' ? known.entry : { userId: undefined, digests: digests.all }
}

/** An entry taken over from Redis keeps the rest of its life. */
function adopt (
  context: ResolveContext,
  { entry, remainingMs, coalesced }: SharedLookup & { kind: 'found' }
): Authentication | undefined {
  const {
    deps: { memory, observer, log, failedCredentials },
    subject,
    trace,
    digests
  } = context
  if (!isUsable(context, entry, remainingMs)) return undefined
  if (coalesced) observer.coalesced('fleet')
  const { local, at } = log.snapshot()
  memory.write(subject.key, namedInFull(context, entry), capped(context, entry, remainingMs), {
    local,
    at: at - ageOf(entry, remainingMs),
    isBounded: isVariable(context, entry)
  })
  // the replica that asked has counted a refusal
  if (entry.resolution.kind === 'valid') failedCredentials.judged(trace, digests.whole, 'valid')
  return resolved(entry, remainingMs, 'redis')
}

/** Memory is written before the answer, so that the next request finds it; Redis without anybody waiting. */
async function ask (
  context: ResolveContext,
  lookup: SharedLookup & { kind: 'ask' }
): Promise<Authentication | undefined> {
  const { deps: { log, observer, clock, timeoutMs }, digests: { all: digests } } = context
  let shared: Entry | undefined
  let lifeMs = 0
  try {
    // before it is queued: the answer may lack later revocations
    const snapshot = context.since ?? log.snapshot()
    const began = momentOf(clock)
    const { resolution, isConclusive } = await askAuthgear(context, snapshot)
    const tookMs = elapsedSince(began, clock)
    // this process was frozen: an old answer says nothing of now
    if (tookMs > FROZEN_TIMEOUTS * timeoutMs) return undefined
    if (!isConclusive) observer.noVerdict()
    if (!isExpectedUser(context, resolution)) throw new AnotherUser(userOf(resolution) ?? '')
    const affected = { userId: userOf(resolution), digests }
    const isVoid = log.isVoid(affected, snapshot)
    if (isVoid && resolution.kind === 'valid') return undefined
    const uncacheableSince = log.isUncacheable(affected, snapshot.at) ? snapshot.at : undefined
    const ttlMs = isConclusive && !isVoid && uncacheableSince === undefined ? lifetimeFor(context, resolution) : 0
    lifeMs = ttlMs - tookMs // its age counts from when Authgear was asked
    const entry = lifeMs > 0 ? entryOf(context, resolution, snapshot, ttlMs) : undefined
    // a refutation too: in the place of an older one, which nobody must adopt
    if (log.trustsShared()) shared = entry
    remember(context, { resolution, isConclusive }, entry, lifeMs, snapshot)
    return { kind: 'resolved', resolution, source: 'authgear', ageMs: 0, digests, uncacheableSince }
  } finally {
    lookup.done(shared, Math.floor(lifeMs)).catch(observer.unexpectedError)
  }
}

/** @param entry undefined: the answer may not be remembered */
function remember (
  context: ResolveContext,
  { resolution, isConclusive }: ResolverResult,
  entry: Entry | undefined,
  lifeMs: number,
  snapshot: RevocationSnapshot
): void {
  const { deps: { memory }, subject } = context
  if (entry !== undefined && !isRefutation(subject, resolution)) {
    memory.write(subject.key, entry, lifeMs, { ...snapshot, isBounded: isVariable(context, entry) })
  } else if (isConclusive && resolution.kind === 'invalid') {
    memory.forget(subject.key, snapshot.at) // an older entry would keep a session valid that has ended
  }
}

async function askAuthgear (context: ResolveContext, { at }: RevocationSnapshot): Promise<ResolverResult> {
  const { deps: { resolver, memory, failedCredentials, unanswered }, digests, trace, sent, subject: { key } } = context
  const asked = resolver.resolve(sent, trace, digests)
  const result = await asked.catch((error: unknown) => {
    // an entry that has ended stands in for the next outage no more; one that lives stays
    if (error instanceof AuthgearSilent && memory.read(key).kind !== 'hit') memory.forget(key, at)
    throw error
  })
  const isJudged = result.isConclusive && !isRefutation(context.subject, result.resolution)
  if (isJudged) failedCredentials.judged(trace, digests.whole, result.resolution.kind)
  if (isJudged && result.resolution.kind === 'valid') unanswered.answered(key)
  return result
}

/** By the earlier of two readings of the clock, which may have been set back meanwhile. */
function lifetimeFor (
  { deps: { lifetimes, clock }, tokenEnd, subject }: ResolveContext,
  resolution: Resolution
): number {
  const now = clock.wall()
  const deadline = Math.min(tokenEnd, identityDeadline(subject.credentials, now))
  return lifetimeOf(resolution, deadline, lifetimes, now, Math.random())
}

function entryOf (
  { digests: { all: digests }, deps: { clock } }: ResolveContext,
  resolution: Resolution,
  { stamp }: RevocationSnapshot,
  ttlMs: number
): Entry {
  return { resolution, stamp, digests, ttlMs, sealedAt: clock.wall() }
}

/** True if a client can vary it at will: a credential beside another, or one that Authgear refused. */
function isVariable ({ subject: { credentials } }: ResolveContext, { resolution }: Entry): boolean {
  const sent = Object.values(credentials).filter((value) => value !== undefined)
  return sent.length > 1 || resolution.kind === 'invalid'
}

function userOf (resolution: Resolution): string | undefined {
  return resolution.kind === 'valid' ? resolution.userId : undefined
}

function resolved (entry: Entry, remainingMs: number, source: Source): Authentication & { kind: 'resolved' } {
  const { resolution, digests } = entry
  return { kind: 'resolved', resolution, source, ageMs: ageOf(entry, remainingMs), digests }
}
