import { trimBlanks, trimmedEnd } from './blanks.ts'

/**
 * The parts of a forwarded request that may identify someone: a bearer token and Authgear's three cookies, read exactly
 * as Authgear reads them (Go's net/http; docs/inside/authgear.md, "Credentials"). What is read here is what is keyed
 * and what is sent on.
 */
export type Credentials = Readonly<{
  /** Undefined = not sent; an empty cookie counts as sent (and bad), as at Authgear. */
  bearer: string | undefined
  appSession: string | undefined
  appAccessToken: string | undefined
  session: string | undefined
  /** A part's own, instead of the three cookies; never sent on. */
  own?: string | undefined
}>

export type CredentialsRead =
  | Readonly<{ kind: 'none' }>
  | Readonly<{ kind: 'refused', reason: 'malformed_credentials' | 'ambiguous_credentials', bearer: boolean }>
  /** `instead`: a part's own beside a token, which counts where the token is nobody's. */
  | Readonly<{ kind: 'credentials', credentials: Credentials, instead?: Credentials }>

export type CookieNames = Readonly<{
  appSession: string
  appAccessToken: string
  session: string
  /**
   * Finds the three in a Cookie line, five times as fast as a walk over its pairs; captures the name without prefix,
   * and the value.
   */
  finder: RegExp
}>

type Found = { -readonly [K in keyof Credentials]: Credentials[K] }

/** Longer ones cannot be Authgear's: alone they are refused without asking it. */
const MAX_TOKEN_BYTES = 16 * 1024
const MAX_COOKIE_BYTES = 1024
/** Go drops all cookies of a request with more than this many. */
const MAX_COOKIES = 3000
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/ // eslint-disable-line no-control-regex -- that is what it looks for
/** Nothing to trim, to unquote or to skip. */
const PLAIN_VALUE = /^[\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]+$/
/** Go skips a cookie whose value holds another byte. */
const COOKIE_VALUE = /^[\x20\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]*$/
const FIELDS = { session: 'session', app_session: 'appSession', app_access_token: 'appAccessToken' } as const
const BEARER = /^bearer [^ ]/i

const NONE: CredentialsRead = { kind: 'none' }

/** @param prefix `http.cookie_prefix` of the Authgear project */
export function cookieNames (prefix: string): CookieNames {
  const literal = prefix.replaceAll(/[^\w]/g, '\\$&')
  const finder = new RegExp(
    `(?:^|;)[ \\t]*${literal}(app_session|app_access_token|session)[ \\t]*(?:=([^;]*))?(?=;|$)`,
    'g'
  )
  return {
    appSession: `${prefix}app_session`,
    appAccessToken: `${prefix}app_access_token`,
    session: `${prefix}session`,
    finder
  }
}

/**
 * @param rawHeaders name, value, name, value … as they arrived, never joined (Node's `rawHeaders`)
 * @param names undefined: no cookie is read
 */
export function readCredentials (rawHeaders: readonly string[], names: CookieNames | undefined): CredentialsRead {
  const found: Found = { bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined }
  let authorizations = 0
  let cookieBytes = 0
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (names !== undefined && name.length === 6 && name.toLowerCase() === 'cookie') {
      const line = rawHeaders[i + 1] ?? ''
      cookieBytes += line.length + 1
      readCookies(line, names, found)
    } else if (name.length === 13 && name.toLowerCase() === 'authorization') {
      if (++authorizations === 1) found.bearer = readBearer(rawHeaders[i + 1] ?? '')
    }
  }
  if (authorizations > 1 || found.bearer?.includes(',') === true) return refused('ambiguous_credentials', found)
  // no need to count what cannot be too many
  if (cookieBytes > MAX_COOKIES && countCookies(rawHeaders) > MAX_COOKIES) {
    found.appSession = found.appAccessToken = found.session = undefined
  }
  return judge(found)
}

/** Reads the Authorization lines, and no cookie. */
export function readBearerAlone (rawHeaders: readonly string[]): CredentialsRead {
  return readCredentials(rawHeaders, undefined)
}

function judge (found: Found): CredentialsRead {
  const { bearer, appSession, appAccessToken, session } = found
  if (bearer === undefined && appSession === undefined && appAccessToken === undefined && session === undefined) {
    return NONE
  }
  const isMalformed =
    cannotBe(bearer, MAX_TOKEN_BYTES) || cannotBe(appAccessToken, MAX_TOKEN_BYTES) ||
    cannotBe(appSession, MAX_COOKIE_BYTES) || cannotBe(session, MAX_COOKIE_BYTES)
  return isMalformed ? readTheOthers(found) : { kind: 'credentials', credentials: found }
}

/** Beside another credential, a value that cannot be Authgear's is an app's, such as its own cookie `session`. */
function readTheOthers (found: Found): CredentialsRead {
  const ifCredible = (value: string | undefined, max: number): string | undefined =>
    cannotBe(value, max) ? undefined : value
  const others: Credentials = {
    bearer: ifCredible(found.bearer, MAX_TOKEN_BYTES),
    appSession: ifCredible(found.appSession, MAX_COOKIE_BYTES),
    appAccessToken: ifCredible(found.appAccessToken, MAX_TOKEN_BYTES),
    session: ifCredible(found.session, MAX_COOKIE_BYTES)
  }
  return isSomething(others)
    ? { kind: 'credentials', credentials: others }
    : refused('malformed_credentials', found)
}

/** WWW-Authenticate depends on whether a bearer token was among them. */
function refused (reason: 'malformed_credentials' | 'ambiguous_credentials', found: Found): CredentialsRead {
  return { kind: 'refused', reason, bearer: found.bearer !== undefined }
}

function cannotBe (value: string | undefined, max: number): boolean {
  return value !== undefined && (value.length > max || CONTROL.test(value))
}

/** Scheme in any case, exactly one space, the token; other schemes are the app's own business. */
function readBearer (line: string): string | undefined {
  const value = trimBlanks(line, 0, line.length)
  return BEARER.test(value) ? value.slice(7) : undefined
}

function readCookies (line: string, { finder }: CookieNames, found: Found): void {
  finder.lastIndex = 0
  for (let match = finder.exec(line); match !== null; match = finder.exec(line)) {
    const field = FIELDS[match[1] as keyof typeof FIELDS]
    if (found[field] === undefined) found[field] = readValue(match[2] ?? '')
  }
}

/** Counts cookies as Go does, over all lines. */
function countCookies (rawHeaders: readonly string[]): number {
  let count = 0
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === 'cookie') count += (rawHeaders[i + 1] ?? '').split(';').length
  }
  return count
}

/** @returns undefined where Go skips the cookie */
function readValue (text: string): string | undefined {
  if (PLAIN_VALUE.test(text)) return text // as Authgear writes them all
  const value = unquote(text.slice(0, trimmedEnd(text, 0, text.length)))
  // a control byte makes Go refuse the whole request: kept, so that it is refused here too
  return COOKIE_VALUE.test(value) || CONTROL.test(value) ? value : undefined
}

function unquote (value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}

/** The credentials as request headers for Authgear: flat name, value, …; nothing else of the client's is in them. */
export function credentialHeaders (credentials: Credentials, names: CookieNames): string[] {
  const { bearer, appSession, appAccessToken, session } = credentials
  const headers = bearer === undefined ? [] : ['authorization', `Bearer ${bearer}`]
  const cookies: string[] = []
  if (appSession !== undefined) cookies.push(cookiePair(names.appSession, appSession))
  if (appAccessToken !== undefined) cookies.push(cookiePair(names.appAccessToken, appAccessToken))
  if (session !== undefined) cookies.push(cookiePair(names.session, session))
  if (cookies.length > 0) headers.push('cookie', cookies.join('; '))
  return headers
}

/** Go trims blanks around a pair: quotes keep those that belong to the value. */
function cookiePair (name: string, value: string): string {
  return value.endsWith(' ') ? `${name}="${value}"` : `${name}=${value}`
}

/** @param cookie its name without prefix: the one that is read */
export function only (names: CookieNames, cookie: string): CookieNames {
  const source = names.finder.source.replace('app_session|app_access_token|session', cookie)
  return { ...names, finder: new RegExp(source, 'g') }
}

/** Name, value, … of the lines of that name. */
export function linesOf (rawHeaders: readonly string[], name: string): readonly string[] {
  const isOne = (line: string, index: number): boolean => index % 2 === 0 && line.toLowerCase() === name
  return rawHeaders.flatMap((line, index) => isOne(line, index) ? [line, rawHeaders[index + 1] ?? ''] : [])
}

/** A cleared cookie is empty and belongs to nobody. */
export function isSomething (credentials: Credentials): boolean {
  return Object.values(credentials).some((value) => value !== undefined && value !== '')
}

/** The name of a session's cookie of this service; browsers keep `__Host-` over HTTPS alone. */
export const ownCookieName = (isSecure: boolean): string => isSecure ? '__Host-forward-auth' : 'forward-auth'
/** Of the two cookies that a sign-in and a sign-out leave for ten minutes; the session's name comes before. */
export const BRIEF_COOKIES = { login: '-login', logout: '-logout' } as const
