import type { Credentials } from './credentials.ts'

/** Milliseconds since 1970 by the wall clock. */
export type EpochMs = number & { readonly __brand: 'EpochMs' }

/** How far this machine's clock may be behind or ahead of Authgear's before an expired token counts as certainly dead. */
const LEEWAY = 60_000

/**
 * @returns when an access token of Authgear's (`typ: at+jwt`) ends, or undefined where the text is not one.
 * Nothing is verified: this only ever shortens a life or refuses what Authgear would refuse.
 */
export function jwtExpiry (token: string): EpochMs | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  const header = decodeJson(parts[0] ?? '')
  const payload = decodeJson(parts[1] ?? '')
  const exp = payload?.['exp']
  if (header?.['typ'] !== 'at+jwt' || typeof exp !== 'number' || !Number.isFinite(exp)) return undefined
  return exp * 1000 as EpochMs
}

/** @returns the audiences that a token names, unverified; none where the text is no JWT */
export function jwtAudience (token: string): readonly string[] {
  const audience = decodeJson(token.split('.')[1] ?? '')?.['aud']
  return [audience].flat().filter((name): name is string => typeof name === 'string')
}

function decodeJson (base64url: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64url, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : undefined
  } catch {
    return undefined
  }
}

/** @returns whether the only credential sent is a token that ended more than a minute ago */
export function isExpired (credentials: Credentials, now: EpochMs): boolean {
  const { bearer, appSession, appAccessToken, session } = credentials
  const sent = [bearer, appSession, appAccessToken, session].filter((value) => value !== undefined)
  const only = sent.length === 1 ? bearer ?? appAccessToken : undefined
  const expiry = only === undefined ? undefined : jwtExpiry(only)
  return expiry !== undefined && expiry < now - LEEWAY
}

/**
 * @returns the moment after which no answer to these credentials may be used from a cache; Infinity where no token sets one.
 * A token that is certainly dead sets none: another credential gave the answer.
 */
export function identityDeadline (credentials: Credentials, now: EpochMs): number {
  const expiries = [credentials.bearer, credentials.appAccessToken].map((token) => token === undefined ? undefined : jwtExpiry(token))
  return Math.min(...expiries.map((expiry) => expiry === undefined || expiry < now - LEEWAY ? Infinity : expiry))
}
