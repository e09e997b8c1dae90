import t from 'tap'
import { cookieNames, type Credentials } from '../../../../src/base/core/credentials.ts'
import { createEachCredential } from '../../../../src/parts/login/flow/authgears-sign-out.ts'

const NONE: Credentials = { bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined }
const SESSION = { ...NONE, session: 'id.secret' }

const ROWS: ReadonlyArray<readonly [what: string, rawHeaders: readonly string[], found: readonly Credentials[]]> = [
  ['nothing', ['accept', '*/*'], []],
  ['one cookie', ['Cookie', 'a=b; session=id.secret'], [SESSION]],
  ['all four, each alone',
    ['authorization', 'Bearer t', 'cookie', 'app_session=a; app_access_token=b', 'COOKIE', 'session=id.secret'],
    [{ ...NONE, bearer: 't' }, { ...NONE, appSession: 'a' }, { ...NONE, appAccessToken: 'b' }, SESSION]],
  ['the first of two cookies of one name', ['cookie', 'session=id.secret; session=other'], [SESSION]],
  ['empty cookies', ['cookie', 'app_session=; session=id.secret; app_access_token=""'], [SESSION]],
  ['a cookie that is too long', ['cookie', `app_session=${'x'.repeat(1025)}; session=id.secret`], [SESSION]],
  ['two Authorization lines', ['authorization', 'Bearer a', 'authorization', 'Bearer b', 'cookie', 'session=id.secret'],
    [SESSION]],
  ['a bearer with a comma', ['authorization', 'Bearer a,Bearer b', 'cookie', 'session=id.secret'], [SESSION]],
  ['a control byte', ['cookie', 'app_access_token=a\u0001; session=id.secret'], [SESSION]],
  ['more than 3,000 cookies, all of which Authgear drops', ['cookie', `session=id.secret;${' a=b;'.repeat(3000)}`], []]
]

t.test('each credential is read as if it were alone', async (t) => {
  const readEach = createEachCredential(cookieNames(''))
  for (const [what, rawHeaders, found] of ROWS) t.strictSame(readEach(rawHeaders), found, what)
})

t.test('cookies have the prefix of the project', async (t) => {
  const readEach = createEachCredential(cookieNames('my.app_'))
  t.strictSame(readEach(['cookie', 'session=other; my.app_session=id.secret; myxapp_app_session=x']), [SESSION])
})
