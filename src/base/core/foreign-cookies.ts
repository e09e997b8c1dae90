import { type CookieNames, linesOf, only, readBearerAlone, readCredentials } from './credentials.ts'

/** The parts of a request that cannot be Authgear's, in words; never a value. */
type ForeignFields = Readonly<{
  authorization?: string
  /** Cookies that have a name of Authgear's. */
  cookies?: string
  /** The remedy for the cookies, for the people who run it. */
  check?: string
}>

export type FindForeignFields = (rawHeaders: readonly string[]) => ForeignFields

const COOKIES = ['app_session', 'app_access_token', 'session'] as const
const TOO_LONG = "too long for Authgear's, or with a control character"
const CURE =
  "an app's own cookie may have the name of Authgear's: set http.cookie_prefix in the Authgear project, and " +
  'AUTHGEAR_COOKIE_PREFIX here to the same'

/** An app's own cookie `session` is the usual one; of several with one name the first counts, at Authgear too. */
export function createFindForeignFields (names: CookieNames): FindForeignFields {
  const each = [names.appSession, names.appAccessToken, names.session].map((name, index) =>
    ({ name, alone: only(names, COOKIES[index] ?? '') }))
  return (rawHeaders) => {
    const lines = linesOf(rawHeaders, 'cookie')
    const cookies = each.flatMap(({ name, alone }) => {
      if (isMalformed(readCredentials(lines, alone))) return [`a cookie ${name}, ${TOO_LONG}`]
      const count = countOf(lines, alone)
      return count > 1 ? [`${count} cookies ${name}, of which the first counts`] : []
    })
    return {
      ...(isMalformed(readBearerAlone(rawHeaders)) ? { authorization: TOO_LONG } : {}),
      ...(cookies.length === 0 ? {} : { cookies: cookies.join('; '), check: CURE })
    }
  }
}

function isMalformed (reading: ReturnType<typeof readCredentials>): boolean {
  return reading.kind === 'refused' && reading.reason === 'malformed_credentials'
}

function countOf (lines: readonly string[], { finder }: CookieNames): number {
  return lines.reduce((sum, line, index) => sum + (index % 2 === 0 ? 0 : (line.match(finder)?.length ?? 0)), 0)
}
