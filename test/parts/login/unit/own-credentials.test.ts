import t from 'tap'
import {
  cookieValues, credentialsOfCookie, isOwnValue, ownCredentials, readOwnCookie, readOwnCredentials
} from '../../../../src/parts/login/sessions/cookie.ts'

const NAME = '__Host-session'
const HOST = 'app.example.com'
const VALUE = 'v'.repeat(43)
const OTHER = 'w'.repeat(43)
const OURS = { kind: 'credentials', credentials: ownCredentials(HOST, VALUE) }
const NONE = { kind: 'none' }
const ambiguous = (bearer: boolean) => ({ kind: 'refused', reason: 'ambiguous_credentials', bearer })
const malformed = (bearer: boolean) => ({ kind: 'refused', reason: 'malformed_credentials', bearer })
const cookie = (...lines: readonly string[]): string[] => lines.flatMap((line) => ['Cookie', line])

t.test('a cookie value is 43 characters of base64url', async (t) => {
  for (const value of [VALUE, 'AZaz09_-'.padEnd(43, '0')]) t.equal(isOwnValue(value), true, value)
  for (const value of ['', 'v', 'v'.repeat(42), 'v'.repeat(44), `${VALUE}.`, `.${VALUE}`, `${'v'.repeat(42)}+`]) {
    t.equal(isOwnValue(value), false, value)
  }
})

t.test('the cookie is found where a cookie of its name begins, and nowhere else', async (t) => {
  const lines: ReadonlyArray<readonly [line: string, values: readonly string[]]> = [
    [`${NAME}=a`, ['a']],
    [` \t${NAME}=a`, ['a']],
    [`x=1; ${NAME}=a; y=2`, ['a']],
    [`x=1;${NAME}=a`, ['a']],
    [`x=1;\t${NAME}= a \t;y=2`, ['a']],
    [`${NAME}=a; ${NAME}=b`, ['a', 'b']],
    [`${NAME}=`, ['']],
    [`x=${NAME}=a`, []],
    [`x ${NAME}=a`, []],
    [`x${NAME}=a`, []],
    [`${NAME}x=a`, []],
    [`${NAME} =a`, []],
    [`${NAME.toLowerCase()}=a`, []],
    [NAME, []],
    [`${NAME}${NAME}=a`, []]
  ]
  for (const [line, values] of lines) t.strictSame(cookieValues(cookie(line), NAME), values, line)
})

t.test('every line of cookies is read, whatever its letters, and no other header', async (t) => {
  t.strictSame(cookieValues(['Host', HOST, 'cookie', `${NAME}=a`, 'COOKIE', `${NAME}=b`], NAME), ['a', 'b'])
  t.strictSame(cookieValues(['Cookie2', `${NAME}=a`, 'Origin', `${NAME}=a`, 'X', 'Cookie', `${NAME}=a`, 'x'], NAME), [])
})

t.test('one cookie, or the same twice, is a credential; two different ones are none', async (t) => {
  t.strictSame(readOwnCookie([], NAME, HOST), NONE)
  t.strictSame(readOwnCookie(cookie(`${NAME}=${VALUE}`), NAME, HOST), OURS)
  t.strictSame(readOwnCookie(cookie(`${NAME}=${VALUE}`, `${NAME}=${VALUE}`), NAME, HOST), OURS)
  for (const line of [`${NAME}=${VALUE}; ${NAME}=${OTHER}`, `${NAME}=; ${NAME}=${VALUE}`]) {
    t.strictSame(readOwnCookie(cookie(line), NAME, HOST), ambiguous(false), line)
  }
  t.strictSame(readOwnCookie(cookie(`${NAME}=${VALUE}x`), NAME, HOST), malformed(false))
})

t.test('a bearer token comes before the cookie, which counts where the token is nobody\'s', async (t) => {
  const ours = cookie(`${NAME}=${VALUE}`)
  const bearer = { kind: 'credentials', credentials: { bearer: 'token', own: undefined } }
  t.match(readOwnCredentials(['Authorization', 'Bearer token'], NAME, HOST), bearer)
  t.notOk('instead' in readOwnCredentials(['Authorization', 'Bearer token'], NAME, HOST))
  t.match(readOwnCredentials(['Authorization', 'Bearer token', ...ours], NAME, HOST), {
    ...bearer, instead: OURS.credentials
  })
  t.strictSame(readOwnCredentials(['Authorization', 'Basic YTpi', ...ours], NAME, HOST), OURS)
  t.strictSame(readOwnCredentials(['Authorization', 'Basic YTpi'], NAME, HOST), NONE)
})

t.test('two tokens are refused though a cookie is there; a broken one only without', async (t) => {
  const ours = cookie(`${NAME}=${VALUE}`)
  const two = ['Authorization', 'Bearer a', 'Authorization', 'Bearer b']
  t.strictSame(readOwnCredentials([...two, ...ours], NAME, HOST), ambiguous(true))
  for (const line of ['Bearer', 'bearer ', ' Bearer\t']) {
    t.strictSame(readOwnCredentials(['Authorization', line], NAME, HOST), malformed(true), line)
    t.strictSame(readOwnCredentials(['Authorization', line, ...ours], NAME, HOST), OURS, `${line} beside the cookie`)
  }
  const endless = ['Authorization', `Bearer ${'x'.repeat(1_000_000)}`]
  t.strictSame(readOwnCredentials(endless, NAME, HOST), malformed(true))
  t.strictSame(readOwnCredentials([...endless, ...ours], NAME, HOST), OURS, 'one that is too long')
  for (const line of ['Bearers', 'xBearer ']) {
    t.strictSame(readOwnCredentials(['Authorization', line], NAME, HOST), NONE, line)
  }
})

t.test('a credential names its host and value, and is read back', async (t) => {
  t.strictSame(credentialsOfCookie(`${HOST} ${VALUE}`), ownCredentials(HOST, VALUE))
  t.equal(ownCredentials(HOST, VALUE).own, `${HOST} ${VALUE}`)
})
