import t from 'tap'
import { type Hop, last } from '../helpers/person.ts'
import { actionIn, APP, cookieOf, LOCAL, startOwnWorld, WIKI } from '../helpers/own-world.ts'
import { demo } from '../helpers/simulator.ts'

const FULL_ACCESS = 'https://authgear.com/scopes/full-access'
const OWN_CLICK = { headers: { 'sec-fetch-site': 'same-origin' } }
const isAuthorize = ({ url }: Hop): boolean => new URL(url).pathname === '/oauth2/authorize'
const first = ([hop]: readonly Hop[]): Hop => {
  if (hop === undefined) throw new Error('nothing was asked')
  return hop
}
const reasonOf = ({ headers }: Hop): unknown => headers['x-forward-auth-reason']

t.test('in on any domain, the second one silently, and out everywhere', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const hops = await person.open(`${APP}/deep?a=1&b=2`)
  t.equal(hops[0]?.headers['location'], `${APP}/_auth/login?rd=${APP}/deep?a=1&b=2`)
  const asked = hops.filter(isAuthorize).map(({ url }) => new URL(url).searchParams)
  t.strictSame(asked.map((query) => query.get('prompt')), ['none', null], 'first without a page')
  t.match(Object.fromEntries(asked[1] ?? []), {
    response_type: 'code',
    scope: `openid offline_access ${FULL_ACCESS}`,
    code_challenge_method: 'S256',
    x_sso_enabled: 'true',
    x_page: 'login',
    redirect_uri: `${APP}/_auth/callback`
  })
  const back = await world.signIn(person, last(hops), 'alice')
  t.match(last(back), { status: 200, url: `${APP}/deep?a=1&b=2` })
  t.match(last(back).body, /for alice$/)
  const callback = back.find(({ url }) => url.includes('/_auth/callback'))
  t.match(callback?.headers, { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  const [cookie = ''] = [callback?.headers['set-cookie'] ?? []].flat()
  t.match(cookie, /^__Host-forward-auth=[\w-]{43}; Max-Age=31536000; Path=\/; Secure; HttpOnly; SameSite=Lax$/)
  const silent = await person.open(`${WIKI}/x`)
  t.match(last(silent), { status: 200, url: `${WIKI}/x` })
  t.equal(silent.filter(isAuthorize).length, 1, 'no page on the way')
  const old = cookieOf(person, APP)
  const out = await person.open(`${APP}/_auth/logout`, OWN_CLICK)
  t.match(last(out), { status: 403, url: `${APP}/_auth/logged-out` })
  t.equal(cookieOf(person, APP), '', 'the cookie is gone')
  t.equal((await world.verify(old)).status, 401, 'and worth nothing')
  t.match(last(await person.open(`${APP}/deep`)).body, /Sign in/)
  t.equal(world.replicas[0]?.lines.filter(({ level }) => level === 'error' || level === 'fatal').length, 0)
})

t.test('on this machine, by http', async (t) => {
  const world = await startOwnWorld(t)
  const person = await world.signedIn('alice', `${LOCAL}/x`)
  t.match(person.cookies('localhost:8080'), /^forward-auth-login=[^;]+; forward-auth=[\w-]{43}$|^forward-auth=/)
  t.equal(last(await person.open(`${LOCAL}/x`)).status, 200)
})

t.test('no token reaches the browser, the app or the log', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const hops = [
    ...await person.open(`${APP}/`),
    ...await world.signIn(person, last(await person.open(`${APP}/`)), 'alice'),
    ...await person.open(`${APP}/again`)
  ]
  const said = JSON.stringify([
    hops.filter(({ url }) => url.startsWith(APP)).map(({ headers, body }) => [headers, body]),
    world.replicas[0]?.lines
  ])
  const { accessTokens, refreshTokens } = world.tokens()
  t.ok(accessTokens.length > 0 && refreshTokens.length > 0)
  for (const token of [...accessTokens, ...refreshTokens]) t.notOk(said.includes(token))
  t.notMatch(said, /eyJ[\w-]+[.]eyJ/)
})

t.test('an access token that ends is refreshed, and nobody notices', async (t) => {
  const world = await startOwnWorld(t)
  const person = await world.signedIn()
  for (let n = 1; n <= 3; n++) {
    world.clock.advance(2000_000)
    t.match(last(await person.open(`${APP}/`)), { status: 200, url: `${APP}/` })
    t.equal(world.authgear.controls.tokens.refreshes, n)
  }
})

t.test('a token that is good, ambiguous or for another audience comes before the cookie', async (t) => {
  const world = await startOwnWorld(t)
  const cookie = cookieOf(await world.signedIn(), APP)
  const bob = await world.verify(cookie, { authorization: `Bearer ${demo.bob.accessToken}` })
  t.match(bob, { status: 200, headers: { 'x-authgear-user-id': demo.bob.id } })
  const elsewhere = `${Buffer.from('{"typ":"at+jwt","alg":"RS256"}').toString('base64url')}.` +
    `${Buffer.from(`{"iss":"${world.authgear.url}","aud":["https://api.example"]}`).toString('base64url')}.AAAA`
  for (const [authorization, reason] of [
    ['Bearer a,Bearer b', 'ambiguous_credentials'],
    [['Bearer a', 'Bearer b'], 'ambiguous_credentials'],
    [`Bearer ${elsewhere}`, 'wrong_audience']
  ] as const) {
    const answer = await world.verify(cookie, { authorization })
    t.match(answer, { status: 401, headers: { 'x-forward-auth-reason': reason } }, String(authorization).slice(0, 40))
  }
  const basic = await world.verify(cookie, { authorization: 'Basic eDp5' })
  t.match(basic, { status: 200, headers: { 'x-authgear-user-id': demo.alice.id } }, 'another scheme is the app\'s')
})

t.test('a sign-out beside a token ends the session of the cookie too', async (t) => {
  const world = await startOwnWorld(t)
  const person = await world.signedIn()
  const cookie = cookieOf(person, APP)
  for (const authorization of ['Bearer junk', `Bearer ${demo.bob.accessToken}`, 'Bearer a,b']) {
    const answer = await world.ask('/_auth/logout', cookie, { authorization, 'sec-fetch-site': 'same-origin' })
    t.match(answer.status, 302, authorization)
    t.equal((await world.verify(cookie)).status, 401, authorization)
  }
})

t.test('Authgear\'s own cookies are not read', async (t) => {
  const world = await startOwnWorld(t)
  const answer = await world.verify(`session=${demo.alice.cookie}; app_access_token=${demo.alice.accessToken}`)
  t.match(answer, { status: 401, headers: { 'x-forward-auth-reason': 'no_credentials' } })
})

t.test('a cookie is a session at its own host alone, and no brought value becomes one', async (t) => {
  const world = await startOwnWorld(t)
  const brought = `__Host-forward-auth=${'A'.repeat(43)}`
  t.equal((await world.verify(brought)).status, 401)
  const cookie = cookieOf(await world.signedIn(), APP)
  t.not(cookie, brought)
  t.equal((await world.verify(brought)).status, 401)
  t.equal((await world.verify(cookie)).status, 200)
  for (const host of ['wiki.other.org', 'app.example.com.evil.test', 'other.example.com', 'app.example.com, x', '']) {
    t.equal((await world.verify(cookie, { 'x-forwarded-host': host })).status, 401, host)
  }
  const both = await world.verify(cookie, { 'x-forwarded-host': ['wiki.other.org', 'app.example.com'] })
  t.equal(both.status, 401, 'two hosts')
  for (const [cookies, status] of [
    [`${cookie}; ${brought}`, 401], [`${brought}; ${cookie}`, 401], [`${cookie}; ${cookie}`, 200],
    [`x${brought}; ${cookie}`, 200], [`a="__Host-forward-auth=b"; ${cookie}`, 200], [`${cookie}x`, 401]
  ] as const) t.equal((await world.verify(cookies)).status, status, cookies.replaceAll(/[\w-]{43}/g, '…'))
})

t.test('Back with a used code: on to the page with a session, and a page without', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const back = await world.signIn(person, last(await person.open(`${APP}/x`)), 'alice')
  const callback = back.find(({ url }) => url.includes('/_auth/callback?code='))?.url ?? ''
  t.match(last(await person.open(callback)), { status: 200, url: `${APP}/x` })
  const calls = world.authgear.controls.tokens.calls
  person.forget('__Host-forward-auth')
  t.match(reasonOf(last(await person.open(callback))), 'state_unknown')
  t.equal(world.authgear.controls.tokens.calls, calls, 'a code is redeemed once')
})

t.test('a state is good for its own browser, at its own host, for an hour', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const until = (hop: Hop) => hop.url.includes('/_auth/login')
  const sent = last(await person.open(`${APP}/_auth/login`, { until }))
  const state = new URL(String(sent.headers['location'])).searchParams.get('state') ?? ''
  const callback = (host: string) => `${host}/_auth/callback?code=x&state=${state}`
  const other = world.person()
  t.match(reasonOf(last(await other.open(callback(APP)))), 'cookies_blocked')
  await other.open(`${APP}/_auth/login`, { until })
  const again = first(await other.open(callback(APP)))
  t.match(again.headers['location'], /\/oauth2\/authorize\?.*prompt=none/, 'another browser begins a login of its own')
  const third = world.person()
  await third.open(`${APP}/_auth/login`, { until })
  const state2 = new URL(String(again.headers['location'])).searchParams.get('state') ?? ''
  const twice = last(await third.open(`${APP}/_auth/callback?code=x&state=${state2}`))
  t.match(reasonOf(twice), 'state_unknown', 'once by itself')
  t.match(twice.body, `href="/_auth/login?rd=${APP}/"`, 'one click on')
  await person.open(`${WIKI}/_auth/login`, { until })
  t.match(reasonOf(last(await person.open(callback(WIKI)))), 'state_unknown', 'another host')
  for (const junk of ['', 'x', state.slice(1), `${state}A`, `${state}&state=${state}`]) {
    t.match(reasonOf(last(await person.open(`${APP}/_auth/callback?code=x&state=${junk}`))), 'state_unknown')
  }
  t.equal(world.authgear.controls.tokens.calls, 0)
  world.clock.advance(3600_001)
  t.match(first(await person.open(callback(APP))).headers['location'], /prompt=none/, 'too late: another login')
  t.equal(world.authgear.controls.tokens.calls, 0, 'and no code of these was sent')
})

t.test('two tabs at the login: the first to finish signs in by the state of the other', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const first = last(await person.open(`${APP}/one`))
  const second = last(await person.open(`${APP}/two`))
  t.match(last(await world.signIn(person, first, 'alice')), { status: 200, url: `${APP}/two` })
  t.match(last(await person.send(second.url, { user: 'alice' })).body, 'Page expired')
  t.equal(last(await person.open(`${APP}/one`)).status, 200, 'signed in there too')
})

t.test('nobody goes round in circles: twice a minute at most, then a page', async (t) => {
  const world = await startOwnWorld(t)
  const person = await world.signedIn()
  const seen: Hop[] = []
  for (let n = 0; n < 5; n++) {
    person.forget('__Host-forward-auth') // the app's own fault, or a browser's
    seen.push(...await person.open(`${APP}/lost`))
  }
  t.equal(seen.filter(isAuthorize).length, 2 + 2, 'a page, and after its link twice more')
  t.ok(seen.some((hop) => reasonOf(hop) === 'redirect_loop'))
})

t.test('a login that never ends leaves nothing behind', async (t) => {
  const world = await startOwnWorld(t)
  for (let n = 0; n < 200; n++) {
    const { status } = await world.ask(`/_auth/login?rd=${APP}/${n}`, '')
    if (status !== 302) t.fail(String(status))
  }
  t.match(await world.replicas[0]?.service.metrics.render(), /forward_auth_own_sessions 0\n/)
})

t.test('junk codes of one browser stop at ten a minute', async (t) => {
  const world = await startOwnWorld(t)
  world.authgear.controls.tokens.limit()
  const stranger = world.person()
  const callback = async () => {
    const hops = await stranger.open(`${APP}/_auth/login`, { until: ({ url }) => url.includes('/_auth/login') })
    const state = new URL(String(last(hops).headers['location'])).searchParams.get('state') ?? ''
    return last(await stranger.open(`${APP}/_auth/callback?code=junk${Math.random()}&state=${state}`))
  }
  const reasons = []
  for (let n = 0; n < 14; n++) reasons.push(reasonOf(await callback()))
  t.strictSame(reasons.slice(9, 12), ['state_unknown', 'too_many_codes', 'too_many_codes'])
  t.equal(world.authgear.controls.tokens.calls, 10)
  const person = world.person()
  const page = last(await person.open(`${APP}/`, { headers: { 'x-forwarded-for': '198.51.100.4' } }))
  const { status } = last(await person.send(page.url, { user: 'alice' }))
  t.equal(status, 200, 'another browser behind that address signs in')
  world.clock.advance(60_000)
  t.match(reasonOf(await callback()), 'state_unknown')
})

t.test('a step-up: asked again, a new cookie, and the old one is dead', async (t) => {
  const world = await startOwnWorld(t)
  const person = await world.signedIn()
  const old = cookieOf(person, APP)
  world.clock.advance(120_000)
  const page = last(await person.open(`${APP}/secret/x`))
  t.match(page.body, 'Is it you?', 'not a whole login')
  t.equal((await world.verify(old)).status, 200)
  const back = last(await person.send(actionIn(world, page), { x: '1' }))
  t.match(back, { status: 200, url: `${APP}/secret/x` })
  const at = Number(back.headers['x-authgear-session-authenticated-at'])
  t.ok(Math.abs(at * 1000 - world.clock.wall()) < 2000, 'the new time')
  t.not(cookieOf(person, APP), old)
  t.equal((await world.verify(old)).status, 401)
  world.clock.advance(2000_000)
  t.equal(last(await person.open(`${APP}/`)).status, 200, 'its refresh token goes on')
})

t.test('a step-up by another person, or in another session, is refused in plain words', async (t) => {
  const world = await startOwnWorld(t)
  for (const user of ['bob', 'alice']) {
    const person = await world.signedIn()
    const cookie = cookieOf(person, APP)
    world.clock.advance(120_000)
    const hops = await person.open(`${APP}/secret/x`)
    const authorize = hops.find(isAuthorize)?.url ?? ''
    world.clock.advance(400_000) // the hint has ended: Authgear asks for a whole login
    const login = last(await person.open(authorize))
    const refused = last(await person.send(login.url, { user }))
    t.match(reasonOf(refused), 'step_up_refused', user)
    t.equal(cookieOf(person, APP), cookie, 'no new cookie')
    t.match(world.replicas[0]?.lines.at(-1), { reason: 'step_up_refused', token: user === 'bob' ? 'sub' : 'sid' })
  }
})

t.test('cancelled, or refused by Authgear: one page, with one thing to do', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const denied = last(await world.signIn(person, last(await person.open(`${APP}/x`)), 'dora'))
  t.match(denied, { status: 403, headers: { 'x-forward-auth-reason': 'login_denied' } })
  t.match(denied.body, `href="/_auth/login?rd=${APP}/x"`)
})

t.test('without Redis a restart costs each person one silent redirect', async (t) => {
  const world = await startOwnWorld(t, { replicas: 2 })
  let replica = 0
  const person = await world.signedIn('alice', `${APP}/`, () => replica)
  replica = 1
  const hops = await person.open(`${APP}/x`)
  t.match(last(hops), { status: 200, url: `${APP}/x` })
  t.equal(hops.filter(isAuthorize).length, 1)
})

t.test('a replaced session is revoked at Authgear with LOGIN_SSO=off alone', async (t) => {
  for (const sso of ['on', 'off'] as const) {
    const world = await startOwnWorld(t, { adapter: { LOGIN_SSO: sso } })
    const person = await world.signedIn()
    const old = cookieOf(person, APP)
    t.match(last(await person.open(`${APP}/_auth/login?rd=${APP}/x`)), { status: 200, url: `${APP}/x` })
    t.not(cookieOf(person, APP), old)
    t.equal((await world.verify(old)).status, 401)
    await world.revoked(sso === 'off' ? 1 : 0)
    t.equal(last(await person.open(`${APP}/x`)).status, 200, `LOGIN_SSO=${sso}: the new one lives`)
  }
})
