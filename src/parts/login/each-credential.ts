import {
  type CookieNames, type Credentials, isSomething, linesOf, only, readCredentials
} from '../../base/core/credentials.ts'

type ReadEach = (rawHeaders: readonly string[]) => readonly Credentials[]

/** Reads each credential of a request as if it were alone: a malformed or ambiguous one hides none of the others. */
export function createEachCredential (names: CookieNames): ReadEach {
  const onlyOne = ['app_session', 'app_access_token', 'session'].map((cookie) => only(names, cookie))
  return (rawHeaders) => {
    const cookies = linesOf(rawHeaders, 'cookie')
    const bearer = readCredentials(linesOf(rawHeaders, 'authorization'), names)
    const readings = [bearer, ...onlyOne.map((one) => readCredentials(cookies, one))]
    const found = readings.flatMap((reading) => reading.kind === 'credentials' ? [reading.credentials] : [])
    return found.filter(isSomething)
  }
}
