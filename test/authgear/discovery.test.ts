import t from 'tap'
import { readIdToken } from '../../src/parts/login/oidc/id-token.ts'
import { readKeySet } from '../../src/base/authgear/key-set.ts'
import { claimsOf, type EpochMs } from '../../src/base/core/token-expiry.ts'
import { parseObject } from '../../src/base/core/json.ts'
import { bearer, grantOf, redeeming, codeOf, signedIn, tokenCall, tokensIn } from './sign-ins.ts'
import { openSuite } from './suite.ts'

const suite = await openSuite('discovery')
const { server } = suite
const OPENID = '/.well-known/openid-configuration'
const MEMBERS = [
  'authorization_endpoint claims_supported code_challenge_methods_supported',
  'dpop_signing_alg_values_supported end_session_endpoint grant_types_supported',
  'id_token_signing_alg_values_supported issuer jwks_uri response_modes_supported',
  'response_types_supported revocation_endpoint scopes_supported subject_types_supported token_endpoint',
  'token_endpoint_auth_methods_supported userinfo_endpoint'
].join(' ')
const JWKS = '/oauth2/jwks'

t.test('the discovery document', async (t) => {
  const { status, headers, body } = await server.call('main', OPENID)
  t.equal(status, 200)
  const oauth = await server.call('main', '/.well-known/oauth-authorization-server')
  t.equal(oauth.body, body, 'both are one')
  suite.says(t, 'its media type', String(headers['content-type']), 'application/json')
  t.notOk('etag' in headers || 'cache-control' in headers)
  const document = parseObject(body) ?? {}
  suite.says(t, 'its members', Object.keys(document).toSorted().join(' '),
    MEMBERS)
  t.match(document, {
    issuer: server.origin,
    authorization_endpoint: `${server.origin}/oauth2/authorize`,
    token_endpoint: `${server.origin}/oauth2/token`,
    revocation_endpoint: `${server.origin}/oauth2/revoke`,
    end_session_endpoint: `${server.origin}/oauth2/end_session`,
    jwks_uri: `${server.origin}${JWKS}`
  })
  const page = [['Origin', 'https://inspector.example.com']] as const
  const allowed = ({ headers }: typeof oauth): string => String(headers['access-control-allow-origin'])
  suite.says(t, 'pages that may read it', allowed(await server.call('main', OPENID, { headers: page })), '*')
  const preflight = [...page, ['Access-Control-Request-Method', 'POST']] as const
  suite.says(t, 'pages that may ask for a token',
    allowed(await server.call('main', '/oauth2/token', { method: 'OPTIONS', headers: preflight })), 'undefined')
  const by = [['X-Forwarded-Host', new URL(server.origin).host], ['X-Forwarded-Proto', 'http']] as const
  suite.answers(t, 'by http', await server.callPlainly('main', OPENID, { headers: by }), '307 a page')
})

t.test('sign-up is off, so a stranger is sent to the login', async (t) => {
  const { status, headers } = await server.call('main', '/signup')
  t.strictSame([status, headers['location']], [302, '/login'])
})

t.test('keys', async (t) => {
  const { status, headers, body } = await server.call('main', JWKS)
  t.equal(status, 200)
  t.notOk('etag' in headers || 'cache-control' in headers)
  const [key] = (parseObject(body)?.['keys'] ?? []) as ReadonlyArray<Readonly<Record<string, string>>>
  suite.says(t, 'members of a key', Object.keys(key ?? {}).toSorted().join(' '), 'alg created_at e kid kty n use')
  t.match(key, { kty: 'RSA', alg: 'RS256', use: 'sig' })
  for (const [method, expected] of [['HEAD', '405'], ['POST', '405']] as const) {
    suite.says(t, `keys by ${method}`, String((await server.call('main', JWKS, { method })).status), expected)
  }
})

t.test('the service reads an ID token by these keys', async (t) => {
  const { browser, person } = await signedIn(server)
  const answer = await tokenCall(server, redeeming(await codeOf(server, browser)), browser.address)
  const { id } = tokensIn(answer)
  const keys = await readKeySet((await server.call('main', JWKS)).body)
  const clock = { wall: () => Date.now() as EpochMs }
  const rules = { issuer: server.origin, clientId: 'own', nonce: 'n1' }
  const keySet = { keyOf: async (kid: string) => keys.kids.has(kid) ? keys.getKey : undefined }
  const reading = await readIdToken(id, rules, keySet, clock)
  t.match(reading, { kind: 'signed-in', signedIn: { userId: person.id, sid: claimsOf(id)?.['sid'] } })
  const other = await readIdToken(id, { ...rules, nonce: 'another' }, keySet, clock)
  t.match(other, { kind: 'refused', why: 'nonce' })
})

t.test('userinfo', async (t) => {
  const { browser, person } = await signedIn(server)
  const { access, refresh } = await grantOf(server, browser)
  const ask = (headers: Readonly<Record<string, string>>) =>
    server.call('main', '/oauth2/userinfo', { headers: Object.entries(headers) })
  const known = await ask(bearer(access))
  suite.says(t, 'userinfo: an access token', `${known.status} ${String(parseObject(known.body)?.['sub'] === person.id)}`,
    '200 true')
  for (const [name, headers, expected] of [
    ['userinfo: nothing', {}, '401'],
    ['userinfo: a refresh token', bearer(refresh), '401'],
    ['userinfo: an unknown token', bearer('junk'), '401']
  ] as const) suite.says(t, name, String((await ask(headers)).status), expected)
})

suite.end()
