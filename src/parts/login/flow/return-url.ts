import type { LoginSettings } from '../variables.ts'

/**
 * Characters, as it arrived and as the state carries it; a longer one would make Authgear's own addresses, which repeat
 * the state, too long for its proxies.
 */
const MAX_LENGTH = 2048
/**
 * Printable ASCII: a host as browsers write it; a path without a backslash, which browsers read as a slash; a query; no
 * fragment.
 */
const GRAMMAR = /^https:\/\/([a-z0-9.-]{1,253})(?::443)?(?:\/[!$-;=@-[\]-~]*)?(?:\?[!"$-~]*)?$/
/** The same behind a whole origin. */
const AFTER_ORIGIN = /^(?:\/[!$-;=@-[\]-~]*)?(?:\?[!"$-~]*)?$/
/** A whole URL in the form that `encodeURIComponent` gives it; no raw one begins so. */
const ENCODED = /^https?%3a%2f%2f/i

export type ReturnUrls = Readonly<{
  /** The page of people who come from nowhere in particular. */
  fallback: string
  /**
   * @param text as it arrived: the URL itself, or the whole of it percent-encoded once
   * @returns its one canonical form, printable ASCII, over https on an allowed host, or of a login on this machine
   * itself; undefined for anything else
   */
  read: (text: string) => string | undefined
}>

/** Reads where people may be sent back to: one strict reading, and what was read is what is sent. */
export function createReturnUrls ({
  publicUrl,
  path,
  allowedHosts
}: Pick<LoginSettings, 'publicUrl' | 'path' | 'allowedHosts'>): ReturnUrls {
  const isAllowed = createHostMatcher(allowedHosts)
  const parse = publicUrl.startsWith('https:') ? withHost(isAllowed) : withOrigin(publicUrl)
  const isOwnRoute = ({ origin, pathname }: URL): boolean =>
    origin === publicUrl && `${decode(pathname)}/`.replaceAll(/\/+/g, '/').startsWith(`${path}/`)
  return Object.freeze({
    fallback: `${publicUrl}/`,
    read (text: string): string | undefined {
      const url = parse(ENCODED.test(text) ? decode(text) : text)
      // back to a sign-in, or to a sign-out that nobody asked for
      return url !== undefined && !isOwnRoute(url) && fits(url.href) ? url.href : undefined
    }
  })
}

type Parse = (text: string) => URL | undefined

function withHost (isAllowed: (host: string) => boolean): Parse {
  return (text) => {
    if (text.length > MAX_LENGTH) return undefined
    const [, host] = GRAMMAR.exec(text) ?? []
    if (host === undefined || !URL.canParse(text)) return undefined
    const url = new URL(text)
    // a name that the parser changes (127.1, an xn-- that is none) is not the one that is compared
    return url.protocol === 'https:' && url.host === host && isBare(url) && isAllowed(host) ? url : undefined
  }
}

/** A login on this machine: that one origin, character by character. */
function withOrigin (origin: string): Parse {
  return (text) => {
    if (text.length > MAX_LENGTH || !text.startsWith(origin)) return undefined
    if (!AFTER_ORIGIN.test(text.slice(origin.length)) || !URL.canParse(text)) return undefined
    const url = new URL(text)
    return url.origin === origin && isBare(url) ? url : undefined
  }
}

const isBare = ({ username, password, hash }: URL): boolean => username === '' && password === '' && hash === ''

/**
 * The parser makes `%7B` of a brace and JSON two of a backslash: such a state would be sealed, and never opened again.
 */
function fits (href: string): boolean {
  return JSON.stringify(href).length - 2 <= MAX_LENGTH
}

/** Compared as they are: ASCII, lower case, whole labels. */
function createHostMatcher (allowed: readonly string[]): (host: string) => boolean {
  const exact = new Set(allowed.filter((host) => !host.startsWith('*.')))
  const suffixes = allowed.filter((host) => host.startsWith('*.')).map((host) => host.slice(1))
  return (host) =>
    exact.has(host) ||
    suffixes.some((suffix) => host.endsWith(suffix) && host.length > suffix.length && !host.startsWith('.'))
}

function decode (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
