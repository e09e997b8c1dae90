import { trimBlanks } from '../../../base/core/blanks.ts'
import { type Credentials, type CredentialsRead, linesOf, readBearerAlone } from '../../../base/core/credentials.ts'

/** 256 random bits. */
const OWN_VALUE = /^[A-Za-z0-9_-]{43}$/
export const isOwnValue = (value: string): boolean => OWN_VALUE.test(value)

/**
 * Reads a bearer token, which comes first, and our own cookie: as at Authgear a token that is nobody's, or that can be
 * nobody's, hides no session. Two tokens are refused: the app may read the other one.
 * @param cookie its name
 * @param host under which it was given: at another it is another credential
 */
export function readOwnCredentials (rawHeaders: readonly string[], cookie: string, host: string): CredentialsRead {
  const bearer = readBearerAlone(rawHeaders)
  const isAmbiguous = bearer.kind === 'refused' && bearer.reason === 'ambiguous_credentials'
  if (isAmbiguous) return bearer
  const own = readOwnCookie(rawHeaders, cookie, host)
  if (bearer.kind === 'credentials') {
    return own.kind === 'credentials' ? { ...bearer, instead: own.credentials } : bearer
  }
  if (own.kind === 'credentials') return own
  if (bearer.kind === 'refused') return bearer
  return linesOf(rawHeaders, 'authorization').some(isBrokenBearer) ? BROKEN_BEARER : own
}

const BROKEN_BEARER: CredentialsRead = { kind: 'refused', reason: 'malformed_credentials', bearer: true }
/** The scheme, and no token as it must be: its sender meant one. */
const isBrokenBearer = (line: string, index: number): boolean =>
  index % 2 === 1 && /^[ \t]*bearer(?:[ \t]|$)/i.test(line)

/** Two different values: another site set one of them, and neither is used. */
export function readOwnCookie (rawHeaders: readonly string[], cookie: string, host: string): CredentialsRead {
  const values = cookieValues(rawHeaders, cookie)
  const value = values[0]
  if (value === undefined) return { kind: 'none' }
  if (values.length > 1 && values.some((other) => other !== value)) {
    return { kind: 'refused', reason: 'ambiguous_credentials', bearer: false }
  }
  if (!OWN_VALUE.test(value)) return { kind: 'refused', reason: 'malformed_credentials', bearer: false }
  return { kind: 'credentials', credentials: ownCredentials(host, value) }
}

export function ownCredentials (host: string, value: string): Credentials {
  return {
    bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined, own: `${host} ${value}`
  }
}

/** @param own as `Credentials` have it */
export function credentialsOfCookie (own: string): Credentials {
  const at = own.indexOf(' ')
  return ownCredentials(own.slice(0, at), own.slice(at + 1))
}

/** @param name of a cookie of ours @returns its values in all lines, as they came */
export function cookieValues (rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const header = rawHeaders[i] ?? ''
    if (header.length !== 6 || header.toLowerCase() !== 'cookie') continue
    const line = rawHeaders[i + 1] ?? ''
    for (let at = line.indexOf(name); at !== -1; at = line.indexOf(name, at + 1)) {
      const value = valueAt(line, at, name.length)
      if (value !== undefined) values.push(value)
    }
  }
  return values
}

/** @returns the text behind the name and its equals sign, where a cookie begins there */
function valueAt (line: string, at: number, length: number): string | undefined {
  let before = at - 1
  while (before >= 0 && (line[before] === ' ' || line[before] === '\t')) before--
  if ((before >= 0 && line[before] !== ';') || line[at + length] !== '=') return undefined
  const end = line.indexOf(';', at)
  return trimBlanks(line, at + length + 1, end === -1 ? line.length : end)
}
