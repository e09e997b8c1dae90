import type { Accept } from '../cache/types.ts'
import type { ClientTrace } from '../authgear/resolver/types.ts'
import type { SentDigests } from '../core/cache-key.ts'
import type { Credentials } from '../core/credentials.ts'
import type { Resolution } from '../core/resolution.ts'
import type { RevocationSnapshot } from '../revocation/types.ts'
import type { AuthenticateDeps, CredentialContext } from './types.ts'

/** What a resolution is for. */
export type ResolveOptions = Readonly<{
  /** Which entries of the shared cache will do. */
  accept: Accept
  /** Whether an entry that has ended will do while Authgear cannot be reached. */
  mayBeStale: boolean
}>

export type ResolveContext = Readonly<{
  deps: AuthenticateDeps
  options: ResolveOptions
  subject: CredentialContext
  /** What is sent to Authgear: of a session of our own its access token. */
  sent: Credentials
  trace: ClientTrace
  digests: SentDigests
  /** When the first of its tokens expires. */
  tokenEnd: number
  /** Of a session of our own: before its record was read, so that what ended it since then is not overlooked. */
  since?: RevocationSnapshot | undefined
  /** Whose session of our own it is: Authgear must say the same. */
  userId?: string | undefined
}>

/** Of a session of our own no result at all means that its access token ended; what that says is found out by more. */
export function isRefutation ({ credentials: { own } }: CredentialContext, resolution: Resolution): boolean {
  return own !== undefined && resolution.kind === 'invalid' && resolution.noIdentityHeaders
}
