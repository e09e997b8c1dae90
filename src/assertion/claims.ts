import type { Credentials } from '../core/credentials.ts'
import type { EpochMs } from '../core/token-expiry.ts'
import type { Hmac } from '../crypto/hmac.ts'
import type { AssertionSubject } from './types.ts'

/** An assertion's life; it goes out for the half of it. */
export const LIFE_SECONDS = 60
/** By which `iat` is set back: libraries refuse one that is ahead of the app's clock (docs/assertion.md). */
const BACKDATED_SECONDS = 15

/**
 * Characters of an assertion: proxies hold all headers of an answer in 4 to 16 KiB. What does not fit is left out and
 * named, so that no app takes a user with many roles for one without.
 */
export const MAX_LENGTH = 4096
/** In this order. */
const LEFT_OUT = ['roles', 'scope', 'name', 'email'] as const

/** No user may have such an id (RFC 9068, section 5: a client must not be able to look like a user). */
const CLIENT_PREFIX = 'client:'

type Claims = Readonly<Record<string, unknown>>
export type AssertionTimes = Readonly<{ issuer: string, audience: string, now: EpochMs }>

/** @returns undefined for a user whose id could be a client's; Authgear's are UUIDs */
export function subOf ({ userId, grant }: AssertionSubject): string | undefined {
  if (userId === undefined) return grant === undefined ? undefined : `${CLIENT_PREFIX}${grant.clientId}`
  return userId.startsWith(CLIENT_PREFIX) ? undefined : userId
}

/**
 * @param room characters that the JSON may take as base64url
 * @returns JSON; undefined where not even what must be in it fits
 */
export function claimsText (
  subject: AssertionSubject,
  sub: string,
  { issuer, audience, now }: AssertionTimes,
  sidHmac: Hmac,
  room: number
): string | undefined {
  const seconds = Math.floor(now / 1000)
  const { roles, email, name, grant } = subject
  const all: Claims = {
    iss: issuer,
    aud: audience,
    sub,
    iat: seconds - BACKDATED_SECONDS,
    exp: seconds + LIFE_SECONDS,
    sid: sidOf(subject, sub, sidHmac),
    roles,
    email,
    name,
    client_id: grant?.clientId,
    scope: grant?.scopes.join(' ')
  }
  return fitting(all, room)
}

function fitting (all: Claims, room: number): string | undefined {
  const fits = (text: string): boolean => Math.ceil(Buffer.byteLength(text) * 4 / 3) <= room
  const whole = JSON.stringify(all)
  if (fits(whole)) return whole
  let rest = all
  const omitted: string[] = []
  for (const claim of LEFT_OUT) {
    if (rest[claim] === undefined) continue
    omitted.push(claim)
    rest = { ...rest, [claim]: undefined, omitted }
    const text = JSON.stringify(rest)
    if (fits(text)) return text
  }
  return undefined
}

/**
 * Under the user too: a session id is no secret, so a stranger who sends somebody else's beside his own token must not
 * share its `sid`.
 */
function sidOf ({ credentials, grant }: AssertionSubject, sub: string, hmac: Hmac): string {
  const [kind, text] = grant === undefined ? sessionOf(credentials) : ['token', credentials.bearer ?? '']
  return hmac(Buffer.from(`${kind}:${sub.length}:${sub}:${text}`).toString('latin1')).slice(0, 22)
}

/** The id in a cookie, which outlives all tokens; else what outlives the others. */
function sessionOf ({ session, appSession, bearer, appAccessToken }: Credentials): readonly [string, string] {
  for (const cookie of [session, appSession]) {
    const id = cookie?.slice(0, Math.max(0, cookie.indexOf('.')))
    if (id !== undefined && id !== '') return ['session', id]
  }
  return ['token', [appSession, bearer, appAccessToken, session].find((one) => one !== undefined && one !== '') ?? '']
}
