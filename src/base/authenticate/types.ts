import type { SharedCache } from '../cache/coalescing.ts'
import type { Accept } from '../cache/types.ts'
import type { MemoryCache } from '../cache/memory.ts'
import type { Clock } from '../clock.ts'
import type { CacheKey, CacheKeys, CredentialDigest, MemoryKey, SentDigests } from '../core/cache-key.ts'
import type { Credentials } from '../core/credentials.ts'
import type { Lifetimes } from '../core/token-expiry.ts'
import type { Resolution } from '../core/resolution.ts'
import type { ResolverError } from '../errors.ts'
import type { FailedCredentials } from '../authgear/resolver/failed-credentials.ts'
import type { ClientTrace, Resolver } from '../authgear/resolver/types.ts'
import type { createUnanswered } from './unanswered.ts'
import type { RevocationLog, RevocationSnapshot } from '../revocation/types.ts'

export type Source = 'memory' | 'redis' | 'authgear'

/** The identity behind credentials; every caller of one resolution makes its own decision from it. */
export type Authentication =
  | Readonly<{
    kind: 'resolved'
    resolution: Resolution
    source: Source
    ageMs: number
    /** A revocation of one of them ends it. */
    digests: readonly CredentialDigest[]
    /** When a resolution began that may not be cached, since its user was just revoked: late callers do not join it. */
    uncacheableSince?: number | undefined
    /** Past its life, while Authgear cannot be reached (CACHE_STALE_IF_ERROR). */
    stale?: true
  }>
  | Readonly<{ kind: 'refused', reason: 'expired_credentials' | 'malformed_credentials' | 'wrong_audience' }>
  /**
   * An error is never a miss and never "not signed in". `wasNobodys`: in an outage, within CACHE_STALE_IF_ERROR, before
   * which they were nobody's and no account was refused.
   */
  | Readonly<{ kind: 'unavailable', error: ResolverError, wasNobodys?: true }>

export type CredentialContext = Readonly<{
  key: MemoryKey
  /** Names the credentials in a line of the log. */
  cacheKey (): CacheKey
  /** Computed only for a lookup in the shared cache. */
  cacheKeys (): CacheKeys
  credentials: Credentials
  /** The bytes of the head of a request that waits; counted only on a miss in memory. */
  headBytes (): number
  /** Read only for a request to Authgear. */
  trace (): ClientTrace
}>

export type Authenticator = Readonly<{
  /** Synchronous when memory knows the answer, since an `async` hop costs 5 % of the hot path. Never rejects. */
  authenticate: (subject: CredentialContext) => Authentication | Promise<Authentication>
  /** As `authenticate`, with a resolution no older than `maxAgeMs`: a role may be new. All callers share one. */
  confirm: (subject: CredentialContext, maxAgeMs: number) => Promise<Authentication>
}>

export type AuthenticateDeps = Readonly<{
  memory: MemoryCache
  sharedCache: SharedCache
  resolver: Resolver
  sentDigests: (credentials: Credentials) => SentDigests
  failedCredentials: FailedCredentials
  /** Resolves credentials of a part's own (`own`). */
  resolveOwn?: ResolveOwn | undefined
  /** AUTHGEAR_ENDPOINT's origin: what a JWT's `aud` has to name. */
  audience: string
  lifetimes: Lifetimes
  /** Share of its life after which an entry is renewed while it is still used, in tests; 0 = never. */
  refreshAhead?: number | undefined
  /** Milliseconds within which a resolution that a revocation overtook is repeated (AUTHGEAR_TIMEOUT). */
  timeoutMs: number
  /** Oldest age of a memory entry while the revocations cannot be followed (CACHE_DEGRADED_TTL). */
  degradedTtlMs: number
  /** Bytes that all waiting requests may take together. */
  waitingBytes: number
  log: RevocationLog
  clock: Clock
  observer: AuthenticateObserver
}>

/** What all resolutions of a process share. */
export type ResolveDeps = AuthenticateDeps & Readonly<{ unanswered: ReturnType<typeof createUnanswered> }>

/** The purpose of a resolution. */
export type ResolveOptions = Readonly<{
  /** Says which entries of the shared cache will do. */
  accept: Accept
  /** True if an entry that has ended will do while Authgear cannot be reached. */
  mayBeStale: boolean
}>

export type ResolveContext = Readonly<{
  deps: ResolveDeps
  options: ResolveOptions
  subject: CredentialContext
  /** The credentials that are sent to Authgear: instead of a part's own an access token. */
  sent: Credentials
  trace: ClientTrace
  digests: SentDigests
  /** When the first of its tokens expires. */
  tokenEnd: number
  /**
   * The snapshot from before a part's own credentials were looked up, so that what ended them since then is not
   * overlooked.
   */
  since?: RevocationSnapshot | undefined
  /** Whose credentials of a part's own these are: Authgear must say the same. */
  userId?: string | undefined
}>

/**
 * Resolves credentials of a part's own.
 * @param resolveToken as credentials of Authgear's are resolved; undefined where a revocation overtook it
 * @throws {ResolverError} where nobody can say
 */
export type ResolveOwn = (
  context: ResolveContext,
  resolveToken: (context: ResolveContext) => Promise<Authentication | undefined>
) => Promise<Authentication>

export type AuthenticateObserver = Readonly<{
  memoryRead: (outcome: 'hit' | 'miss') => void
  coalesced: (scope: 'process' | 'fleet') => void
  /** Authgear answered a `session` cookie with no verdict, twice: it is in trouble, or the settings do not fit it. */
  noVerdict: () => void
  /** A bug: the request is answered 503. */
  unexpectedError: (error: unknown) => void
}>
