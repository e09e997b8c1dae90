import { readCredentials, type CookieNames, type Credentials } from './credentials.ts'

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

function only (names: CookieNames, cookie: string): CookieNames {
  const source = names.finder.source.replace('app_session|app_access_token|session', cookie)
  return { ...names, finder: new RegExp(source, 'g') }
}

function linesOf (rawHeaders: readonly string[], name: string): readonly string[] {
  const isOne = (line: string, index: number): boolean => index % 2 === 0 && line.toLowerCase() === name
  return rawHeaders.flatMap((line, index) => isOne(line, index) ? [line, rawHeaders[index + 1] ?? ''] : [])
}

/** A cleared cookie is empty, and nobody's. */
function isSomething (credentials: Credentials): boolean {
  return Object.values(credentials).some((value) => value !== undefined && value !== '')
}
