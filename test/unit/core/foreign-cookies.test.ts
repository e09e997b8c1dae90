import { readFileSync } from 'node:fs'
import t from 'tap'
import { cookieNames, readCredentials } from '../../../src/base/core/credentials.ts'
import { createFindForeignFields } from '../../../src/base/core/foreign-cookies.ts'

const NAMES = cookieNames('')
const find = createFindForeignFields(NAMES)
const CURE = /http\.cookie_prefix.*AUTHGEAR_COOKIE_PREFIX/
const cookie = (line: string): readonly string[] => ['Cookie', line]

const FOUND: ReadonlyArray<readonly [what: string, rawHeaders: readonly string[], found: object]> = [
  ['none', cookie('theme=dark; session=a.b'), {}],
  ['no cookie at all', ['Host', 'x'], {}],
  ['a session over 1,024 bytes', cookie(`session=${'x'.repeat(1025)}`), { cookies: /^a cookie session, too long/ }],
  ['an app_session over it', cookie(`app_session=${'x'.repeat(1025)}`), { cookies: /^a cookie app_session, too long/ }],
  ['two of one line', cookie('session=a; other=b; session=c'), { cookies: /^2 cookies session, of which the first/ }],
  ['three of two lines', [...cookie('session=a; session=b'), ...cookie('session=c')], { cookies: /^3 cookies session/ }],
  ['a bearer token over 16 KiB', ['Authorization', `Bearer ${'x'.repeat(16 * 1024 + 1)}`], { authorization: /^too long/ }]
]

for (const [what, rawHeaders, found] of FOUND) {
  t.test(`finds ${what}, and never says a value`, async (t) => {
    const fields = find(rawHeaders)
    t.match(fields, found)
    t.strictSame(Object.keys(fields).filter((key) => key !== 'check'), Object.keys(found))
    if (fields.cookies !== undefined) t.match(fields.check, CURE)
    t.notMatch(JSON.stringify(fields), /xxxx/)
  })
}

t.test('the names are those with the prefix', async (t) => {
  const prefixed = createFindForeignFields(cookieNames('ag_'))
  t.strictSame(prefixed(cookie(`session=${'x'.repeat(2000)}; session=b; ag_session=a`)), {})
  t.match(prefixed(cookie('ag_session=a; ag_session=b')).cookies, /^2 cookies ag_session/)
})

type Exchange = Readonly<{
  name: string
  request?: { headers: ReadonlyArray<readonly [string, string]> }
  response?: { headers: ReadonlyArray<readonly [string, string]> }
}>
const recorded = JSON.parse(
  readFileSync(new URL('../../fixtures/resolver-2.json', import.meta.url), 'utf8')
) as Readonly<{ exchanges: readonly Exchange[] }>

const SENT: Readonly<Record<string, readonly [accepted: string, sent: object]>> = {
  'own-session-cookie-first': ['false', { bearer: undefined, session: 'eyJhIjoxfQ.Z0.abc' }],
  'own-session-cookie-1100+bearer': ['true', { bearer: '<alice-accessToken>', session: undefined }],
  'own-session-cookie-4090+bearer': ['true', { bearer: '<alice-accessToken>', session: undefined }],
  'bearer-17000+session': ['true', { bearer: undefined, session: '<alice-sessionCookie>' }]
}

for (const { name, request, response } of recorded.exchanges) {
  const expected = SENT[name]
  if (expected === undefined || request === undefined) continue
  t.test(`sends the credentials that the real Authgear judged: ${name}`, async (t) => {
    const [accepted, sent] = expected
    const whole = (text: string): string => text.replace(/<(\d+) x>/, (_, count: string) => 'x'.repeat(Number(count)))
    const reading = readCredentials(request.headers.flatMap(([key, value]) => [key, whole(value)]), NAMES)
    t.match(reading, { kind: 'credentials', credentials: sent })
    t.match(response?.headers.find(([key]) => key === 'X-Authgear-Session-Valid'), [String, accepted])
  })
}
