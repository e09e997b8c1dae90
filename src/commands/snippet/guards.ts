/**
 * The pattern, without case, of a segment that is empty, "." or ".." before its parameters. Servlet containers
 * read `/;/admin`, `/x/..;/admin` and `/x/%2e%2e%3b/admin` as `/admin`.
 */
export const PARAMETER = '/([.]|%2e)?([.]|%2e)?(;|%3b)'

/** The same of a segment that is "." or "..", for a proxy that sends the raw path on. */
export const DOTS = '/[.][.]?([/?]|$)'

/** The same of what some decode and others do not. */
export const ENCODED = '%2e|%2f|%5c|%00|[\\\\#]'

/** Paths that a proxy which sends the raw one on must refuse, since it matches a cleaned one. */
export const AMBIGUOUS = `(${PARAMETER}|${DOTS}|//|${ENCODED})`

/** A letter, a digit, "-" or "_" that is percent-encoded: a proxy that does not decode would find no route for it. */
export const ENCODED_UNRESERVED = '%(2d|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])'

/**
 * Headers for one hop only that not every proxy drops; `Upgrade` and `Connection` are written as constants.
 */
export const HOP_HEADERS = [
  'HTTP2-Settings',
  'Keep-Alive',
  'Proxy-Authorization',
  'Proxy-Connection',
  'Trailer'
] as const

/**
 * A Host of one name, with a port of digits or without one. The name itself is compared by each proxy's own host rule.
 */
export const HOST_SHAPE = '^[^:@/,\\s]+(:[0-9]+)?$'

/**
 * The same expression, longer than all others: gateways try the longest first. The empty groups mean nothing.
 * @param others the expressions of the other routes
 */
export const longest = (pattern: string, others: readonly string[]): string =>
  pattern + '(?:)'.repeat(Math.ceil(Math.max(0, ...others.map(({ length }) => length + 1 - pattern.length)) / 4))

/** For RE2, which cannot negate: every text, in any case, but those words. */
export function noneOf (words: readonly string[]): string {
  return `(?i)^${others(words.map(word => word.toLowerCase()))}$`
}

/** All texts but these; each letter that none begins with ends the comparison. */
function others (words: readonly string[]): string {
  const firsts = [...new Set(words.filter(word => word !== '').map(([first = '']) => first))]
  const longer = firsts.map(
    (first) => `${first}${others(words.filter((word) => word[0] === first).map((word) => word.slice(1)))}`
  )
  const parts = [firsts.length === 0 ? '.+' : `[^${firsts.join('')}].*`, ...longer]
  return words.includes('') ? `(${parts.join('|')})` : `(${parts.join('|')})?`
}
