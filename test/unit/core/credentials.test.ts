import t from 'tap'
import {
  cookieNames, readCredentials, type Credentials, type CredentialsRead
} from '../../../src/base/core/credentials.ts'
import { readLines, reads } from '../../helpers/credentials.ts'

const NONE: CredentialsRead = { kind: 'none' }
const malformed = (bearer: boolean): CredentialsRead => ({ kind: 'refused', reason: 'malformed_credentials', bearer })
const ambiguous = (bearer: boolean): CredentialsRead => ({ kind: 'refused', reason: 'ambiguous_credentials', bearer })

const K16 = 16 * 1024
const K1 = 1024

type Row = readonly [what: string, lines: readonly string[], expected: CredentialsRead]

const authorization: readonly Row[] = [
  ['no header', [], NONE],
  ['a bearer token', ['Authorization: Bearer abc'], reads({ bearer: 'abc' })],
  ['the header name in any case', ['aUTHORIZATION: Bearer abc'], reads({ bearer: 'abc' })],
  ['the scheme in lower case', ['authorization: bearer abc'], reads({ bearer: 'abc' })],
  ['the scheme in upper case', ['authorization: BEARER abc'], reads({ bearer: 'abc' })],
  ['blanks and tabs around the value', ['authorization:  \t Bearer abc\t '], reads({ bearer: 'abc' })],
  ['a blank inside the token', ['authorization: Bearer a b'], reads({ bearer: 'a b' })],
  ['a tab inside the token', ['authorization: Bearer a\tb'], reads({ bearer: 'a\tb' })],
  ['bytes beyond ASCII', ['authorization: Bearer caf\xe9'], reads({ bearer: 'caf\xe9' })],
  ['a no-break space at the end, which is no blank', ['authorization: Bearer abc\xa0'], reads({ bearer: 'abc\xa0' })],
  ['two blanks', ['authorization: Bearer  abc'], NONE],
  ['a tab after the scheme', ['authorization: Bearer\tabc'], NONE],
  ['no blank after the scheme', ['authorization: Bearerabc'], NONE],
  ['a scheme that only begins so', ['authorization: BearerX abc'], NONE],
  ['the scheme alone', ['authorization: Bearer'], NONE],
  ['the scheme and a blank', ['authorization: Bearer '], NONE],
  ['nothing', ['authorization: '], NONE],
  ['Basic', ['authorization: Basic dXNlcjpwYXNz'], NONE],
  ['DPoP', ['authorization: DPoP abc'], NONE],
  ['the token alone', ['authorization: abc'], NONE],
  ['Proxy-Authorization', ['proxy-authorization: Bearer abc'], NONE],
  ['a name of the same length', ['authorizatiom: Bearer abc'], NONE],
  ['X-Authorization', ['x-authorization: Bearer abc'], NONE],
  ['two lines', ['authorization: Bearer a', 'authorization: Bearer b'], ambiguous(true)],
  ['two lines that are the same', ['authorization: Bearer a', 'Authorization: Bearer a'], ambiguous(true)],
  ['two lines, the second of another scheme', ['authorization: Bearer a', 'authorization: Basic b'], ambiguous(true)],
  ['two lines, the first of another scheme', ['authorization: Basic b', 'authorization: Bearer a'], ambiguous(false)],
  ['two lines beside a good cookie', ['authorization: Bearer a', 'cookie: session=s', 'authorization: Bearer a'],
    ambiguous(true)],
  ['three lines', ['authorization: Bearer a', 'authorization: ', 'authorization: '], ambiguous(true)],
  ['two lines that Envoy joined', ['authorization: Bearer a,Bearer b'], ambiguous(true)],
  ['a comma alone', ['authorization: Bearer ,'], ambiguous(true)],
  ['a comma in another scheme, which is not ours', ['authorization: Basic a,Bearer b'], NONE],
  ['a comma is judged before a control byte', ['authorization: Bearer a,\x01'], ambiguous(true)]
]

const limits: readonly Row[] = [
  ['a bearer token of 16 KiB', [`authorization: Bearer ${'x'.repeat(K16)}`], reads({ bearer: 'x'.repeat(K16) })],
  ['a bearer token of 16 KiB and one byte', [`authorization: Bearer ${'x'.repeat(K16 + 1)}`], malformed(true)],
  ['app_access_token of 16 KiB', [`cookie: app_access_token=${'x'.repeat(K16)}`],
    reads({ appAccessToken: 'x'.repeat(K16) })],
  ['app_access_token of 16 KiB and one byte', [`cookie: app_access_token=${'x'.repeat(K16 + 1)}`], malformed(false)],
  ['app_session of 1 KiB', [`cookie: app_session=${'x'.repeat(K1)}`], reads({ appSession: 'x'.repeat(K1) })],
  ['app_session of 1 KiB and one byte', [`cookie: app_session=${'x'.repeat(K1 + 1)}`], malformed(false)],
  ['session of 1 KiB', [`cookie: session=${'x'.repeat(K1)}`], reads({ session: 'x'.repeat(K1) })],
  ['session of 1 KiB in quotes, which do not count', [`cookie: session="${'x'.repeat(K1)}"`],
    reads({ session: 'x'.repeat(K1) })],
  ['session of 1 KiB and one byte', [`cookie: session=${'x'.repeat(K1 + 1)}`], malformed(false)],
  ['another cookie of any size', [`cookie: big=${'x'.repeat(40_000)}; session=s`], reads({ session: 's' })],
  ['one impossible credential beside a good one', [`cookie: session=${'x'.repeat(K1 + 1)}`, 'authorization: Bearer a'],
    reads({ bearer: 'a' })],
  ['two impossible credentials beside a good one',
    [`cookie: session=${'x'.repeat(K1 + 1)}; app_session=s`, `authorization: Bearer ${'x'.repeat(K16 + 1)}`],
    reads({ appSession: 's' })],
  ['one beside a cookie that was cleared', [`cookie: session=${'x'.repeat(K1 + 1)}; app_session=`], malformed(false)]
]

for (const [group, rows] of Object.entries({ 'the Authorization header': authorization, sizes: limits })) {
  t.test(group, async t => {
    for (const [what, lines, expected] of rows) t.strictSame(readLines(lines), expected, what)
  })
}

const BEARER_AND_COOKIES = {
  bearer: [(byte: string) => `authorization: Bearer a${byte}b`, true],
  appSession: [(byte: string) => `cookie: app_session=a${byte}b`, false],
  appAccessToken: [(byte: string) => `cookie: app_access_token=a${byte}b`, false],
  session: [(byte: string) => `cookie: session=a${byte}b`, false]
} as const satisfies Record<Exclude<keyof Credentials, 'own'>, unknown>

t.test('every control byte but TAB makes a credential one that cannot be', async t => {
  const codes = [...Array.from({ length: 0x20 }, (_, code) => code).filter(code => code !== 9), 0x7f]
  for (const [field, [line, bearer]] of Object.entries(BEARER_AND_COOKIES)) {
    for (const code of codes) {
      t.strictSame(readLines([line(String.fromCharCode(code))]), malformed(bearer), `byte ${code} in ${field}`)
    }
  }
})

t.test('a line whose value is missing says nothing', async t => { t.strictSame(readLines(['cookie: ']), NONE) })

t.test('the four credentials are read side by side, wherever they are', async t => {
  const lines = [
    ':method: GET', 'cookie: app_session=1', 'cookie: a=b; session=2', 'authorization: Bearer 3', 'x-session: 4',
    'cookie: app_access_token=5'
  ]
  t.strictSame(readLines(lines), reads({ appSession: '1', session: '2', bearer: '3', appAccessToken: '5' }))
})

t.test('reads no other header whose name is as long', async (t) => {
  const names = cookieNames('')
  for (const name of ['origin', 'Server', 'accept']) {
    t.strictSame(readCredentials([name, 'session=stolen'], names), { kind: 'none' }, name)
  }
  for (const name of ['if-none-match', 'Accept-Charset'.slice(0, 13)]) {
    t.strictSame(readCredentials([name, 'Bearer stolen'], names), { kind: 'none' }, name)
  }
  t.strictSame(readCredentials(['cookie'], names), { kind: 'none' }, 'a name without a value')
})
