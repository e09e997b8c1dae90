import type { CredentialDigest, Keyer } from '../../base/core/cache-key.ts'
import type { Credentials } from '../../base/core/credentials.ts'
import { isOfPrevious, unmarked } from '../../base/core/rotation.ts'
import { bytesOfText, createHmacSha256, type Hmac } from '../../base/crypto/hmac.ts'
import type { Target } from '../../base/revocation/types.ts'

/** Between the names: one for each thing that a revocation may name, and any of them ends the session. */
const JOINT = '.'
const LENGTH = 22

export type SessionNames = ReturnType<typeof createSessionNames>

export type NamesDeps = Readonly<{
  keyer: Pick<Keyer, 'sentDigests'>
  secret: string
  key: Uint8Array
  /** The key of CACHE_SECRET_PREVIOUS. */
  previousKey: Uint8Array | undefined
}>

/**
 * Names of sessions, other ones for each app: keyed digests, 22 characters of base64url each. They stay the same on
 * every replica and over restarts; while CACHE_SECRET_PREVIOUS is set, those of both secrets go out.
 */
export function createSessionNames ({ keyer, secret, key, previousKey }: NamesDeps) {
  const hmac = createHmacSha256(key)
  const previous = previousKey && createHmacSha256(previousKey)
  const nameOf = (by: Hmac, app: string, kind: 'credential' | 'token', text: string): string =>
    by(bytesOfText(`${app.length}:${app}:${kind}:${text}`)).slice(0, LENGTH)
  const ofDigest = (app: string, digest: CredentialDigest): string =>
    nameOf(isOfPrevious(digest) ? previous ?? hmac : hmac, app, 'credential', unmarked(digest))
  const namesOfToken = (app: string, id: string): readonly string[] =>
    [hmac, ...previous === undefined ? [] : [previous]].map((by) => nameOf(by, app, 'token', id))
  return Object.freeze({
    /** Under which secret places are made; tells nothing of it. */
    secret,
    /** @param digests of what was resolved; a session of our own has one of Authgear's beside its cookie's */
    ofSession (app: string, credentials: Credentials, digests: readonly CredentialDigest[]): string {
      const sent = keyer.sentDigests(credentials).all
      const beside = credentials.own === undefined ? [] : besideCookie(sent, digests)
      return [...sent, ...beside].map((digest) => ofDigest(app, digest)).join(JOINT)
    },
    /** The names of a resource token by its `jti`. */
    ofToken: (app: string, id: string): string => namesOfToken(app, id).join(JOINT),
    /** @returns each name by which an app may know it */
    ofTarget: (app: string, target: Target & { kind: 'credential' | 'token' }): readonly string[] =>
      target.kind === 'token' ? namesOfToken(app, target.id) : [ofDigest(app, target.digest)]
  })
}

/**
 * The name of a session of our own is Authgear's id of it; the access token between has no name, since a refresh
 * replaces it.
 */
function besideCookie (
  sent: readonly CredentialDigest[],
  digests: readonly CredentialDigest[]
): readonly CredentialDigest[] {
  const beside = digests.filter((digest) => !sent.includes(digest))
  return [false, true].flatMap((ofPrevious) => beside.findLast((one) => isOfPrevious(one) === ofPrevious) ?? [])
}

/** @param session as the header has it @returns each name in it */
export const namesIn = (session: string): readonly string[] => session.split(JOINT)
