import t from 'tap'
import { type Hop, last } from '../../../helpers/person.ts'
import { APP, cookieOf, startOwnWorld, WIKI } from '../../../helpers/own-world.ts'

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
  t.match(last(out), { status: 200, url: `${APP}/_auth/logged-out` })
  t.equal(cookieOf(person, APP), '', 'the cookie is gone')
  t.equal((await world.verify(old)).status, 401, 'and worth nothing')
  t.match(last(await person.open(`${APP}/deep`)).body, /Sign in/)
  t.equal(world.replicas[0]?.lines.filter(({ level }) => level === 'error' || level === 'fatal').length, 0)
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
