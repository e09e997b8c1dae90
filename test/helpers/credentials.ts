import fc from 'fast-check'
import {
  cookieNames, readCredentials, type Credentials, type CredentialsRead
} from '../../src/base/core/credentials.ts'

export const NAMES = cookieNames('')

export const NOTHING: Credentials = Object.freeze({
  bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined
})

export function credentials (some: Partial<Credentials>): Credentials {
  return { ...NOTHING, ...some }
}

/** What is read where nothing but these is expected. */
export function reads (some: Partial<Credentials>): CredentialsRead {
  return { kind: 'credentials', credentials: credentials(some) }
}

/**
 * Each line is a header line of its own: `Name: value`; what follows the first colon and blank is the value as it is.
 */
export function readLines (lines: readonly string[], prefix = ''): CredentialsRead {
  return readCredentials(rawHeaders(lines), cookieNames(prefix))
}

function rawHeaders (lines: readonly string[]): string[] {
  return lines.flatMap(line => {
    const colon = line.indexOf(':', 1) // HTTP/2's pseudo headers begin with one
    return [line.slice(0, colon), line.slice(colon + 2)]
  })
}

/** Any byte but CR and LF, which end a line, with those that mean something far more often. */
const char = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...'ab.=;", \t\\') },
  { weight: 2, arbitrary: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 0xff }).filter((code) => code !== 10 && code !== 13)
      .map((code) => String.fromCharCode(code))
  }
)

/** Text of 0 to 12 such bytes. */
const hostile = fc.array(char, { maxLength: 12 }).map(chars => chars.join(''))

const cookiePart = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('session', 'app_session', 'app_access_token', ' session', 'session ', 'Session'),
        fc.constantFrom('=', '', ' = ', '=='), hostile)
      .map((parts) => parts.join(''))
  },
  { weight: 1, arbitrary: hostile }
)

export const hostileCookieLine = fc.array(cookiePart, { maxLength: 4 }).chain(parts =>
  fc.constantFrom(';', '; ', ' ;\t').map(separator => parts.join(separator)))

/** Header lines in any order and number, as Node's `rawHeaders`. */
export const hostileHeaders = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: hostileCookieLine.map((line) => ['cookie', line]) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constantFrom('Bearer ', 'bearer ', 'Basic ', 'BEARER  ', ''), hostile)
          .map(([scheme, token]) => ['Authorization', scheme + token])
      },
      { weight: 1, arbitrary: hostile.map((value) => ['x-other', value]) }
    ),
    { maxLength: 4 }
  )
  .map((lines) => lines.flat())

/** Credentials as a reading may give them: bytes that pass, blanks and emptiness included. */
export const someCredentials: fc.Arbitrary<Credentials> = fc.record({
  bearer: fc.option(fc.constantFrom('a', 'b', 'ab', 'a.b', 'x'), { nil: undefined }),
  appSession: fc.option(fc.constantFrom('', 'a', 'b', 'ab', 'a.b'), { nil: undefined }),
  appAccessToken: fc.option(fc.constantFrom('', 'a', 'b', 'ab', 'x'), { nil: undefined }),
  session: fc.option(fc.oneof(fc.constantFrom('', 'a', 'b', 'ab', 'a.b'), hostile), { nil: undefined })
})
