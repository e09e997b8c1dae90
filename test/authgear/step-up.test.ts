import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { claimsOf } from '../../src/base/core/token-expiry.ts'
import { openBrowser, type Browser } from './browser.ts'
import {
  authorize, bearer, FULL_ACCESS, grantOf, redeeming, refreshing, resolved, SCOPE, signedIn, tokenCall, tokensIn,
  type Overrides
} from './sign-ins.ts'
import { openSuite } from './suite.ts'
import { refused } from './words.ts'

const suite = await openSuite('step-up')
const { server } = suite
const FULL = `${SCOPE} ${FULL_ACCESS}`
const LOGIN_REQUIRED = refused('login_required', 'authentication required')
const claim = (token: string, name: string): unknown => claimsOf(token)?.[name]
const again = (hint: string | undefined, more: Overrides = {}): string =>
  authorize({ prompt: 'login', scope: 'openid', id_token_hint: hint, x_page: 'login', ...more })

/** Which page a signed-in browser sees. */
async function asked (browser: Browser, path: string): Promise<string> {
  const from = browser.way.length
  const { answer, hasLeft } = await browser.open(path)
  if (hasLeft) return 'goes straight through'
  const isAgain = browser.way.slice(from).some((one) => one.includes('/reauth')) || /action="\/reauth/.test(answer.body)
  return isAgain ? 'asks to confirm' : 'asks to sign in or to choose'
}

/** As the resolver says it. */
async function timeOf (access: string): Promise<unknown> {
  const { headers } = await server.call('resolver', '/_resolver/resolve', { headers: Object.entries(bearer(access)) })
  return headers['x-authgear-session-authenticated-at']
}

/** Authgear's times are whole seconds. */
async function laterThan (seconds: unknown): Promise<void> {
  while (Math.floor(Date.now() / 1000) <= Number(seconds)) await sleep(50)
}

t.test('who is asked to confirm', async (t) => {
  const { browser } = await signedIn(server)
  const full = await grantOf(server, browser, { scope: FULL })
  const plain = await grantOf(server, browser)
  const spa = await grantOf(server, browser, { client_id: 'own-spa', scope: FULL })
  const CASES: ReadonlyArray<readonly [name: string, path: string, expected: string]> = [
    ['a grant with full access', again(full.id), 'asks to confirm'],
    ['a grant without full access', again(plain.id), 'asks to sign in or to choose'],
    ['a single-page app', again(spa.id, { client_id: 'own-spa' }), 'asks to confirm'],
    ['the grant of another client', again(spa.id), 'asks to sign in or to choose'],
    ['no hint', again(undefined), 'asks to sign in or to choose'],
    ['max_age that is over, and a hint', again(full.id, { prompt: undefined, max_age: '0' }), 'asks to confirm'],
    ['max_age that is not over, and a hint', again(full.id, { prompt: undefined, max_age: '3600' }),
      'goes straight through'],
    ['max_age that is not over, and no hint', again(undefined, { prompt: undefined, max_age: '3600' }),
      'asks to sign in or to choose'],
    ['a hint alone', again(full.id, { prompt: undefined }), 'goes straight through'],
    ['nothing', again(undefined, { prompt: undefined }), 'asks to sign in or to choose']
  ]
  for (const [name, path, expected] of CASES) suite.says(t, name, await asked(browser, path), expected)
})

t.test('confirming keeps the session, its tokens and the other apps of the browser', async (t) => {
  const { browser, person } = await signedIn(server)
  const { id, access, refresh } = await grantOf(server, browser, { scope: FULL })
  const other = await grantOf(server, browser, { client_id: 'own-spa' })
  await laterThan(claim(id, 'auth_time'))
  const { url, hasLeft } = await browser.signIn(again(id), person)
  t.ok(hasLeft, url.pathname)
  t.equal(await timeOf(access), String(claim(id, 'auth_time')), 'nothing changes before the code is redeemed')
  const answer = await tokenCall(server, redeeming(url.searchParams.get('code') ?? ''), browser.address)
  suite.answers(t, 'a confirmed code', answer, '200 access_token,expires_in,id_token,token_type')
  const confirmed = tokensIn(answer).id
  t.equal(claim(confirmed, 'sid'), claim(id, 'sid'), 'no new grant')
  t.equal(claim(confirmed, 'sub'), person.id)
  suite.says(t, 'its ID token says by what', String(Array.isArray(claim(confirmed, 'amr'))), 'true')
  t.ok(Number(claim(confirmed, 'auth_time')) > Number(claim(id, 'auth_time')), 'a newer time')
  t.equal(await timeOf(access), String(claim(confirmed, 'auth_time')), 'the old token has it')
  suite.says(t, 'another app after that', await resolved(server, bearer(other.access)), '200 session-valid true')
  suite.answers(t, 'a refresh after that', await tokenCall(server, refreshing(refresh), browser.address),
    '200 access_token,expires_in,id_token,token_type')
})

t.test('a whole login ends every grant of the browser, and silently', async (t) => {
  const { browser, person } = await signedIn(server)
  const plain = await grantOf(server, browser)
  const other = await grantOf(server, browser, { client_id: 'own-spa' })
  const { url } = await browser.signIn(again(plain.id), person)
  const answer = await tokenCall(server, redeeming(url.searchParams.get('code') ?? ''), browser.address)
  t.not(claim(tokensIn(answer).id, 'sid'), claim(plain.id, 'sid'), 'a new grant')
  suite.says(t, 'the old access token', await resolved(server, bearer(plain.access)), '200 nothing')
  suite.says(t, 'the other app', await resolved(server, bearer(other.access)), '200 nothing')
  suite.answers(t, 'the old refresh token', await tokenCall(server, refreshing(plain.refresh), browser.address),
    '400 invalid_grant: invalid refresh token')
})

t.test('prompt=none with a hint', async (t) => {
  const [one, two] = [await signedIn(server), await signedIn(server)]
  const { id } = await grantOf(server, one.browser)
  const silently = (browser: Browser) => server.call('main', authorize({ prompt: 'none', id_token_hint: id }), {
    cookie: browser.cookies(), address: browser.address
  })
  suite.answers(t, 'of the same person', await silently(one.browser), '303 callback code state')
  suite.answers(t, 'of another person', await silently(two.browser), LOGIN_REQUIRED)
  suite.answers(t, 'with nobody signed in', await silently(openBrowser(server)), LOGIN_REQUIRED)
})

suite.end()
