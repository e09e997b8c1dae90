import t from 'tap'
import { parseObject } from '../../src/base/core/json.ts'
import { readAnswer } from '../../src/parts/profile/answer.ts'
import { addressStateOf, profileOf } from '../../src/parts/profile/read.ts'
import { until } from '../helpers/until.ts'
import { openBrowser } from './browser.ts'
import { authorize, bearer, FULL_ACCESS, grantOf, redeeming, SCOPE, signedIn, tokenCall, tokensIn } from './sign-ins.ts'
import { openSuite } from './suite.ts'

const suite = await openSuite('userinfo')
const { server } = suite
const { browser, person } = await signedIn(server)
const grant = await grantOf(server, browser)

const USERINFO = '/oauth2/userinfo'
const RULES = { fields: ['email', 'name'], sendsUnverifiedEmail: false } as const
const CLAIM = 'https://authgear.com/claims/user/'

const ask = (headers: Readonly<Record<string, string>>, method = 'GET') =>
  server.call('main', USERINFO, { method, headers: Object.entries(headers) })

/** What the service makes of it: the state of the address, and whether it is that person's. */
async function readBy (token: string): Promise<string> {
  const { status, body } = await ask(bearer(token))
  const { outcome, reading } = readAnswer({ status, body }, person.id)
  if (reading.kind !== 'user') return `${outcome} ${reading.kind}`
  const { email } = profileOf(reading.record, RULES)
  return [addressStateOf(reading.record, RULES), email === person.email ? 'the address' : email ?? 'none'].join(' ')
}

t.test('the claims of a first-party client', async (t) => {
  const { status, headers, body } = await ask(bearer(grant.access))
  const claims = parseObject(body) ?? {}
  suite.says(t, 'status and sub', `${status} ${String(claims['sub'] === person.id)}`, '200 true')
  const own = Object.keys(claims).filter((name) => !name.startsWith(CLAIM) && name !== 'custom_attributes')
  suite.says(t, 'claims', own.toSorted().join(' '), 'email email_verified sub updated_at x_web3')
  suite.says(t, 'custom attributes', JSON.stringify(claims['custom_attributes']), '{}')
  const words = Object.keys(claims).filter((name) => name.startsWith(CLAIM)).map((name) => name.replace(CLAIM, ''))
  suite.says(t, 'about the user', words.toSorted().join(' '), 'can_reauthenticate is_anonymous is_verified roles')
  suite.says(t, 'form', `${String(headers['content-type'])} ${String(headers['cache-control'])}`, 'application/json no-store')
  const full = await grantOf(server, browser, { scope: `${SCOPE} ${FULL_ACCESS}` })
  const more = Object.keys(parseObject((await ask(bearer(full.access))).body) ?? {})
  suite.says(t, 'full access tells identities', String(more.includes(`${CLAIM}identities`)), 'true')
})

t.test('who asks', async (t) => {
  const cookie = { Cookie: browser.cookies() }
  for (const [name, headers, expected] of [
    ['an access token', bearer(grant.access), '200 true'],
    ['a session cookie alone', cookie, '200 true'],
    ['a bad token beside a session cookie', { ...bearer('abc.def'), ...cookie }, '200 true'],
    ['a bad token', bearer('abc.def'), '401 false'],
    ['an ID token', bearer(grant.id), '401 false'],
    ['a refresh token', bearer(grant.refresh), '401 false'],
    ['nobody', {}, '401 false']
  ] as const) {
    const { status, body } = await ask(headers)
    suite.says(t, name, `${status} ${String(parseObject(body)?.['sub'] === person.id)}`, expected)
  }
  suite.says(t, 'HEAD', String((await ask(bearer(grant.access), 'HEAD')).status), '405')
  const { headers, body } = await ask({})
  suite.says(t, 'a refusal', `${String(headers['content-type'])} ${String(parseObject(body)?.['error'])}`,
    'text/plain; charset=utf-8 invalid_grant')
})

t.test('an administrator verifies an address, and a sign-in on a page tells it', async (t) => {
  suite.says(t, 'not verified', await readBy(grant.access), 'other none')
  await server.verifyEmail(person, true)
  suite.says(t, 'verified by an administrator, a moment ago', await readBy(grant.access), 'other none')
  const silent = await grantOf(server, browser)
  suite.says(t, 'by a silent sign-in', await readBy(silent.access), 'other none')
  const again = openBrowser(server)
  await again.signIn(authorize({ x_page: 'login' }), person)
  suite.says(t, 'by a sign-in on a page', await readBy(grant.access), 'verified the address')
  await server.verifyEmail(person, false)
  suite.says(t, 'taken back a moment ago', await readBy(grant.access), 'verified the address')
})

t.test("a third-party client's token tells of some attributes only", async (t) => {
  for (const [name, scope, expected] of [
    ['third party: offline_access', SCOPE, 'ok unreadable'],
    ['third party: email and offline_access', `${SCOPE} email`, 'ok unreadable']
  ] as const) {
    const { url } = await browser.signIn(authorize({ client_id: 'third', scope }), person)
    const code = url.searchParams.get('code') ?? ''
    const answer = await tokenCall(server, redeeming(code, { client_id: 'third', client_secret: server.clientSecret }))
    const { access } = tokensIn(answer)
    suite.says(t, name, await readBy(access), expected)
    const { body } = await ask(bearer(access))
    suite.says(t, `${name}: its address`, String('email' in (parseObject(body) ?? {})), String(scope.includes('email')))
  }
})

t.test('a session that ended opens nothing', async (t) => {
  const ended = await grantOf(server, browser)
  suite.says(t, 'before the end', String((await ask(bearer(ended.access))).status), '200')
  await server.call('main', '/oauth2/revoke', { method: 'POST', form: { token: ended.refresh, client_id: 'own' } })
  await until('its end', async () => (await ask(bearer(ended.access))).status === 401)
  const disabled = await signedIn(server)
  const { access } = await grantOf(server, disabled.browser)
  suite.says(t, 'a person', String((await ask(bearer(access))).status), '200')
  await server.disable(disabled.person)
  suite.says(t, 'the same, disabled', String((await ask(bearer(access))).status), '401')
})

suite.end()
