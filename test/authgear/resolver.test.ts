import t from 'tap'
import { isReadableId } from '../../src/parts/profile/users.ts'
import { until } from '../helpers/until.ts'
import { openResolver } from '../helpers/resolver.ts'
import {
  authorize, bearer, grantOf, redeeming, resolved, SCOPE, signedIn, tokenCall, tokensIn
} from './sign-ins.ts'
import { openSuite } from './suite.ts'
import { refused } from './words.ts'

const suite = await openSuite('resolver')
const { server } = suite
const { host } = new URL(server.origin)
const MARKS = 'x-content-type-options x-robots-tag'
const IDENTITY = [
  'session-amr', 'session-authenticated-at', 'session-valid', 'user-anonymous', 'user-can-reauthenticate', 'user-id',
  'user-verified'
].map((name) => `x-authgear-${name}`).join(' ') + ` ${MARKS}`
const RESOLVE = '/_resolver/resolve'

const { browser, person } = await signedIn(server)
const session = /(?:^|; )session=([^;]+)/.exec(browser.cookies())?.[1] ?? ''
const grant = await grantOf(server, browser)
const jwt = (await grantOf(server, browser, { client_id: 'own-spa-jwt' })).access

t.test('credentials', async (t) => {
  const cookie = (value: string) => ({ Cookie: value })
  const CASES: ReadonlyArray<readonly [name: string, headers: Readonly<Record<string, string>>, expected: string]> = [
    ['nothing', {}, '200 nothing'],
    ['an access token', bearer(grant.access), '200 session-valid true'],
    ['an access token as JWT', bearer(jwt), '200 session-valid true'],
    ['a refresh token', bearer(grant.refresh), '200 nothing'],
    ['an ID token', bearer(grant.id), '200 nothing'],
    ['an unknown token', bearer('x'.repeat(32)), '200 nothing'],
    ['the scheme in small letters', { Authorization: `bearer ${grant.access}` }, '200 session-valid true'],
    ['two blanks', { Authorization: `Bearer  ${grant.access}` }, '200 nothing'],
    ['another scheme', { Authorization: `Basic ${grant.access}` }, '200 nothing'],
    ['a session cookie', cookie(`session=${session}`), '200 session-valid true'],
    ['a session cookie in quotes', cookie(`session="${session}"`), '200 session-valid true'],
    ['an unknown session cookie', cookie('session=a0000000-0000-4000-8000-000000000000.unknown'),
      '200 session-valid false'],
    ['an empty session cookie', cookie('session='), '200 session-valid false'],
    ['of two session cookies the first', cookie(`session=${session}; session=junk`), '200 session-valid true'],
    ['of two session cookies the first, which is none', cookie(`session=junk; session=${session}`),
      '200 session-valid false'],
    ['a token in app_access_token', cookie(`app_access_token=${grant.access}`), '200 session-valid true'],
    ['an unknown app_session', cookie('app_session=junk'), '200 nothing'],
    ['an unknown token and a session cookie', { ...bearer('junk'), ...cookie(`session=${session}`) },
      '200 session-valid true'],
    ['a token and an unknown session cookie', { ...bearer(grant.access), ...cookie('session=junk') },
      '200 session-valid true']
  ]
  for (const [name, headers, expected] of CASES) suite.says(t, name, await resolved(server, headers), expected)
})

t.test('an answer is its headers alone', async (t) => {
  for (const [name, headers, expected] of [
    ['headers of a token', bearer(grant.access), IDENTITY],
    ['headers of a cookie', { Cookie: `session=${session}` }, IDENTITY],
    ['headers of nobody', {}, MARKS]
  ] as const) {
    const { headers: said, body } = await server.call('resolver', RESOLVE, { headers: Object.entries(headers) })
    t.equal(body, '')
    suite.says(t, name, Object.keys(said).filter((one) => one.startsWith('x-')).toSorted().join(' '), expected)
    t.match(said, { 'x-content-type-options': 'nosniff', 'permissions-policy': String })
    t.notOk('content-type' in said || 'cache-control' in said)
  }
  const { headers } = await server.call('resolver', RESOLVE, { headers: Object.entries(bearer(grant.access)) })
  t.match(headers, { 'x-authgear-user-id': person.id, 'x-authgear-user-anonymous': 'false' })
  t.ok(isReadableId(person.id))
  t.ok(Math.abs(Number(headers['x-authgear-session-authenticated-at']) - Date.now() / 1000) < 600, 'Unix seconds')
})

t.test('a bad session cookie is cleared', async (t) => {
  const { headers } = await server.call('resolver', RESOLVE, { cookie: 'session=junk' })
  const [line = '', ...more] = headers['set-cookie'] ?? []
  t.equal(more.length, 0)
  const form = line.split('; ').map((part) => part.replace(/=.+/, '=')).toSorted().join(' ')
  suite.says(t, 'the line that clears it', form, 'Expires= HttpOnly Path= SameSite= Secure session=')
})

t.test('methods, hosts and schemes', async (t) => {
  for (const [method, expected] of [['HEAD', '200'], ['OPTIONS', '405'], ['POST', '405']] as const) {
    const { status } = await server.call('resolver', RESOLVE, { method, headers: Object.entries(bearer(grant.access)) })
    suite.says(t, method, String(status), expected)
  }
  const by = async (proto: string, token: string, name = host) => {
    const headers = [
      ['X-Forwarded-Host', name], ['X-Forwarded-Proto', proto], ...Object.entries(bearer(token))
    ] as const
    const answer = await server.callPlainly('resolver', RESOLVE, { headers })
    return `${answer.status} ${String(answer.headers['x-authgear-session-valid'] ?? 'nothing')}`
  }
  suite.says(t, 'http, an opaque token', await by('http', grant.access), '200 true')
  suite.says(t, 'http, a JWT', await by('http', jwt), '200 nothing')
  suite.says(t, 'a list of schemes', await by('https, http', grant.access), '500 nothing')
  suite.says(t, 'an unknown host', await by('https', grant.access, 'unknown.test'), '404 nothing')
  suite.says(t, 'its own path', (await server.call('resolver', '/resolve')).status.toString(), '200')
})

t.test('the service reads it', async (t) => {
  const resolver = openResolver(t, server.resolverPort, { endpoint: { host, scheme: 'https' } })
  t.match(await resolver.ask({ bearer: grant.access }), { resolution: { kind: 'valid', userId: person.id } })
  t.match(await resolver.ask({ bearer: jwt }), { resolution: { kind: 'valid', userId: person.id } })
  t.match(await resolver.ask({ session }), { resolution: { kind: 'valid', userId: person.id } })
  t.match(await resolver.ask({ session: 'junk' }), { resolution: { kind: 'invalid' } })
})

t.test('a disabled person', async (t) => {
  const disabled = await signedIn(server)
  const { access, refresh } = await grantOf(server, disabled.browser)
  const cookie = disabled.browser.cookies()
  await server.disable(disabled.person)
  suite.says(t, 'disabled: the token', await resolved(server, bearer(access)), '200 nothing')
  suite.says(t, 'disabled: the cookie', await resolved(server, { Cookie: cookie }), '200 session-valid false')
  const refreshed = await server.call('main', '/oauth2/token', {
    method: 'POST', form: { grant_type: 'refresh_token', client_id: 'own', refresh_token: refresh }
  })
  suite.answers(t, 'disabled: the refresh token', refreshed, '400 invalid_grant: invalid refresh token')
})

t.test('roles', async (t) => {
  const { browser, person } = await signedIn(server)
  const { access } = await grantOf(server, browser)
  const rolesOf = async (): Promise<string> => {
    const { headers } = await server.call('resolver', RESOLVE, { headers: Object.entries(bearer(access)) })
    const roles = String(headers['x-authgear-user-roles'] ?? 'none').split(',')
    return roles.toSorted().join().replaceAll(/\d+/g, 'N')
  }
  suite.says(t, 'no role', await rolesOf(), 'none')
  const number = Date.now()
  await server.giveRoles(person, [`a${number}`, `b:${number}`])
  suite.says(t, 'new roles, an old token', await rolesOf(), 'aN,b:N')
})

t.test('an account whose time is over', async (t) => {
  const { browser, person } = await signedIn(server)
  const { access } = await grantOf(server, browser)
  await server.endAccount(person)
  await until('its end', async () => await resolved(server, bearer(access)) !== '200 session-valid true')
  suite.says(t, 'account over: the token', await resolved(server, bearer(access)), '200 session-valid false')
  const both = { ...bearer(access), Cookie: `session=${session}` }
  suite.says(t, 'account over: beside the cookie of another', await resolved(server, both), '200 session-valid false')
})

t.test('a third party access token', async (t) => {
  const { browser, person } = await signedIn(server)
  const { url } = await browser.signIn(authorize({ client_id: 'third' }), person)
  const code = url.searchParams.get('code') ?? ''
  const answer = await tokenCall(server, redeeming(code, { client_id: 'third', client_secret: server.clientSecret }))
  suite.answers(t, 'third party: the code', answer, '200 access_token,expires_in,id_token,refresh_token,token_type')
  const said = await resolved(server, bearer(tokensIn(answer).access))
  suite.says(t, 'third party: its access token', said, '200 session-valid true')
  const silently = (scope: string) =>
    server.call('main', authorize({ client_id: 'third', prompt: 'none', scope }), { cookie: browser.cookies() })
  suite.answers(t, 'third party: prompt=none after consent', await silently(SCOPE), '303 callback code state')
  const lacking = refused('access_denied', 'requested scopes are not granted')
  suite.answers(t, 'third party: a new scope', await silently(`${SCOPE} email`), lacking)
})

suite.end()
