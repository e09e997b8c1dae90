// @ts-check

/** Go 1.25 drops all cookies of a request with more. */
const MAX_COOKIES = 3000

/** RFC 9110 token; Go skips cookies with other names. */
const COOKIE_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** net/http's validCookieValueByte; a pair with another byte is skipped, not cut. */
const COOKIE_VALUE = /^[\x20\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]*$/

/**
 * All values of a header in the order they came.
 * @param {readonly string[]} rawHeaders
 * @param {string} name in lower case
 * @returns {string[]}
 */
export function headerLines (rawHeaders, name) {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name)
}

/**
 * The credentials as Authgear reads them: first Authorization line, first cookie of each name.
 * @param {readonly string[]} rawHeaders
 * @param {string} prefix Authgear's http.cookie_prefix
 * @returns {import('./types.d.mts').SentCredentials}
 */
export function readCredentials (rawHeaders, prefix) {
  const cookies = readCookies(headerLines(rawHeaders, 'cookie'))
  return {
    bearer: readBearer(headerLines(rawHeaders, 'authorization')[0]),
    appSession: cookies.get(`${prefix}app_session`),
    appAccessToken: cookies.get(`${prefix}app_access_token`),
    session: cookies.get(`${prefix}session`)
  }
}

/**
 * Scheme in any case, exactly one space, a token without one.
 * @param {string | undefined} line
 */
function readBearer (line) {
  const [scheme, token, ...more] = (line ?? '').split(' ')
  return scheme?.toLowerCase() === 'bearer' && token && more.length === 0 ? token : undefined
}

/**
 * net/http's readCookies: the first of a name counts.
 * @param {readonly string[]} lines
 * @returns {Map<string, string>}
 */
function readCookies (lines) {
  /** @type {Map<string, string>} */
  const cookies = new Map()
  const parts = lines.flatMap(line => line.split(';'))
  if (parts.length > MAX_COOKIES) return cookies
  for (const part of parts) {
    const [name, value] = cutPair(trim(part))
    if (COOKIE_NAME.test(name) && COOKIE_VALUE.test(value) && !cookies.has(name)) cookies.set(name, value)
  }
  return cookies
}

/**
 * @param {string} part
 * @returns {[name: string, value: string]}
 */
function cutPair (part) {
  const at = part.indexOf('=')
  if (at < 0) return [part, '']
  return [trim(part.slice(0, at)), unquote(part.slice(at + 1))]
}

/** @param {string} value */
function unquote (value) {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}

/** @param {string} text */
function trim (text) {
  return text.replace(/^[ \t]+|[ \t]+$/g, '')
}
