import fc from 'fast-check'
import t from 'tap'
import { cookieNames, readCredentials, type CredentialsRead } from '../../../src/base/core/credentials.ts'
import { hostileCookieLine, NAMES, readLines, reads } from '../../helpers/credentials.ts'
import { goCookie } from '../../helpers/go-cookies.ts'
import { holds } from '../../helpers/property.ts'

const NONE: CredentialsRead = { kind: 'none' }

/** `session` where a text is expected; Go's reading of each is checked too. */
const grammar: readonly (readonly [what: string, cookie: string, session: string | undefined])[] = [
  ['a cookie', 'session=a', 'a'],
  ['the last of several', 'x=1; y=2; session=a', 'a'],
  ['no blank after the semicolon', 'x=1;session=a', 'a'],
  ['blanks and tabs around a pair', ' \t session=a \t ; x=1', 'a'],
  ['blanks around the name', ' session =a', 'a'],
  ['a blank before the value, which belongs to it', 'session= a', ' a'],
  ['a value that is a blank ends with the pair', 'session= ', ''],
  ['a tab before the value, which is no cookie byte', 'session=\ta; session=b', 'b'],
  ['surrounding quotes are stripped', 'session="a"', 'a'],
  ['blanks inside quotes stay', 'session=" a "', ' a '],
  ['a blank alone in quotes', 'session=" "', ' '],
  ['empty quotes', 'session=""', ''],
  ['one quote is not a pair of them', 'session="; session=b', 'b'],
  ['a quote at the beginning only', 'session="a; session=b', 'b'],
  ['a quote at the end only', 'session=a"; session=b', 'b'],
  ['a quote in the middle', 'session=a"b; session=c', 'c'],
  ['quotes within quotes', 'session=""a""; session=b', 'b'],
  ['a blank between value and quote', 'session= "a"; session=b', 'b'],
  ['a semicolon ends the pair, quotes or not', 'session="a;b"; session=c', 'c'],
  ['a backslash', 'session=a\\b; session=c', 'c'],
  ['a comma', 'session=a, x=1', 'a, x=1'],
  ['an equals sign in the value', 'session=a=b=', 'a=b='],
  ['a byte beyond ASCII skips the pair', 'session=\xe9; session=b', 'b'],
  ['a no-break space is no blank', 'session=a\xa0; session=b', 'b'],
  ['a tab inside the value skips the pair', 'session=a\tb; session=c', 'c'],
  ['empty', 'session=', ''],
  ['no equals sign', 'session', ''],
  ['no equals sign, then a good one: the first counts', 'session; session=b', ''],
  ['empty, then a good one: the first counts', 'session=; session=b', ''],
  ['of duplicates the first', 'session=a; session=b', 'a'],
  ['empty pairs between', ';; ; session=a;;', 'a'],
  ['neighbours that are no cookies', '{"a":1}; b@d=1; x="y; session=a', 'a'],
  ['a neighbour with a byte beyond ASCII', 'x=\xe9; session=a', 'a'],
  ['a neighbour with a tab', 'x=\t1; session=a', 'a'],
  ['the name in another case', 'Session=a; SESSION=b', undefined],
  ['a longer name', 'session2=a; xsession=b; session_=c', undefined],
  ['a shorter name', 'sessio=a', undefined],
  ['a name with a tab inside', 'ses\tsion=a', undefined],
  ['a name in quotes', '"session"=a', undefined],
  ['a name in the value', 'x=session=a', undefined],
  ['an equals sign before the name', '=session=a', undefined],
  ['a no-break space before the name', '\xa0session=a', undefined],
  ['a comma before the name', 'x=1, session=a', undefined]
]

t.test('a cookie line is read as Go reads it', async t => {
  for (const [what, cookie, session] of grammar) {
    t.strictSame(readLines([`cookie: ${cookie}`]), session === undefined ? NONE : reads({ session }), what)
    t.equal(goCookie([cookie], 'session'), session, `${what}: Go`)
  }
})

t.test('several Cookie lines and HTTP/2 crumbs are one list in their order', async t => {
  t.strictSame(readLines(['cookie: session=a', 'cookie: session=b']), reads({ session: 'a' }), 'the first line wins')
  t.strictSame(readLines(['cookie: x=1', 'COOKIE: session=b']), reads({ session: 'b' }), 'a name in any case')
  t.strictSame(
    readLines(['cookie: session="a', 'cookie: session=b']), reads({ session: 'b' }), 'a skipped pair does not count'
  )
  t.strictSame(
    readLines([
      ':method: GET', ':path: /verify', ':authority: x', 'cookie: a=1', 'cookie: session=s', 'cookie: app_session=p'
    ]),
    reads({ session: 's', appSession: 'p' })
  )
  t.strictSame(
    readLines([
      'cookies: session=a', 'cooki: session=a', 'set-cookie: session=a', 'cookie2: session=a', ':cookie: session=a'
    ]),
    NONE,
    'names that are almost right'
  )
})

t.test('more than 3,000 cookies and all are dropped, as in Go', async t => {
  const others = (count: number): string => Array.from({ length: count }, (_, i) => `c${i}=v`).join(';')
  const rows: readonly (readonly [what: string, lines: readonly string[], kept: boolean])[] = [
    ['3,000 on one line', [`session=a;${others(2999)}`], true],
    ['3,001 on one line', [`session=a;${others(3000)}`], false],
    ['3,001, ours the last', [`${others(3000)};session=a`], false],
    ['3,000 empty ones', [`session=a${';'.repeat(2999)}`], true],
    ['3,001 empty ones', [`session=a${';'.repeat(3000)}`], false],
    ['3,000 on two lines', ['session=a', others(2999)], true],
    ['3,001 on two lines', ['session=a', others(3000)], false],
    ['an empty line counts as one', ['session=a', '', others(2999)], false],
    ['3,001 crumbs', ['session=a', ...others(3000).split(';')], false]
  ]
  for (const [what, lines, kept] of rows) {
    t.strictSame(readLines(lines.map(line => `cookie: ${line}`)), kept ? reads({ session: 'a' }) : NONE, what)
    t.equal(goCookie(lines, 'session'), kept ? 'a' : undefined, `${what}: Go`)
  }
  t.strictSame(readLines([`cookie: session=a;${others(3000)}`, 'authorization: Bearer b']), reads({ bearer: 'b' }),
    'the bearer token stays')
  t.strictSame(
    readLines([`cookie: session=${'x'.repeat(2000)};${others(3000)}`]), NONE, 'what is dropped is not judged'
  )
})

t.test('with a prefix only the prefixed names are ours', async t => {
  for (const prefix of ['lab_', '__Host-', '__Secure-lab-', 'a.b']) {
    const line = `cookie: session=1; ${prefix}session=2; app_session=3; ${prefix}app_session=4; app_access_token=5; ` +
      `${prefix}app_access_token=6`
    t.strictSame(readLines([line], prefix), reads({ session: '2', appSession: '4', appAccessToken: '6' }), prefix)
    t.strictSame(
      readLines([`cookie: ${prefix.toUpperCase()}session=1; session=2; ${prefix}=3; ${prefix}Session=4`], prefix),
      NONE,
      `${prefix}: almost`
    )
  }
  t.strictSame(readLines(['cookie: lab_session=1; __Host-session=2']), NONE, 'without a prefix, prefixed ones are not')
})

const NOTHING = { bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined }

t.test('gives each of our cookies the value that Go gives it, or none for a control byte', async (t) => {
  await holds(t, fc.property(fc.array(hostileCookieLine, { maxLength: 3 }), lines => {
    const reading = readCredentials(lines.flatMap(line => ['cookie', line]), NAMES)
    const go = {
      bearer: undefined,
      appSession: goCookie(lines, 'app_session'),
      appAccessToken: goCookie(lines, 'app_access_token'),
      session: goCookie(lines, 'session')
    }
    // eslint-disable-next-line no-control-regex -- what cannot be one
    const hasControl = /[\0-\x08\x0a-\x1f\x7f]/.test(lines.join(''))
    if (reading.kind === 'refused') return reading.reason === 'malformed_credentials' && hasControl
    const read = reading.kind === 'none' ? NOTHING : reading.credentials
    return (['appSession', 'appAccessToken', 'session'] as const).every((field) =>
      read[field] === go[field] || (hasControl && read[field] === undefined))
  }))
})

t.test('reads exactly 3,000 cookies, whatever other lines hold', async (t) => {
  const many = (count: number): string =>
    ['session=s', ...Array.from({ length: count - 1 }, (_, i) => `c${i}=v`)].join('; ')
  const names = cookieNames('')
  t.match(readCredentials(['cookie', many(3000), 'x-other', ';'.repeat(3000)], names), { kind: 'credentials' })
  t.strictSame(readCredentials(['cookie', many(3001)], names), { kind: 'none' })
  t.match(readCredentials(['cookie', 'c=v;'.repeat(1) + 'x'.repeat(5000), 'cookie', 'session=s'], names),
    { kind: 'credentials' }, 'a long cookie is not many')
})
