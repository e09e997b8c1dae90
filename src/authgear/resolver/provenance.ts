import type { CookieNames } from '../../core/credentials.ts'
import type { ResolutionReading } from '../../core/resolution.ts'

/**
 * Lines that Authgear adds to each answer of a project. `X-Robots-Tag` is the newest, and a proxy may remove one of the
 * last two; `nosniff` has always been with them (docs/inside/authgear.md, "What is Authgear's answer").
 */
const NOSNIFF = 'x-content-type-options'
const OTHER_MARKS: ReadonlyArray<readonly [name: string, value: RegExp]> = [
  ['permissions-policy', /^\s*accelerometer=\(\)/], // the values are compared, since a web server may send the names
  ['x-robots-tag', /^\s*noindex, nofollow\s*$/]
]

/**
 * Whether a 200 is Authgear's: a maintenance page, a captive portal or a default backend answers 200 too, and would
 * sign everybody out. An answer without identity headers proves nothing by itself, so it needs marks.
 * @param lines header names and values, alternately
 * @returns why it is not Authgear's, or undefined
 */
export function whyNotAuthgears (
  lines: readonly string[],
  reading: ResolutionReading,
  isEmpty: boolean,
  own: CookieNames
): string | undefined {
  if (!isEmpty) return 'it has a body, and the resolver\'s never has one'
  if (valuesOf(lines, 'content-type').length > 0) return 'it has a Content-Type, and the resolver\'s never has one'
  const isSilent = reading.kind === 'resolution' && reading.resolution.kind === 'invalid' &&
    reading.resolution.noIdentityHeaders
  return isSilent && !isMarked(lines, own)
    ? 'it names no session, and lacks the headers that Authgear adds to every answer'
    : undefined
}

/** A cookie of another name may be a load balancer's: then both other marks must be there. */
function isMarked (lines: readonly string[], own: CookieNames): boolean {
  const hasNosniff = valuesOf(lines, NOSNIFF).some((value) => /^\s*nosniff\s*(,|$)/i.test(value))
  const marks = OTHER_MARKS.filter(([name, text]) => valuesOf(lines, name).some((value) => text.test(value))).length
  return hasNosniff && marks >= (setsForeignCookie(lines, own) ? OTHER_MARKS.length : 1)
}

function setsForeignCookie (lines: readonly string[], own: CookieNames): boolean {
  const names = [own.session, own.appSession, own.appAccessToken]
  return valuesOf(lines, 'set-cookie').some((line) => !names.includes(line.split('=', 1)[0]?.trim() ?? ''))
}

/** @param name in lower case @returns the values of all lines of that name, as they are */
export function valuesOf (lines: readonly string[], name: string): readonly string[] {
  return lines.filter((_, index) => index % 2 === 1 && lines[index - 1]?.toLowerCase() === name)
}
