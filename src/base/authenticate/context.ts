import type { Accept } from '../cache/types.ts'
import type { ClientTrace } from '../authgear/resolver/types.ts'
import type { SentDigests } from '../core/cache-key.ts'
import type { Credentials } from '../core/credentials.ts'
import type { Resolution } from '../core/resolution.ts'
import type { RevocationSnapshot } from '../revocation/types.ts'
import type { AuthenticateDeps, CredentialContext } from './types.ts'

/** The purpose of a resolution. */
export type ResolveOptions = Readonly<{
  /** Which entries of the shared cache will do. */
  accept: Accept
  /** True if an entry that has ended will do while Authgear cannot be reached. */
  mayBeStale: boolean
}>

export type ResolveContext = Readonly<{
  deps: AuthenticateDeps
  options: ResolveOptions
  subject: CredentialContext
  /** The credentials that are sent to Authgear: of a session of our own its access token. */
  sent: Credentials
  trace: ClientTrace
  digests: SentDigests
  /** When the first of its tokens expires. */
  tokenEnd: number
  /**
   * The snapshot from before a record of our own session was read, so that what ended it since then is not overlooked.
   */
  since?: RevocationSnapshot | undefined
  /** Whose session of our own it is: Authgear must say the same. */
  userId?: string | undefined
}>

/**
 * True if a session of our own got no result at all: it means that its access token ended; what that says is found out
 * by more.
 */
export function isRefutation ({ credentials: { own } }: CredentialContext, resolution: Resolution): boolean {
  return own !== undefined && resolution.kind === 'invalid' && resolution.noIdentityHeaders
}
