import { longest } from './guards.ts'
import { escaped, type Route, type Settings } from './settings.ts'

/** A path that no proxy decodes, cleans, or reads as a pattern (the dot is escaped where it is one). */
const PATH = /^(?:\/[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)+$/
/** By default Envoy compiles expressions of 100 steps, and a letter is one. */
const LONGEST = 64

/** @returns what is wrong with a route's path, which is not `/` */
export function pathProblem (path: string): string | undefined {
  if (path.length > LONGEST) return `a path has ${LONGEST} characters at most`
  return PATH.test(path.toLowerCase()) ? undefined : 'a path may hold letters, digits, "-", "_", and dots within a name'
}

type Matched = Pick<Route, 'path' | 'isOfTokens'>

/** Is it that path, or below it? To a route that asks more, a dot ends the name, too. */
export const isBelow = (path: string, { path: outer, isOfTokens }: Matched): boolean =>
  outer === '/' || path === outer || path.startsWith(`${outer}/`) || (!isOfTokens && path.startsWith(`${outer}.`))

/** By which character a name goes on: `/admin-x` is no `/admin`. */
const NAME = 'A-Za-z0-9_~-'

/**
 * A regular expression that is looked for in a path. A route for tokens is narrow: that path, and what is below it. One
 * that asks more is wide: also `/admin;x`, `/admin.html` and `/admin%20`, which some apps read as `/admin`.
 */
export const patternOf = ({ path, isOfTokens }: Matched, end = '$'): string =>
  `^${escaped(path)}(${isOfTokens ? '/' : `[^${NAME}]`}|${end})`

/** In PCRE `$` is also before a last newline, which nginx has decoded. */
export const PCRE_END = '\\z'

/** The same, to compare with the whole path. */
export const wholePatternOf = ({ path, isOfTokens }: Matched): string =>
  `${escaped(path)}${isOfTokens ? '(/.*)?' : `([^${NAME}].*)?`}`

/** For gateways that try the longest expression first: each is longer than all behind it. */
export const inOrder = (patterns: readonly string[]): readonly string[] =>
  patterns.reduceRight<readonly string[]>((behind, pattern) => [longest(pattern, behind), ...behind], [])

/** The patterns of all routes, to compare with the whole path, where the longest is tried first. */
export const wholePatternsOf = (settings: Settings): readonly string[] =>
  inOrder(settings.routes.map((route) => anyCase(settings) + wholePatternOf(route)))

/** Before an expression, in the language of Go and RE2. */
export const anyCase = ({ isCaseSensitive }: Settings): string => isCaseSensitive ? '' : '(?i)'
