import t from 'tap'
import type { Credentials } from '../../../src/base/core/credentials.ts'
import { identityDeadline, isExpired, jwtExpiry } from '../../../src/base/core/token-expiry.ts'
import { credentials } from '../../helpers/credentials.ts'
import { jwt, jwtEnding, NOW } from '../../helpers/jwt.ts'

const HOUR = 3_600_000
const good = jwt({ exp: 1 })
const [header = '', payload = '', signature = ''] = good.split('.')

const ends: readonly (readonly [what: string, token: string, expected: number | undefined])[] = [
  ['a whole second', jwt({ exp: 1_800_000_000 }), 1_800_000_000_000],
  ['a part of a second', jwt({ exp: 1.5 }), 1500],
  ['zero', jwt({ exp: 0 }), 0],
  ['negative', jwt({ exp: -5 }), -5000],
  ['huge', jwt({ exp: Number.MAX_SAFE_INTEGER }), Number.MAX_SAFE_INTEGER * 1000],
  ['so huge that milliseconds have no number', jwt({ exp: 1e308 }), Infinity],
  ['beside other claims', jwt({ sub: 'u', aud: ['a'], exp: 7, nbf: 1 }), 7000],
  ['an empty signature', `${header}.${payload}.`, 1000],
  ['with padding', `${Buffer.from('{"typ":"at+jwt"}').toString('base64')}.${payload}.`, 1000]
]

const others: readonly (readonly [what: string, token: string])[] = [
  ['empty', ''],
  ['an opaque token', 'x'.repeat(32)],
  ['dots alone', '..'],
  ['one part', header],
  ['two parts', `${header}.${payload}`],
  ['four parts', `${good}.${signature}`],
  ['five parts, as an encrypted one', `${good}.a.b`],
  ['no exp', jwt({ sub: 'u' })],
  ['exp a string', jwt({ exp: '1' })],
  ['exp null', jwt({ exp: null })],
  ['exp true', jwt({ exp: true })],
  ['exp a list', jwt({ exp: [1] })],
  ['exp NaN, which JSON has not', jwt('{"exp":NaN}')],
  ['exp beyond every number', jwt('{"exp":1e999}')],
  ['exp far below every number', jwt('{"exp":-1e999}')],
  ['a payload that is no JSON', jwt('exp: 1')],
  ['a payload that is a list', jwt([1])],
  ['a payload that is a text', jwt('"exp"')],
  ['a payload that is null', jwt('null')],
  ['a payload that is a number', jwt('1')],
  ['a payload whose prototype says so', jwt('{"__proto__":{"exp":1}}')],
  ['a header that is no JSON', jwt({ exp: 1 }, 'typ')],
  ['a header that is null', jwt({ exp: 1 }, 'null')],
  ['a header without typ', jwt({ exp: 1 }, { alg: 'RS256' })],
  ['typ JWT, as an id token', jwt({ exp: 1 }, { typ: 'JWT' })],
  ['typ in another case', jwt({ exp: 1 }, { typ: 'AT+JWT' })],
  ['typ with its media type', jwt({ exp: 1 }, { typ: 'application/at+jwt' })],
  ['typ a list', jwt({ exp: 1 }, { typ: ['at+jwt'] })],
  ['bytes that are no UTF-8', `${header}.${Buffer.from([0xff, 0xfe]).toString('base64url')}.`]
]

t.test('the end of an access token is its exp', async t => {
  for (const [what, token, expected] of ends) t.equal(jwtExpiry(token), expected, what)
})

t.test('anything else is no access token with an end', async t => {
  for (const [what, token] of others) t.equal(jwtExpiry(token), undefined, what)
})

const dead = jwtEnding(-60_001)

const expired: readonly (readonly [what: string, sent: Partial<Credentials>, expected: boolean])[] = [
  ['nothing', {}, false],
  ['a bearer token that ended over a minute ago', { bearer: dead }, true],
  ['as a cookie', { appAccessToken: dead }, true],
  ['exactly a minute ago', { bearer: jwtEnding(-60_000) }, false],
  ['a moment ago', { bearer: jwtEnding(-1000) }, false],
  ['now', { bearer: jwtEnding(0) }, false],
  ['in an hour', { bearer: jwtEnding(HOUR) }, false],
  ['in 1970', { bearer: jwt({ exp: 0 }) }, true],
  ['before 1970', { bearer: jwt({ exp: -1e308 }) }, true],
  ['never', { bearer: jwt({ exp: 1e308 }) }, false],
  ['an opaque token', { bearer: 'x'.repeat(32) }, false],
  ['a dead one in a session cookie, which is no token', { session: dead }, false],
  ['a dead one in app_session, which is no token', { appSession: dead }, false],
  ['beside a session cookie', { bearer: dead, session: 's' }, false],
  ['beside an empty session cookie', { bearer: dead, session: '' }, false],
  ['beside app_session', { appAccessToken: dead, appSession: 'a' }, false],
  ['two dead ones', { bearer: dead, appAccessToken: dead }, false]
]

t.test('a lone token that ended more than a minute ago makes a request expired', async t => {
  for (const [what, sent, expected] of expired) t.equal(isExpired(credentials(sent), NOW), expected, what)
})

const deadlines: readonly (readonly [what: string, sent: Partial<Credentials>, fromNow: number])[] = [
  ['no token', { session: 's', appSession: 'a' }, Infinity],
  ['an opaque token', { bearer: 'x' }, Infinity],
  ['a token', { bearer: jwtEnding(HOUR) }, HOUR],
  ['a token in the cookie', { appAccessToken: jwtEnding(HOUR) }, HOUR],
  ['two tokens: the earlier', { bearer: jwtEnding(HOUR), appAccessToken: jwtEnding(1000) }, 1000],
  ['two tokens, the other way round', { bearer: jwtEnding(1000), appAccessToken: jwtEnding(HOUR) }, 1000],
  ['a token beside an opaque one', { bearer: 'x', appAccessToken: jwtEnding(1000) }, 1000],
  ['a token within the leeway: nothing may be kept', { bearer: jwtEnding(-1000), session: 's' }, -1000],
  ['the last moment of the leeway', { bearer: jwtEnding(-60_000), session: 's' }, -60_000],
  ['a dead token: another credential gave the answer', { bearer: jwtEnding(-61_000), session: 's' }, Infinity],
  ['a dead token beside a live one', { bearer: jwtEnding(-61_000), appAccessToken: jwtEnding(HOUR) }, HOUR],
  ['a token without an end in sight', { bearer: jwt({ exp: 1e308 }) }, Infinity],
  ['a token in a session cookie, which is none', { session: jwtEnding(1000) }, Infinity]
]

t.test('no answer outlives a token that was sent', async t => {
  for (const [what, sent, fromNow] of deadlines) t.equal(identityDeadline(credentials(sent), NOW) - NOW, fromNow, what)
})

t.test('a token with a malformed exp or malformed parts has no expiry', async (t) => {
  for (const exp of ['1800000000', true, null, [1800000000], {}]) {
    t.equal(jwtExpiry(jwt({ sub: 'u', exp })), undefined, JSON.stringify(exp))
  }
  for (const payload of ['null', '1', '"text"', '[]', 'not json']) t.equal(jwtExpiry(jwt(payload)), undefined, payload)
  for (const header of ['null', '1', '"at+jwt"', 'not json']) {
    t.equal(jwtExpiry(jwt({ exp: 1 }, header)), undefined, header)
  }
})
