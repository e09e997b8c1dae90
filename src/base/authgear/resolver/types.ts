import type { SentDigests } from '../../core/cache-key.ts'
import type { Credentials } from '../../core/credentials.ts'
import type { Resolution } from '../../core/resolution.ts'

/**
 * The parts of the client's request that Authgear sees besides the credentials; it shows them to the user as a device.
 */
export type ClientTrace = Readonly<{
  /** As vouched for by TRUSTED_PROXIES. */
  address: string | undefined
  /** True if a trusted proxy named it; else it is the connection's own. */
  isNamed?: boolean
  /** Printable ASCII. */
  userAgent: string | undefined
  traceparent: string | undefined
  tracestate: string | undefined
}>

/** `isConclusive` is false where Authgear answered a `session` cookie with no verdict, twice: never cached. */
export type ResolverResult = Readonly<{ resolution: Resolution, isConclusive: boolean }>

export interface Resolver {
  /**
   * @throws {ResolverError} for every answer but a readable verdict; an error is never "not signed in"
   */
  resolve (credentials: Credentials, trace: ClientTrace, digests: SentDigests): Promise<ResolverResult>
  state (): Readonly<{ inFlight: number, queued: number, circuitOpen: boolean }>
  close (): Promise<void>
}

/** Outcome of one real request to Authgear; a retry is another request. */
export const RESOLVER_OUTCOMES = ['valid', 'invalid', 'error', 'timeout', 'rejected'] as const
export type ResolverOutcome = (typeof RESOLVER_OUTCOMES)[number]

export type ResolverObserver = Readonly<{
  authgearRequest: (outcome: ResolverOutcome, seconds: number) => void
  /** @param lines header names and values of an answer of Authgear's, alternately */
  answered?: (lines: readonly string[], tookMs: number) => void
}> & Partial<OutageObserver>

/** The observer of the circuit breaker: it opens, and closes after so many milliseconds. */
export type OutageObserver = Readonly<{
  outageBegan: () => void
  /** @param notAsked requests about which Authgear was not asked meanwhile */
  outageEnded: (outageMs: number, notAsked: number) => void
}>
