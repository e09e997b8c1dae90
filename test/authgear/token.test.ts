import t from 'tap'
import { claimsOf } from '../../src/base/core/token-expiry.ts'
import {
  authorize, bearer, codeOf, grantOf, redeeming, refreshing, resolved, signedIn, tokenCall, tokensIn, type Overrides
} from './sign-ins.ts'
import { openSuite } from './suite.ts'
import { LOGGED_OUT, refused } from './words.ts'

const suite = await openSuite('token')
const { server } = suite
const without = undefined
const claims = (token: string): string => Object.keys(claimsOf(token) ?? {}).toSorted().join(',')

const REFUSED: ReadonlyArray<readonly [name: string, form: Overrides, says: string]> = [
  ['no code', redeeming(without), '400 invalid_request: code is required'],
  ['an empty code', redeeming(''), '400 invalid_request: code is required'],
  ['an unknown code', redeeming('x'), '400 invalid_grant: invalid authorization code'],
  ['no grant_type', redeeming('x', { grant_type: without }),
    '400 unsupported_grant_type: grant type is not supported'],
  ['an unknown grant_type', redeeming('x', { grant_type: 'bogus' }),
    '400 unsupported_grant_type: grant type is not supported'],
  ['no client', redeeming('x', { client_id: without }), '400 invalid_client: invalid client ID'],
  ['an unknown client', redeeming('x', { client_id: 'nobody' }), '400 invalid_client: invalid client ID'],
  ['no verifier', redeeming('x', { code_verifier: without }), '400 invalid_request: PKCE code verifier is required'],
  ['a confidential client without its secret', redeeming('x', { client_id: 'conf' }),
    '400 invalid_client: client secret is required'],
  ['a third party without its secret', redeeming('x', { client_id: 'third' }),
    '400 invalid_client: client secret is required'],
  ['no refresh token', refreshing(without), '400 invalid_request: refresh token is required'],
  ['an empty refresh token', refreshing(''), '400 invalid_request: refresh token is required'],
  ['a refresh token that is none', refreshing('a.b'), '400 invalid_grant: invalid refresh token'],
  ['a refresh without a client', refreshing('a.b', { client_id: without }), '400 invalid_client: invalid client ID'],
  ['a refresh by an unknown client', refreshing('a.b', { client_id: 'nobody' }),
    '400 invalid_client: invalid client ID'],
  ['a machine without a secret', { grant_type: 'client_credentials', client_id: 'machine' },
    '400 invalid_target: resource is required'],
  ['a machine without a resource', {
    grant_type: 'client_credentials', client_id: 'machine', client_secret: server.clientSecret
  }, '400 invalid_target: resource is required']
]

t.test('the token endpoint refuses', async (t) => {
  for (const [name, form, expected] of REFUSED) suite.answers(t, name, await tokenCall(server, form), expected)
  for (const [method, expected] of [['GET', '405'], ['OPTIONS', '200']] as const) {
    suite.answers(t, method, await server.call('main', '/oauth2/token', { method }), expected)
  }
})

t.test('a code: wrong tries do not use it up, and it is good once', async (t) => {
  const { browser } = await signedIn(server)
  const code = await codeOf(server, browser)
  const { clientSecret: secret } = server
  for (const [name, overrides, expected] of [
    ['a wrong verifier', { code_verifier: 'x'.repeat(43) }, '400 invalid_grant: invalid authorization code'],
    ['a missing verifier', { code_verifier: without }, '400 invalid_request: PKCE code verifier is required'],
    ['another redirect URI', { redirect_uri: LOGGED_OUT }, '400 invalid_request: invalid redirect URI'],
    ['no redirect URI', { redirect_uri: without }, '400 invalid_request: invalid redirect URI'],
    ['a wrong secret of a confidential client', { client_id: 'conf', client_secret: 'wrong' },
      '400 invalid_request: invalid client secret'],
    ['another client', { client_id: 'conf', client_secret: secret },
      '200 access_token,expires_in,id_token,refresh_token,token_type'],
    ['the code again', {}, '400 invalid_grant: invalid authorization code']
  ] as const) suite.answers(t, name, await tokenCall(server, redeeming(code, overrides), browser.address), expected)
})

t.test('a grant: what its tokens are', async (t) => {
  const { browser, person } = await signedIn(server)
  const answer = await tokenCall(server, redeeming(await codeOf(server, browser)), browser.address)
  suite.answers(t, 'offline access', answer, '200 access_token,expires_in,id_token,refresh_token,token_type')
  suite.says(t, 'its answer is not kept', String(answer.headers['cache-control']), 'no-store')
  const { access, refresh, id } = tokensIn(answer)
  suite.says(t, 'claims of the ID token', claims(id),
    'aud,auth_time,exp,https://authgear.com/claims/user/can_reauthenticate,https://authgear.com/claims/user/is_anonymous,https://authgear.com/claims/user/is_verified,https://authgear.com/claims/user/roles,iat,iss,nonce,sid,sub')
  const { aud, sub, nonce, iss, sid = '', exp, iat } = claimsOf(id) ?? {}
  t.strictSame([aud, sub, nonce, iss], [['own'], person.id, 'n1', server.origin])
  t.equal(Number(exp) - Number(iat), 300)
  const grant = Buffer.from(String(sid), 'base64url').toString()
  t.equal(grant, `offline_grant:${refresh.split('.')[0] ?? ''}`, 'sid names the grant as its refresh token does')
  suite.says(t, 'the form of the opaque tokens', [/^[A-Za-z0-9]{32}$/.test(access), refresh.length].join(' '),
    'true 69')
  const plain = await tokenCall(server, redeeming(await codeOf(server, browser, { scope: 'openid' })), browser.address)
  suite.answers(t, 'openid alone', plain, '200 access_token,expires_in,id_token,token_type')
  const jwt = await grantOf(server, browser, { client_id: 'own-spa-jwt' })
  suite.says(t, 'claims of an access token as JWT', claims(jwt.access),
    'aud,auth_time,client_id,exp,https://authgear.com/claims/user/can_reauthenticate,https://authgear.com/claims/user/is_anonymous,https://authgear.com/claims/user/is_verified,https://authgear.com/claims/user/roles,iat,iss,jti,scope,sub')
})

t.test('a refresh', async (t) => {
  const { browser } = await signedIn(server)
  const { refresh, access, id } = await grantOf(server, browser)
  for (const [name, overrides, expected] of [
    ['refresh', {}, '200 access_token,expires_in,id_token,token_type'],
    ['refresh with another scope', { scope: 'openid' }, '200 access_token,expires_in,id_token,token_type'],
    ['refresh with a resource', { resource: 'https://api.example.test' },
      '200 access_token,expires_in,id_token,token_type'],
    ['refresh by another client', { client_id: 'own-spa' },
      '400 invalid_request: client id doesn\'t match the refresh token']
  ] as const) {
    suite.answers(t, name, await tokenCall(server, refreshing(refresh, overrides), browser.address), expected)
  }
  const renewed = tokensIn(await tokenCall(server, refreshing(refresh), browser.address))
  suite.says(t, 'claims of a refreshed ID token', claims(renewed.id),
    'aud,auth_time,exp,https://authgear.com/claims/user/can_reauthenticate,https://authgear.com/claims/user/is_anonymous,https://authgear.com/claims/user/is_verified,https://authgear.com/claims/user/roles,iat,iss,sid,sub')
  t.equal(claimsOf(renewed.id)?.['sid'], claimsOf(id)?.['sid'])
  suite.says(t, 'the old access token', await resolved(server, bearer(access)), '200 session-valid true')
  suite.says(t, 'the new access token', await resolved(server, bearer(renewed.access)), '200 session-valid true')
})

t.test('rotation', async (t) => {
  const { browser } = await signedIn(server)
  const first = await grantOf(server, browser, { client_id: 'own-rot' })
  const rotating = (token: string): Promise<string> =>
    tokenCall(server, refreshing(token, { client_id: 'own-rot' }), browser.address).then(({ status, body }) =>
      `${status} ${body.includes('invalid_grant') ? 'invalid_grant' : body.includes('refresh_token') ? 'a new one' : ''}`)
  const answer = await tokenCall(server, refreshing(first.refresh, { client_id: 'own-rot' }), browser.address)
  suite.answers(t, 'rotation: a refresh', answer, '200 access_token,expires_in,id_token,refresh_token,token_type')
  suite.says(t, 'rotation: the old token', await rotating(first.refresh), '400 invalid_grant')
  suite.says(t, 'rotation: the newest after that', await rotating(tokensIn(answer).refresh), '200 a new one')
})

t.test('revocation', async (t) => {
  const { browser } = await signedIn(server)
  const { refresh, access } = await grantOf(server, browser, { x_sso_enabled: without })
  const other = await grantOf(server, browser, { client_id: 'own-spa', x_sso_enabled: without })
  const revoke = (token: string | undefined, method = 'POST') =>
    server.call('main', '/oauth2/revoke', { method, ...method === 'POST' ? { form: { token, client_id: 'own' } } : {} })
  suite.answers(t, 'revoke: GET', await revoke(without, 'GET'), '405')
  suite.answers(t, 'revoke: nothing', await revoke(without), '200')
  suite.answers(t, 'revoke: garbage', await revoke('a.b'), '200')
  suite.answers(t, 'revoke: a refresh token', await revoke(refresh), '200')
  suite.answers(t, 'revoke: once more', await revoke(refresh), '200')
  suite.says(t, 'revoke: its access token', await resolved(server, bearer(access)), '200 nothing')
  suite.says(t, 'revoke: another app of the browser', await resolved(server, bearer(other.access)),
    '200 session-valid true')
  suite.answers(t, 'revoke: its refresh token', await tokenCall(server, refreshing(refresh), browser.address),
    '400 invalid_grant: invalid refresh token')
  const jwt = await grantOf(server, browser, { client_id: 'own-spa-jwt' })
  suite.answers(t, 'revoke: a JWT', await revoke(jwt.access), '200')
  suite.says(t, 'revoke: that JWT', await resolved(server, bearer(jwt.access)), '200 session-valid true')
  const sso = await grantOf(server, browser)
  await revoke(sso.refresh)
  suite.says(t, 'revoke with SSO: another app of the browser', await resolved(server, bearer(other.access)),
    '200 nothing')
  const after = await server.call('main', authorize({ prompt: 'none' }), { cookie: browser.cookies() })
  const gone = refused('login_required', 'authentication required')
  suite.answers(t, 'revoke with SSO: the browser', after, gone)
})

t.test('asked by another origin', async (t) => {
  const headers = [['X-Forwarded-Host', new URL(server.origin).host], ['X-Forwarded-Proto', 'http']] as const
  const call = { method: 'POST', form: redeeming('x'), headers }
  for (const [path, expected] of [['/oauth2/token', '307 a page'], ['/oauth2/revoke', '307 a page']] as const) {
    suite.answers(t, `by http: ${path}`, await server.callPlainly('main', path, call), expected)
  }
})

suite.end()
