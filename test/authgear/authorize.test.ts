import t from 'tap'
import { openBrowser } from './browser.ts'
import { authorize, FULL_ACCESS, type Overrides, SCOPE, signedIn } from './sign-ins.ts'
import { openSuite } from './suite.ts'
import { CALLBACK, refused } from './words.ts'

const suite = await openSuite('authorize')
const { server } = suite
const none = { prompt: 'none' }
const [without, CONSENT] = [undefined, 'https://api.example.test']

const LOGIN_REQUIRED = refused('login_required', 'authentication required')
const CODE = '303 callback code state'
const PAGE = '302 a page'

type Case = readonly [name: string, asked: Overrides, signedOut: string, signedIn?: string]

/** What one question gets of a browser without a session, and of one with, where it is something else. */
const CASES: readonly Case[] = [
  ['plain', {}, PAGE],
  ['prompt=none', none, LOGIN_REQUIRED, CODE],
  ['prompt=none login', { prompt: 'none login' },
    refused('invalid_request', 'prompt cannot have other values when none is set')],
  ['prompt=login', { prompt: 'login' }, PAGE],
  ['prompt=consent', { prompt: 'consent' }, PAGE],
  ['prompt=select_account', { prompt: 'select_account' }, PAGE],
  ['an unknown prompt', { prompt: 'bogus' }, PAGE],
  ['prompt=none with max_age', { ...none, max_age: '10' },
    refused('invalid_request', 'max_age could imply prompt=login so max_age cannot be present when prompt=none')],
  ['max_age is no number', { max_age: 'abc' }, PAGE],
  ['max_age below nought', { max_age: '-1' }, PAGE],
  ['no scope', { scope: without }, refused('invalid_request', 'scope is required')],
  ['no openid among the scopes', { scope: 'offline_access' }, refused('invalid_scope', "must request 'openid' scope")],
  ['an unknown scope', { scope: 'openid what' }, refused('invalid_scope', 'specified scope is not allowed: what')],
  ['full access', { ...none, scope: `${SCOPE} ${FULL_ACCESS}` }, LOGIN_REQUIRED, CODE],
  ['full access, a single-page app', { ...none, client_id: 'own-spa', scope: `openid ${FULL_ACCESS}` },
    LOGIN_REQUIRED, CODE],
  ['full access, a confidential client', { ...none, client_id: 'conf', scope: `openid ${FULL_ACCESS}` },
    refused('invalid_scope', 'full access is not allowed for this client')],
  ['full access, a third party', { ...none, client_id: 'third', scope: `openid ${FULL_ACCESS}` },
    refused('invalid_scope', 'full access is not allowed for this client')],
  ['no challenge', { code_challenge: without, code_challenge_method: without },
    refused('invalid_request', 'PKCE code challenge is required for public clients')],
  ['no challenge, a confidential client', {
    ...none, client_id: 'conf', code_challenge: without, code_challenge_method: without
  }, LOGIN_REQUIRED, CODE],
  ['a plain challenge', { code_challenge_method: 'plain' },
    refused('invalid_request', "only 'S256' PKCE transform is supported")],
  ['a challenge without a method', { code_challenge_method: without },
    refused('invalid_request', "only 'S256' PKCE transform is supported")],
  ['a short challenge', { ...none, code_challenge: 'abc' }, LOGIN_REQUIRED, CODE],
  ['no state', { ...none, state: without },
    '303 callback login_required: authentication required', '303 callback code'],
  ['no nonce', { ...none, nonce: without }, LOGIN_REQUIRED, CODE],
  ['an unknown client', { client_id: 'nobody' }, '400'],
  ['no client', { client_id: without }, '400'],
  ['a machine', { client_id: 'machine' }, '400'],
  ['a longer redirect URI', { redirect_uri: `${CALLBACK}/x` }, '400'],
  ['a redirect URI with a query', { redirect_uri: `${CALLBACK}?a=1` }, '400'],
  ['no redirect URI', { redirect_uri: without }, '400'],
  ['response_type=token', { response_type: 'token' },
    refused('unsupported_response_type', 'response_type: token is not supported')],
  ['response_type=none', { ...none, response_type: 'none' }, LOGIN_REQUIRED, '303 callback state'],
  ['no response_type', { response_type: without },
    refused('unauthorized_client', 'response type is not allowed for this client')],
  ['response_type=code id_token', { response_type: 'code id_token' },
    refused('unauthorized_client', 'response type is not allowed for this client')],
  ['response_mode=query', { ...none, response_mode: 'query' }, LOGIN_REQUIRED, CODE],
  ['response_mode=fragment', { ...none, response_mode: 'fragment' },
    '303 callback # login_required: authentication required another state', '303 callback # code another state'],
  ['response_mode=form_post', { ...none, response_mode: 'form_post' }, '200'],
  ['an unknown response_mode', { ...none, response_mode: 'bogus' }, '400'],
  ['SSO, a client of one session a person', { ...none, client_id: 'own-max1' },
    refused('invalid_request', "'sso_enabled' must be false if config 'x_max_concurrent_session' is 1")],
  ['no SSO, a client of one session a person', { ...none, client_id: 'own-max1', x_sso_enabled: 'false' },
    LOGIN_REQUIRED, CODE],
  ['x_sso_enabled is neither', { ...none, x_sso_enabled: 'maybe' }, LOGIN_REQUIRED, CODE],
  ['a hint that is none', { ...none, id_token_hint: 'abc' }, refused('server_error', 'internal server error')],
  ['languages', { ...none, ui_locales: 'de fr' }, LOGIN_REQUIRED, CODE],
  ['languages that are none', { ...none, ui_locales: '!!' }, LOGIN_REQUIRED, CODE],
  ['a login_hint that is an address', { ...none, login_hint: 'a@example.com' },
    refused('invalid_request', 'invalid login_hint: a@example.com')],
  ['a resource, first party', { ...none, resource: CONSENT }, LOGIN_REQUIRED, CODE],
  ['a third party before consent', { ...none, client_id: 'third' },
    LOGIN_REQUIRED, refused('access_denied', 'authorization required')]
]

t.test('authorize, without a session', async (t) => {
  const browser = openBrowser(server)
  for (const [name, asked, expected] of CASES) {
    const answer = await server.call('main', authorize(asked), { address: browser.address })
    suite.answers(t, `signed out: ${name}`, answer, expected)
  }
})

t.test('authorize, with a session', async (t) => {
  const { browser } = await signedIn(server)
  for (const [name, asked, signedOut, expected = signedOut] of CASES) {
    const cookie = browser.cookies()
    const answer = await server.call('main', authorize(asked), { cookie, address: browser.address })
    suite.answers(t, `signed in: ${name}`, answer, expected)
  }
})

t.test('authorize, by other methods', async (t) => {
  const query = authorize(none).replace('/oauth2/authorize?', '')
  const form = Object.fromEntries(new URLSearchParams(query))
  suite.answers(t, 'POST', await server.call('main', '/oauth2/authorize', { method: 'POST', form }), LOGIN_REQUIRED)
  for (const [method, expected] of [['HEAD', '405'], ['PUT', '405'], ['OPTIONS', '405']] as const) {
    suite.answers(t, method, await server.call('main', authorize(none), { method }), expected)
  }
})

t.test('of two tabs the first to finish goes on with the state of the newer', async (t) => {
  const person = await server.createPerson()
  const browser = openBrowser(server)
  const older = await browser.open(authorize({ state: 'tab 1' }))
  const newer = await browser.open(authorize({ state: 'tab 2' }))
  const { url, hasLeft } = await browser.finish(older, person)
  suite.says(t, 'the tab that finishes', `${hasLeft} ${url.searchParams.get('state')}`, 'true tab 2')
  const late = await browser.finish(newer, person)
  suite.says(t, 'the tab that is late', `${late.hasLeft} ${late.answer.status}`, 'false 200')
})

suite.end()
