import t from 'tap'
import type { Browser } from './browser.ts'
import { bearer, grantOf, refreshing, resolved, signedIn, tokenCall, type Overrides } from './sign-ins.ts'
import { openSuite } from './suite.ts'
import { LOGGED_OUT, STATE } from './words.ts'

const suite = await openSuite('end_session')
const { server } = suite
const OUT = { post_logout_redirect_uri: LOGGED_OUT, state: STATE }

const end = (query: Overrides, browser?: Browser, isStrict = false) => {
  const given = Object.entries(query).flatMap(([name, value]) => value === undefined ? [] : [[name, value] as const])
  const isSent = (pair: string): boolean => isStrict || !pair.startsWith('same_site_strict')
  const cookies = (browser?.cookies() ?? '').split('; ').filter(isSent)
  return server.call('main', `/oauth2/end_session?${new URLSearchParams(Object.fromEntries(given)).toString()}`, {
    cookie: cookies.join('; ')
  })
}

t.test('without cookies nothing ends', async (t) => {
  const { browser } = await signedIn(server)
  const { id, access } = await grantOf(server, browser)
  for (const [name, query, expected] of [
    ['no cookies, a hint', { ...OUT, id_token_hint: id }, '303 logged-out state'],
    ['no cookies, no hint', OUT, '303 logged-out state'],
    ['no cookies, an address that is not registered', { post_logout_redirect_uri: 'https://evil.test/' },
      '302 /settings'],
    ['no cookies, nothing', {}, '302 /settings'],
    ['no cookies, a hint that is none', { ...OUT, id_token_hint: 'abc' }, '303 logged-out state']
  ] as const) suite.answers(t, name, await end(query), expected)
  suite.says(t, 'the session after these', await resolved(server, bearer(access)), '200 session-valid true')
})

t.test('a browser with a session', async (t) => {
  const { browser } = await signedIn(server)
  const { id, access, refresh } = await grantOf(server, browser)
  const other = await grantOf(server, browser, { client_id: 'own-spa' })
  suite.answers(t, 'no hint, from another site', await end(OUT, browser), '302 /logout')
  suite.says(t, 'the session after that', await resolved(server, bearer(access)), '200 session-valid true')
  suite.answers(t, 'a hint', await end({ ...OUT, id_token_hint: id }, browser), '303 logged-out state')
  suite.says(t, 'its access token', await resolved(server, bearer(access)), '200 nothing')
  suite.says(t, 'another app of the browser', await resolved(server, bearer(other.access)), '200 nothing')
  suite.answers(t, 'its refresh token', await tokenCall(server, refreshing(refresh), browser.address),
    '400 invalid_grant: invalid refresh token')
})

t.test('from Authgear\'s own site no hint is needed', async (t) => {
  const { browser } = await signedIn(server)
  const { access } = await grantOf(server, browser)
  suite.answers(t, 'the strict cookie', await end(OUT, browser, true), '303 logged-out state')
  suite.says(t, 'the strict cookie: the session', await resolved(server, bearer(access)), '200 nothing')
})

suite.end()
