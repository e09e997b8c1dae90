import type { Credentials } from './credentials.ts'
import { parseJson } from './json.ts'
import type { Resolution } from './resolution.ts'

/** Milliseconds since 1970 by the wall clock. */
export type EpochMs = number & { readonly __brand: 'EpochMs' }

/** This machine's clock may differ from Authgear's by so much before an expired token counts as certainly expired. */
const LEEWAY_MS = 60_000

/**
 * @returns when an access token of Authgear's (`typ: at+jwt`) ends, or undefined where the text is not one.
 * Nothing is verified: this only ever shortens a life or refuses what Authgear would refuse.
 */
export function jwtExpiry (token: string): EpochMs | undefined {
  if (!token.includes('.')) return undefined
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  const header = decodeJson(parts[0] ?? '')
  const payload = decodeJson(parts[1] ?? '')
  const exp = payload?.['exp']
  if (header?.['typ'] !== 'at+jwt' || typeof exp !== 'number' || !Number.isFinite(exp)) return undefined
  return exp * 1000 as EpochMs
}

/** @returns the audiences that a token names, unverified; undefined where the text is no JWT */
export function jwtAudience (token: string): readonly string[] | undefined {
  const claims = claimsOf(token)
  return claims === undefined ? undefined : audiencesOf(claims)
}

/** @returns who issued a token, by its own word and unverified; undefined where there is no such claim */
export function jwtIssuer (token: string): string | undefined {
  const issuer = claimsOf(token)?.['iss']
  return typeof issuer === 'string' ? issuer : undefined
}

/** @returns the `jti` of a token, unverified; undefined where there is none */
export function jwtId (token: string): string | undefined {
  const id = claimsOf(token)?.['jti']
  return typeof id === 'string' && id !== '' ? id : undefined
}

/**
 * A token that Authgear issued for one resource must open nothing else, whatever the resolver says of it (RFC 8707; RFC
 * 9068, section 4). And Authgear takes a signature with padding, or with other bits at its end, too: one token would be
 * many entries, and a purge names one of them. Read without verifying, since it only refuses; an app's own JWT beside a
 * session is not Authgear's, and stays the app's business.
 * @param origin of AUTHGEAR_ENDPOINT, compared character by character as Authgear does
 */
export function faultOfTokens (
  { bearer, appAccessToken }: Credentials,
  origin: string
): 'wrong_audience' | 'malformed_credentials' | undefined {
  const own = [bearer, appAccessToken].flatMap((token) => {
    const claims = token === undefined ? undefined : claimsOf(token)
    return token !== undefined && claims !== undefined && isAuthgears(token, claims, origin) ? [{ token, claims }] : []
  })
  if (own.some(({ claims }) => !audiencesOf(claims).includes(origin))) return 'wrong_audience'
  return own.every(({ token }) => isCanonical(token)) ? undefined : 'malformed_credentials'
}

/**
 * The credentials that are sent to Authgear: a cookie `app_access_token` in a spelling that no token has is left out
 * where another credential is there, so that an app's own cookie of that name hides no session, as at Authgear.
 */
export function withoutMisspeltCookie (credentials: Credentials, origin: string): Credentials {
  const { bearer, appSession, appAccessToken, session } = credentials
  if (appAccessToken === undefined || (bearer ?? appSession ?? session) === undefined) return credentials
  const isMisspelt = faultOfTokens({ ...credentials, bearer: undefined }, origin) === 'malformed_credentials'
  return isMisspelt ? { ...credentials, appAccessToken: undefined } : credentials
}

type Json = Readonly<Record<string, unknown>>

/** Three parts of which the second holds claims; a signature is not looked at. */
export function claimsOf (token: string): Json | undefined {
  const [, payload = '', ...rest] = token.split('.')
  return rest.length === 1 ? decodeJson(payload) : undefined
}

const OPENING_BRACE = 0x7b

/**
 * Is each part as an encoder of base64url writes it (RFC 7515, section 2), and do header and claims begin as objects? A
 * token has one such spelling, so that one token is one entry of memory.
 */
export function isCanonical (token: string): boolean {
  const parts = token.split('.')
  return parts.every((part) => Buffer.from(part, 'base64url').toString('base64url') === part) &&
    parts.slice(0, 2).every((part) => Buffer.from(part, 'base64url')[0] === OPENING_BRACE)
}

/** RFC 9068, section 2.1: the type of an access token, in any case and with or without its prefix. */
export const ACCESS_TOKEN = /^(?:application\/)?at\+jwt$/i

function isAuthgears (token: string, claims: Json, origin: string): boolean {
  const typ = decodeJson(token.slice(0, token.indexOf('.')))?.['typ']
  return claims['iss'] === origin || (typeof typ === 'string' && ACCESS_TOKEN.test(typ))
}

/** RFC 7519, section 4.1.3: one text, or a list of them. */
function audiencesOf (claims: Json): readonly string[] {
  return [claims['aud']].flat().filter((name): name is string => typeof name === 'string')
}

function decodeJson (base64url: string): Json | undefined {
  const value = parseJson(Buffer.from(base64url, 'base64url').toString('utf8'))
  return typeof value === 'object' && value !== null ? value as Json : undefined
}

/** @returns whether the only credential sent is a token that ended more than a minute ago */
export function isExpired (credentials: Credentials, now: EpochMs): boolean {
  const { bearer, appSession, appAccessToken, session } = credentials
  const sent = [bearer, appSession, appAccessToken, session].filter((value) => value !== undefined)
  const only = sent.length === 1 ? bearer ?? appAccessToken : undefined
  const expiry = only === undefined ? undefined : jwtExpiry(only)
  return expiry !== undefined && expiry < now - LEEWAY_MS
}

/**
 * @returns the moment after which no answer to these credentials may be used from a cache; Infinity where no token sets
 * one. A certainly expired token sets none: another credential gave the answer.
 */
export function identityDeadline (credentials: Credentials, now: EpochMs): number {
  const expiries = [credentials.bearer, credentials.appAccessToken].map((token) =>
    token === undefined ? undefined : jwtExpiry(token)
  )
  return Math.min(...expiries.map((expiry) => expiry === undefined || expiry < now - LEEWAY_MS ? Infinity : expiry))
}

export type Lifetimes = Readonly<{ ttlMs: number, negativeTtlMs: number }>

/** Share by which a life may be shorter, so that entries made together do not end together. */
const JITTER = 0.1

/**
 * How long a fresh resolution may be remembered, in milliseconds; 0 = not at all.
 * @param deadline see `identityDeadline`
 * @param random 0 ≤ random < 1
 */
export function lifetimeOf (
  resolution: Resolution,
  deadline: number,
  lifetimes: Lifetimes,
  now: EpochMs,
  random: number
): number {
  const full = resolution.kind === 'valid' ? lifetimes.ttlMs : lifetimes.negativeTtlMs
  return capAt(Math.floor(full * (1 - JITTER * random)), resolution, deadline, now)
}

/**
 * @returns the life, never past the `exp` of a token that was sent; a refusal has nothing to outlive
 * @param deadline see `identityDeadline`
 */
export function capAt (lifeMs: number, resolution: Resolution, deadline: number, now: EpochMs): number {
  return resolution.kind === 'valid' ? Math.max(0, Math.floor(Math.min(lifeMs, deadline - now))) : lifeMs
}
