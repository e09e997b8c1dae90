import type { CredentialDigest, Keyer } from '../../core/cache-key.ts'
import type { Credentials } from '../../core/credentials.ts'
import { isOfPrevious, unmarked } from '../../core/rotation.ts'
import { createHmacSha256 } from '../../crypto/hmac.ts'
import type { Target } from '../revocation/types.ts'

/** On every 200 with LISTEN_EVENTS: names the session to the app, which learns by it that it has ended. */
export const SESSION_HEADER = 'x-forward-auth-session'
/** When it ends without a word, in seconds since 1970; empty where that is not known. */
export const UNTIL_HEADER = 'x-forward-auth-until'

/** The audience of a route that names none (`audience=`). */
export const DEFAULT_APP = 'default'
/** Between the names of a request with several credentials: a revocation of any of them ends it. */
const JOINT = '.'
const LENGTH = 22

/**
 * Names of sessions, other ones for each app: keyed digests, 22 characters of base64url. They stay the same on every
 * replica, over restarts and, while CACHE_SECRET_PREVIOUS is set, over a rotation.
 */
export type SessionNames = Readonly<{
  /** Under which secret they are made; tells nothing of it. */
  secret: string
  /** @param digests of what was resolved; a session of our own has one of Authgear's beside its cookie's */
  ofSession: (app: string, credentials: Credentials, digests: readonly CredentialDigest[]) => string
  /** Of a resource token by its `jti`. */
  ofToken: (app: string, id: string) => string
  /** @returns `unknown` for a credential under another secret than the names are */
  ofTarget: (app: string, target: Target & { kind: 'credential' | 'token' }) => string
}>

export type NamesDeps = Readonly<{
  keyer: Pick<Keyer, 'lastingDigests' | 'sentDigests'>
  key: Uint8Array
  secret: string
  /** The names are those of CACHE_SECRET_PREVIOUS. */
  isPrevious: boolean
}>

export function createSessionNames ({ keyer, key, secret, isPrevious }: NamesDeps): SessionNames {
  const hmac = createHmacSha256(key)
  const nameOf = (app: string, kind: 'credential' | 'token', text: string): string =>
    hmac(Buffer.from(`${app.length}:${app}:${kind}:${text}`).toString('latin1')).slice(0, LENGTH)
  const ofDigest = (app: string, digest: CredentialDigest): string => nameOf(app, 'credential', unmarked(digest))
  const ofToken = (app: string, id: string): string => nameOf(app, 'token', id)
  return Object.freeze({
    secret,
    ofSession (app: string, credentials: Credentials, digests: readonly CredentialDigest[]): string {
      const sent = new Set(keyer.sentDigests(credentials).all)
      // of a session of our own; what stands before it is of an access token, which the next refresh replaces
      const authgears = digests.findLast((one) => !sent.has(one) && isOfPrevious(one) === isPrevious) ?? []
      return [keyer.lastingDigests(credentials), authgears].flat().map((digest) => ofDigest(app, digest)).join(JOINT)
    },
    ofToken,
    ofTarget (app: string, target: Target & { kind: 'credential' | 'token' }): string {
      if (target.kind === 'token') return ofToken(app, target.id)
      return isOfPrevious(target.digest) === isPrevious ? ofDigest(app, target.digest) : 'unknown'
    }
  })
}

/** @param session as the header has it @returns each name in it */
export const namesIn = (session: string): readonly string[] => session.split(JOINT)
