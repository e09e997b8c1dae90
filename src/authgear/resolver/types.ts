import type { CredentialDigest } from '../../core/cache-key.ts'
import type { Credentials } from '../../core/credentials.ts'
import type { Resolution } from '../../core/resolution.ts'

/** Of the client's request, what Authgear may see beside the credentials; it shows them to the user as a device. */
export type ClientTrace = Readonly<{
  /** As vouched for by TRUSTED_PROXIES. */
  address: string | undefined
  /** Whether one of them named it; else it is the connection's own. */
  isNamed?: boolean
  userAgent: string | undefined
  traceparent: string | undefined
  tracestate: string | undefined
}>

/** `certain` is false where Authgear named no verdict at all, twice, to a `session` cookie: not to be remembered. */
export type Verdict = Readonly<{ resolution: Resolution, certain: boolean }>

export type SentDigests = Readonly<{
  /** Of each whole credential: what shares one shares a few slots of all. Never of a session id, which is no secret. */
  whole: readonly CredentialDigest[]
  /** With the session ids: what shares one fails as one. */
  all: readonly CredentialDigest[]
}>

export interface Resolver {
  /**
   * @throws {ResolverError} for every answer but a readable verdict; never takes one for "not signed in"
   */
  resolve (credentials: Credentials, trace: ClientTrace, digests: SentDigests): Promise<Verdict>
  state (): Readonly<{ inFlight: number, queued: number, circuitOpen: boolean }>
  close (): Promise<void>
}

/** One real request to Authgear, a retry being another. */
export type ResolverOutcome = 'valid' | 'invalid' | 'error' | 'timeout' | 'rejected'

export type ResolverObserver = Readonly<{
  authgearRequest: (outcome: ResolverOutcome, seconds: number) => void
}>
