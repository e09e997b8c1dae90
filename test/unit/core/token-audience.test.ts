import t from 'tap'
import { faultOfTokens, jwtAudience } from '../../../src/base/core/token-expiry.ts'
import type { Credentials } from '../../../src/base/core/credentials.ts'
import { credentials } from '../../helpers/credentials.ts'
import { jwt } from '../../helpers/jwt.ts'

const ORIGIN = 'https://accounts.example.com'
const API = 'https://api.example.com'
const typed = (typ: unknown, claims: object): string => jwt(claims, { alg: 'RS256', typ })

const TOKENS: ReadonlyArray<readonly [what: string, token: string, isAnother: boolean]> = [
  ['of this project', jwt({ aud: [ORIGIN], iss: ORIGIN }), false],
  ['of this project, its audience a text', jwt({ aud: ORIGIN }), false],
  ['of this project among others', jwt({ aud: [API, ORIGIN] }), false],
  ['for a resource', jwt({ aud: [API], iss: ORIGIN }), true],
  ['for a resource, its audience a text', jwt({ aud: API }), true],
  ['for nobody', jwt({ iss: ORIGIN }), true],
  ['for what is no text', jwt({ aud: [7, { origin: ORIGIN }] }), true],
  ['for this origin with a slash', jwt({ aud: `${ORIGIN}/` }), true],
  ['by its issuer, with another type', typed('JWT', { aud: API, iss: ORIGIN }), true],
  ['by its type with a prefix', typed('application/at+jwt', { aud: API }), true],
  ['by its type in capitals', typed('AT+JWT', { aud: API }), true],
  ['an app’s own: another type and issuer', typed('JWT', { aud: API, iss: API }), false],
  ['an app’s own: no type', jwt({ aud: API }, { alg: 'HS256' }), false],
  ['an app’s own: a type that only contains the name', typed('xat+jwtx', { aud: API }), false],
  ['an app’s own: a type that is no text', typed(['at+jwt'], { aud: API }), false],
  ['two parts', jwt({ aud: API }).split('.').slice(0, 2).join('.'), false],
  ['four parts', `${jwt({ aud: API })}.x`, false],
  ['claims that are no object', jwt('7'), false],
  ['a header that is no object, from our issuer', jwt({ aud: API, iss: ORIGIN }, '7'), true],
  ['an opaque token', 'a'.repeat(32), false]
]

const isForAnother = (given: Partial<Credentials>): boolean =>
  faultOfTokens(credentials(given), ORIGIN) === 'wrong_audience'

for (const [what, token, isAnother] of TOKENS) {
  t.test(what, async (t) => {
    t.equal(isForAnother({ bearer: token }), isAnother, 'as a bearer')
    t.equal(isForAnother({ appAccessToken: token }), isAnother, 'as a cookie')
    const [own, opaque] = [jwt({ aud: ORIGIN }), 'a'.repeat(32)]
    t.equal(isForAnother({ bearer: own, appAccessToken: token }), isAnother)
    t.equal(isForAnother({ bearer: token, appAccessToken: opaque }), isAnother)
  })
}

t.test('names the audiences of a token, and none of what is no JWT', async (t) => {
  t.strictSame(jwtAudience(jwt({ aud: ORIGIN })), [ORIGIN])
  t.strictSame(jwtAudience(jwt({ aud: [ORIGIN, 7, API] })), [ORIGIN, API])
  t.strictSame(jwtAudience(jwt({})), [])
  for (const text of ['', 'a.b', 'a.b.c', jwt('null')]) t.equal(jwtAudience(text), undefined, text)
  t.equal(isForAnother({}), false)
})
