import { readCredentials, type CookieNames, type Credentials } from './credentials.ts'

/** @returns reads each credential of a request as if it had been sent alone: one that is malformed or ambiguous hides none of the others */
export function createEachCredential (names: CookieNames): (rawHeaders: readonly string[]) => readonly Credentials[] {
  const onlyOne = ['app_session', 'app_access_token', 'session'].map((cookie) => only(names, cookie))
  return (rawHeaders) => {
    const cookies = linesOf(rawHeaders, 'cookie')
    const readings = [readCredentials(linesOf(rawHeaders, 'authorization'), names), ...onlyOne.map((one) => readCredentials(cookies, one))]
    return readings.flatMap((reading) => reading.kind === 'credentials' && isSomething(reading.credentials) ? [reading.credentials] : [])
  }
}

function only (names: CookieNames, cookie: string): CookieNames {
  return { ...names, finder: new RegExp(names.finder.source.replace('app_session|app_access_token|session', cookie), 'g') }
}

function linesOf (rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.flatMap((line, index) => index % 2 === 0 && line.toLowerCase() === name ? [line, rawHeaders[index + 1] ?? ''] : [])
}

/** A cleared cookie is empty, and nobody's. */
function isSomething (credentials: Credentials): boolean {
  return Object.values(credentials).some((value) => value !== undefined && value !== '')
}
