import type { Clock } from '../../base/clock.ts'
import type { EpochMs } from '../../base/core/token-expiry.ts'
import type { SigningKey } from './key.ts'
import type { KeyRing } from './key-ring.ts'
import type { Assertions, AssertionSubject, SignOutcome } from './types.ts'
import type { Credentials } from '../../base/core/credentials.ts'
import type { Hmac } from '../../base/crypto/hmac.ts'

/** A signature has 64 bytes by either algorithm, here as base64url. */
const SIGNATURE_LENGTH = 86

export type AssertionsDeps = Readonly<{
  ring: Pick<KeyRing, 'signer' | 'sidHmac'>
  /** ASSERTION_ISSUER */
  issuer: string
  clock: Pick<Clock, 'wall'>
  told: (outcome: SignOutcome) => void
}>

export function createAssertions ({ ring, issuer, clock, told }: AssertionsDeps): Assertions {
  return Object.freeze({
    sign: (subject, audience = issuer) => {
      const now = clock.wall()
      const key = ring.signer()
      const sub = subOf(subject)
      const room = key === undefined ? 0 : MAX_LENGTH - key.header.length - SIGNATURE_LENGTH - 2
      const text = key && sub && claimsText(subject, sub, { issuer, audience, now }, ring.sidHmac(), room)
      if (key === undefined || text === undefined || text === '') {
        told(key === undefined ? 'no_key' : 'unfit')
        return undefined
      }
      told('signed')
      const issuedAt = Math.floor(now / 1000) * 1000 as EpochMs
      return { token: jwtOf(key, text), issuedAt, renewAt: issuedAt + LIFE_SECONDS * 500 as EpochMs }
    }
  } satisfies Assertions)
}

function jwtOf (key: SigningKey, claims: string): string {
  const input = `${key.header}.${Buffer.from(claims).toString('base64url')}`
  return `${input}.${key.sign(input)}`
}

/** An assertion's life; it goes out for the half of it. */
export const LIFE_SECONDS = 60
/** `iat` is set back by so much: libraries refuse one that is ahead of the app's clock (docs/assertion.md). */
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
type AssertionTimes = Readonly<{ issuer: string, audience: string, now: EpochMs }>

/** @returns undefined for a user whose id could be a client's; Authgear's are UUIDs */
function subOf ({ userId, grant }: AssertionSubject): string | undefined {
  if (userId === undefined) return grant === undefined ? undefined : `${CLIENT_PREFIX}${grant.clientId}`
  return userId.startsWith(CLIENT_PREFIX) ? undefined : userId
}

/**
 * @param room characters that the JSON may take as base64url
 * @returns JSON; undefined where not even what must be in it fits
 */
function claimsText (
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
    sid: subject.session ?? sidOf(subject, sub, sidHmac),
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
 * Under the user too: a session id is no secret, so an attacker who sends another user's beside their own token must
 * not share its `sid`.
 */
function sidOf ({ credentials, grant }: AssertionSubject, sub: string, hmac: Hmac): string {
  const [kind, text] = grant === undefined ? sessionOf(credentials) : ['token', credentials.bearer ?? '']
  return hmac(Buffer.from(`${kind}:${sub.length}:${sub}:${text}`).toString('latin1')).slice(0, 22)
}

/** The id in a cookie, which outlives all tokens; else what outlives the others. */
function sessionOf ({ session, appSession, bearer, appAccessToken, own }: Credentials): readonly [string, string] {
  if (own !== undefined) return ['own', own]
  for (const cookie of [session, appSession]) {
    const id = cookie?.slice(0, Math.max(0, cookie.indexOf('.')))
    if (id !== undefined && id !== '') return ['session', id]
  }
  return ['token', [appSession, bearer, appAccessToken, session].find((one) => one !== undefined && one !== '') ?? '']
}
