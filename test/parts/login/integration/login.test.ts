import t, { type Test } from 'tap'
import { createSeal } from '../../../../src/parts/login/flow/state.ts'
import type { AuthgearsState } from '../../../../src/parts/login/flow/state.ts'
import { LOGIN, type InProcessOptions } from '../../../helpers/in-process.ts'
import { NOW } from '../../../helpers/jwt.ts'
import { APP, AUTHGEAR, OTHER, startLoginWorld, type LoginWorld } from '../../../helpers/login-world.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { last, type Hop, type Person } from '../../../helpers/person.ts'
import { demo } from '../../../helpers/simulator.ts'
import { PROTOCOLS, startInProcessOver } from '../../../helpers/in-process-over.ts'
import { STRICT, checkLoginAnswer } from '../../../helpers/login-answers.ts'
import { makeTls } from '../../../helpers/tls.ts'

const CALLBACK = `${APP}/_auth/callback`
const isCallback = ({ url }: Hop): boolean => url.startsWith(CALLBACK)
const promptOf = ({ headers }: Hop): string | null => new URL(String(headers['location'])).searchParams.get('prompt')

/** Signed in, and back where it wanted to go. */
async function signedIn (world: LoginWorld, url: string): Promise<Person> {
  const person = world.person()
  await world.signIn(person, last(await person.open(url)), 'alice')
  return person
}

for (const protocol of PROTOCOLS) {
  t.test(`in, over ${protocol}`, async (t) => {
    const world = await startLoginWorld(t, { protocol })
    const person = world.person()
    const hops = await person.open(`${OTHER}/deep/link?a=1&b=2`)
    for (const { url, status, headers, body } of hops.filter(({ url }) => url.includes('/_auth/'))) {
      await checkLoginAnswer(t, { status, headers, body }, url)
    }

    t.equal(hops[0]?.headers['location'], `${APP}/_auth/login?rd=${OTHER}/deep/link?a=1&b=2`, 'sent to log in')
    t.match(hops[0], {
      status: 302,
      headers: {
        'x-forward-auth-reason': 'no_credentials',
        'cache-control': 'no-store',
        vary: 'Authorization, Cookie',
        'content-length': '0'
      }
    })
    const login = hops.filter(({ url }) => url.startsWith(`${AUTHGEAR}/oauth2/authorize`))
    t.strictSame(login.map(({ url }) => new URL(url).searchParams.get('prompt')), ['none', null],
      'first without showing anything, then once more')
    const asked = new URL(login[1]?.url ?? '').searchParams
    t.strictSame([...asked.keys()].sort(), ['client_id', 'redirect_uri', 'response_type', 'scope', 'state', 'x_page'])
    t.match(Object.fromEntries(asked), {
      client_id: 'web', redirect_uri: CALLBACK, response_type: 'none', scope: 'openid', x_page: 'login'
    })
    t.match(last(hops), { status: 200, url: `${AUTHGEAR}/login-page` }, 'Authgear shows its login page')

    const back = await world.signIn(person, last(hops), 'alice')
    t.match(last(back), {
      status: 200,
      url: `${OTHER}/deep/link?a=1&b=2`,
      body: `the app at b.apps.example.com/deep/link?a=1&b=2 for ${demo.alice.id}`
    })
    t.equal(back.find(isCallback)?.status, 303)
    t.match(last(await person.open(`${APP}/`)).body, demo.alice.id, 'and is signed in everywhere')
  })

  t.test(`who is signed in at Authgear comes straight back, over ${protocol}`, async (t) => {
    const world = await startLoginWorld(t, { protocol })
    const person = await signedIn(world, `${APP}/`)
    const hops = await person.open(`${APP}/_auth/login?rd=${OTHER}/x`)
    t.strictSame(hops.map(({ url, status }) => `${status} ${new URL(url).pathname}`),
      ['302 /_auth/login', '303 /oauth2/authorize', '303 /_auth/callback', '200 /x'])
  })
}

t.test('a HEAD is sent on as a GET is; other methods find nothing', async (t) => {
  const { verifier } = await startLoginWorld(t)
  t.equal((await verifier.ask({ method: 'HEAD', path: '/_auth/login?rd=x', headers: STRICT })).status, 302)
  for (const [method, path] of [
    ['POST', '/_auth/login'],
    ['HEAD', '/_auth/logout'],
    ['POST', '/_auth/logout'],
    ['HEAD', '/_auth/callback'],
    ['OPTIONS', '/_auth/login']
  ] as const) {
    t.equal((await verifier.ask({ method, path, headers: STRICT })).status, 404, `${method} ${path}`)
  }
  for (const path of [
    '/_auth', '/_auth/', '/_auth/login/', '/_auth/Login', '/_auth//login', '/login', '/callback', '/logout',
    '/logged-out', '/_auth/logi%6e', '/_auth/other', '/x/../_auth/login'
  ]) {
    t.equal((await verifier.ask({ path, headers: STRICT })).status, 404, path)
  }
})

const NO_LOGIN: InProcessOptions = Object.fromEntries(Object.keys(LOGIN).map((name) => [name, undefined]))

t.test('without LOGIN_CLIENT_ID there is no such route, and nobody is sent anywhere', async (t) => {
  const { verifier } = await startLoginWorld(t, { adapter: NO_LOGIN })
  for (const path of ['/_auth/login', '/_auth/callback?state=x', '/_auth/logout', '/_auth/logged-out']) {
    t.equal((await verifier.ask({ path, headers: STRICT })).status, 404, path)
  }
  t.equal((await verifier.ask({ headers: STRICT })).status, 401)
})

t.test('ui_locales go on to Authgear, through the second try too', async (t) => {
  const world = await startLoginWorld(t)
  const hops = await world.person().open(`${APP}/_auth/login?ui_locales=zh-Hant-HK+en&rd=${APP}/`)
  t.strictSame(
    hops.filter(({ url }) => url.includes('/oauth2/authorize'))
      .map(({ url }) => new URL(url).searchParams.get('ui_locales')),
    ['zh-Hant-HK en', 'zh-Hant-HK en']
  )
  t.match(last(hops).body, '<html lang="zh-Hant-HK">')
})

t.test('a step-up shows the login page despite a session, and returns a newer one', async (t) => {
  const world = await startLoginWorld(t, {
    simulator: {
      users: [
        {
          id: demo.alice.id,
          name: 'alice',
          sessions: [{ cookie: demo.alice.cookie, authenticatedAt: Math.floor(Date.now() / 1000) - 3600 }]
        }
      ],
      cookieDomain: 'example.com',
      clients: [{ id: 'web', redirectUris: [CALLBACK], postLogoutRedirectUris: [] }]
    }
  })
  const person = world.person()
  const hops = await person.open(`${APP}/secret/x?y`, {
    headers: { cookie: `session=${demo.alice.cookie}; same_site_strict=true` }
  })
  t.match(hops[0], {
    status: 302,
    headers: {
      location: `${APP}/_auth/login?max_age=60&rd=${APP}/secret/x?y`, 'x-forward-auth-reason': 'step_up_required'
    }
  })
  const asked = new URL(hops[2]?.url ?? '').searchParams
  t.match([asked.get('prompt'), asked.get('max_age')], ['login', '60'])
  t.match(last(await world.signIn(person, last(hops), 'alice')), { status: 200, url: `${APP}/secret/x?y` })
})

t.test('where the return address is none of ours, people end on the default page', async (t) => {
  const world = await startLoginWorld(t)
  const person = await signedIn(world, `${APP}/`)
  for (const rd of [
    'https://evil.example.net/', '//evil.example.net', 'http://app.example.com/', '/relative', '', `${APP}/_auth/logout`
  ]) {
    t.equal(last(await person.open(`${APP}/_auth/login?rd=${rd}`)).url, `${APP}/`, rd)
  }
})

t.test('only pages of their own: no frame, no script, nothing fetched ahead', async (t) => {
  const { verifier } = await startLoginWorld(t)
  for (const headers of [
    { 'sec-fetch-dest': 'iframe' },
    { 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' },
    { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    { 'sec-purpose': 'prefetch;prerender' }
  ]) {
    for (const path of ['/_auth/login', '/_auth/callback?state=x', '/_auth/logout', '/_auth/logged-out']) {
      const answer = await verifier.ask({ path, headers: { ...STRICT, ...headers } })
      await checkLoginAnswer(t, answer, path)
      t.match(answer, { status: 403, headers: { 'x-forward-auth-reason': 'not_a_page' } })
      t.notOk('location' in answer.headers || 'set-cookie' in answer.headers)
    }
  }
})

/** Stops before the callback. @returns the callback's address */
async function beforeCallback (person: Person, from = `${APP}/_auth/login?rd=${OTHER}/wanted`): Promise<string> {
  const hop = last(await person.open(from, { until: ({ url }) => url.includes('/oauth2/authorize') }))
  return String(hop.headers['location'])
}

t.test('a state', async (t) => {
  const clock = manualClock()
  const world = await startLoginWorld(t, { adapter: { clock, CACHE_TTL: '0' } })
  const asVictim = async (url: string, cookie: string) =>
    await world.verifier.ask({ path: url.slice(APP.length), headers: { ...STRICT, cookie } })
  const refused = async (t: Test, url: string, cookie: string): Promise<void> => {
    const answer = await asVictim(url, cookie)
    await checkLoginAnswer(t, answer, url)
    t.match(answer, { status: 400, headers: { 'x-forward-auth-reason': 'state_unknown' } })
    t.notOk('location' in answer.headers)
  }
  const alice = `session=${world.authgear.controls.signIn('alice').cookie}`

  t.test('that was not sealed here is a page, whatever cookies come', async (t) => {
    const good = createSeal('not the secret of the tests, 32 b').seal('state', stateFor('x'))
    for (const state of ['', 'x', good, `${good}A`, '%00', 'a'.repeat(5000), 'https://evil.example.net/']) {
      await refused(t, `${CALLBACK}?state=${state}`, alice)
    }
    await refused(t, CALLBACK, alice)
  })

  t.test('is a state and nothing else of ours', async (t) => {
    const seal = createSeal(LOGIN.LOGIN_SECRET)
    for (const purpose of ['browser', 'logout'] as const) {
      await refused(t, `${CALLBACK}?state=${seal.seal(purpose, stateFor('x'))}`, alice)
    }
  })

  t.test('accepts neither of two states', async (t) => {
    const { state, cookie } = await begun(world)
    await refused(t, `${CALLBACK}?state=${state}&state=${state}`, `${cookie}; ${alice}`)
  })

  t.test('of another browser is worth no more than a link to /login', async (t) => {
    const url = `${CALLBACK}?state=${(await begun(world)).state}`
    for (const cookie of [alice, `${(await begun(world)).cookie}; ${alice}`]) {
      const answer = await asVictim(url, cookie)
      await checkLoginAnswer(t, answer, url)
      t.match(answer, { status: 302, headers: { 'x-forward-auth-reason': 'sent_to_authgear' } },
        'begins anew, for this browser')
      t.equal(promptOf(answer as Hop), 'none')
    }
  })

  t.test('counts once: used again it restarts the login', async (t) => {
    const { state, cookie } = await begun(world)
    const back = await asVictim(`${CALLBACK}?state=${state}`, `${cookie}; ${alice}`)
    t.match(back, { status: 303, headers: { location: `${OTHER}/wanted` } })
    const next = String(back.headers['set-cookie']).split(';')[0] ?? ''
    t.match(await asVictim(`${CALLBACK}?state=${state}`, `${next}; ${alice}`), {
      status: 302, headers: { 'x-forward-auth-reason': 'sent_to_authgear' }
    })
  })

  t.test('lives ten minutes', async (t) => {
    for (const [later, status] of [[600_000, 303], [600_001, 302]] as const) {
      const { state, cookie } = await begun(world)
      clock.advance(later)
      const answer = await asVictim(`${CALLBACK}?state=${state}`, `${cookie}; ${alice}`)
      t.equal(answer.status, status, `after ${later} ms`)
    }
  })

  t.test('rejects a state from the future', async (t) => {
    const { state, cookie } = await begun(world)
    clock.setWall(NOW - 3_600_000)
    t.equal((await asVictim(`${CALLBACK}?state=${state}`, `${cookie}; ${alice}`)).status, 302)
  })

  t.test('with two cookies of our name, one of which was tossed, counts for nobody', async (t) => {
    const { state, cookie } = await begun(world)
    for (const cookies of [`${cookie}; ${(await begun(world)).cookie}`, `${(await begun(world)).cookie}; ${cookie}`]) {
      t.equal((await asVictim(`${CALLBACK}?state=${state}`, `${cookies}; ${alice}`)).status, 302)
    }
    t.equal((await asVictim(`${CALLBACK}?state=${state}`, `${cookie}; ${alice}`)).status, 303)
  })
})

/** A login of a new browser, which has gone to Authgear: the state, and the cookie that it is bound to. */
async function begun ({ verifier }: LoginWorld): Promise<{ state: string, cookie: string }> {
  const { headers } = await verifier.ask({ path: `/_auth/login?rd=${OTHER}/wanted`, headers: STRICT })
  return {
    state: new URL(String(headers['location'])).searchParams.get('state') ?? '',
    cookie: String(headers['set-cookie']).split(';')[0] ?? ''
  }
}

const stateFor = (browser: string): AuthgearsState => ({
  returnTo: `${OTHER}/wanted`,
  browser,
  mode: 'silent',
  maxAge: undefined,
  locales: undefined,
  restarts: 0,
  issuedAt: NOW
})

t.test('a sealed return address is checked again: LOGIN_ALLOWED_HOSTS may have changed', async (t) => {
  const { verifier, authgear } = await startLoginWorld(t, { adapter: { LOGIN_ALLOWED_HOSTS: undefined } })
  const seal = createSeal(LOGIN.LOGIN_SECRET)
  const browser = { id: 'b', returns: 0, since: Date.now() }
  const state = seal.seal('state', { ...stateFor('b'), issuedAt: Date.now() })
  const cookie = `__Host-forward-auth-login=${seal.seal('browser', browser)}; ` +
    `session=${authgear.controls.signIn('alice').cookie}`
  t.match(await verifier.ask({ path: `/_auth/callback?state=${state}`, headers: { ...STRICT, cookie } }), {
    status: 303, headers: { location: `${APP}/` }
  })
})

t.test('a login that began before LOGIN_SECRET was rotated ends after it', async (t) => {
  const OLD = LOGIN.LOGIN_SECRET
  const [NEW, THIRD] = ['the login secret after rotation, 32', 'a third login secret of tests, 32 b']
  const world = await startLoginWorld(t)
  const { state, cookie } = await begun(world)
  const session = `session=${world.authgear.controls.signIn('alice').cookie}`
  const end = async (login: InProcessOptions, sealed = { state, cookie }) => {
    const resolverUrl = `${world.authgear.url}/_resolver/resolve`
    const options = { AUTHGEAR_ENDPOINT: AUTHGEAR, AUTHGEAR_RESOLVER_URL: resolverUrl, ...LOGIN, ...login }
    const verifier = await startInProcessOver(t, 'HTTP/1.1', makeTls(t), options)
    const path = `/_auth/callback?state=${sealed.state}`
    return await verifier.ask({ path, headers: { ...STRICT, cookie: `${sealed.cookie}; ${session}` } })
  }
  const arrived = { status: 303, headers: { location: `${OTHER}/wanted` } }
  const refused = { status: 400, headers: { 'x-forward-auth-reason': 'state_unknown' } }
  t.match(await end({ LOGIN_SECRET: NEW, LOGIN_SECRET_PREVIOUS: OLD }), arrived)
  t.match(await end({ LOGIN_SECRET: NEW }), refused, 'not without the previous secret')
  t.match(await end({ LOGIN_SECRET: NEW, LOGIN_SECRET_PREVIOUS: THIRD }), refused)
  const seal = createSeal(NEW)
  const sealed = {
    state: seal.seal('state', { ...stateFor('b'), issuedAt: Date.now() }),
    cookie: `__Host-forward-auth-login=${seal.seal('browser', { id: 'b', returns: 0, since: Date.now() })}`
  }
  const first = { LOGIN_SECRET: OLD, LOGIN_SECRET_PREVIOUS: NEW }
  t.match(await end(first, sealed), arrived, 'in the first of two rollouts too')
})

t.test('two tabs at once, neither with a cookie yet: both arrive', async (t) => {
  const world = await startLoginWorld(t)
  const issued = world.authgear.controls.signIn('alice')
  const person = world.person()
  const session = (host: string) => ({
    headers: { cookie: [person.cookies(host), `session=${issued.cookie}`].filter(Boolean).join('; ') }
  })
  const urls: string[] = []
  for (const tab of ['one', 'two']) {
    // both left before the other's cookie came
    const answer = await world.verifier.ask({ path: `/_auth/login?rd=${APP}/${tab}`, headers: STRICT })
    urls.push(String(answer.headers['location']))
    await person.open(`${APP}/_auth/login?rd=${APP}/${tab}`, { until: () => true })
  }
  for (const [i, tab] of ['one', 'two'].entries()) {
    let url = urls[i] ?? ''
    for (let hop = 0; hop < 8 && url !== `${APP}/${tab}`; hop++) {
      const { host } = new URL(url)
      url = String(last(await person.open(url, { ...session(host), until: () => true })).headers['location'])
    }
    t.equal(url, `${APP}/${tab}`)
  }
})

t.test('two tabs at the login page at once: what Authgear does, and what helps', async (t) => {
  const world = await startLoginWorld(t)
  const person = world.person()
  const [one, two] = [last(await person.open(`${APP}/one`)), last(await person.open(`${APP}/two`))]
  const first = await world.signIn(person, one, 'alice')
  t.equal(last(first).url, `${APP}/two`, "the first to sign in arrives at the other's page")
  const stranded = last(await world.signIn(person, two, 'alice'))
  t.match(stranded, { status: 200, body: /Page expired or invalid/ })
  t.equal(new URL(stranded.url).origin, AUTHGEAR, 'a page of Authgear’s')
  t.equal(last(await person.open(`${APP}/one`)).url, `${APP}/one`, 'the address once more, and nobody signs in again')
})

t.test('a browser that blocks cookies gets a page, not an endless redirect', async (t) => {
  const world = await startLoginWorld(t)
  const session = `session=${world.authgear.controls.signIn('alice').cookie}`
  let answer = await world.verifier.ask({ path: `/_auth/login?rd=${OTHER}/wanted`, headers: STRICT })
  let rounds = 0
  while (answer.status === 302) {
    const state = new URL(String(answer.headers['location'])).searchParams.get('state') ?? ''
    answer = await world.verifier.ask({
      path: `/_auth/callback?state=${state}`, headers: { ...STRICT, cookie: session }
    })
    rounds++
  }
  await checkLoginAnswer(t, answer, 'callback')
  t.match(answer, {
    status: 400,
    headers: { 'x-forward-auth-reason': 'cookies_blocked' },
    body: `href="/_auth/login?rd=${OTHER}/wanted"`
  })
  t.equal(rounds, 4)
})

t.test('what Authgear says instead', async (t) => {
  const world = await startLoginWorld(t)
  const rows = [
    ['access_denied', 403, 'login_denied', 'info'],
    ['server_error', 503, 'login_failed', 'warn'],
    ['temporarily_unavailable', 503, 'login_failed', 'warn'],
    ['invalid_request', 403, 'login_misconfigured', 'warn'],
    ['unauthorized_client', 403, 'login_misconfigured', 'warn'],
    ['<script>alert(1)</script>', 403, 'login_misconfigured', 'warn']
  ] as const
  for (const [error, status, reason] of rows) {
    const { state, cookie } = await begun(world)
    const query = new URLSearchParams({ error, error_description: 'evil words', state })
    const answer = await world.verifier.ask({
      path: `/_auth/callback?${query.toString()}`, headers: { ...STRICT, cookie }
    })
    await checkLoginAnswer(t, answer, error)
    t.match(answer, { status, headers: { 'x-forward-auth-reason': reason } }, error)
    t.notMatch(answer.body, /evil words|alert|invalid_request/, 'nothing of it is on the page')
  }
  t.strictSame(
    world.verifier.lines.flatMap(({ authgear }) => authgear ?? []),
    ['access_denied', 'server_error', 'temporarily_unavailable', 'invalid_request', 'unauthorized_client'],
    'the log has the code where it can be one'
  )
})

t.test("where Authgear's cookie does not come here, a page says why: no loop", async (t) => {
  const rows = [
    ['no cookie_domain', { cookieDomain: '' }, 'cookie_missing', /http\.cookie_domain/],
    ['another prefix', { cookiePrefix: 'my_' }, 'cookie_missing', /AUTHGEAR_COOKIE_PREFIX/]
  ] as const
  for (const [what, simulator, reason, says] of rows) {
    const world = await startLoginWorld(t, { simulator })
    const person = world.person()
    const hops = await world.signIn(person, last(await person.open(`${APP}/deep`)), 'alice')
    t.match(last(hops), { status: 403, headers: { 'x-forward-auth-reason': reason }, body: says }, what)
    await checkLoginAnswer(t, last(hops), what)
    t.match(last(await person.open(`${APP}/deep`)), { status: 403, headers: { 'x-forward-auth-reason': reason } },
      'and again when it tries again')
    t.match(
      world.verifier.lines.find((line) => line['reason'] === reason),
      { level: 'warn', host: 'app.example.com', msg: /http\.cookie_domain .*AUTHGEAR_COOKIE_PREFIX .*HTTPS/ },
      'and the operator is told the causes'
    )
  }
})

t.test('reports a host that login cannot return to, with its variable', async (t) => {
  const world = await startLoginWorld(t, { adapter: { LOGIN_ALLOWED_HOSTS: 'c.apps.example.com' } })
  t.equal(last(await world.person().open(`${OTHER}/deep`, { until: ({ status }) => status === 302 })).status, 302)
  t.match(world.verifier.lines.find((line) => line['host'] === 'b.apps.example.com'), {
    level: 'warn', msg: 'a login cannot return to this host: add it to LOGIN_PUBLIC_URL or LOGIN_ALLOWED_HOSTS'
  })
})

t.test('an older session cookie of this host alone stands before Authgear\'s', async (t) => {
  const world = await startLoginWorld(t)
  const person = world.person()
  const stale = {
    ...person,
    open: (url: string) =>
      person.open(url, {
        headers: url.startsWith(AUTHGEAR) ? {} : { cookie: `session=stale; ${person.cookies(new URL(url).host)}` }
      })
  }
  await world.signIn(person, last(await person.open(`${APP}/deep`)), 'alice')
  const login = last(
    await person.open(`${APP}/_auth/login?rd=${APP}/deep`, { until: ({ url }) => url.includes('/oauth2/authorize') })
  )
  const hops = await stale.open(String(login.headers['location']))
  t.match(last(hops), {
    status: 403, headers: { 'x-forward-auth-reason': 'cookie_unknown' }, body: /the app’s own.*http\.cookie_prefix/s
  })
  t.match(world.verifier.lines.find(({ reason }) => reason === 'cookie_unknown'), {
    cookies: '2 cookies session, of which the first counts', check: /AUTHGEAR_COOKIE_PREFIX/
  })
})

t.test('while Authgear cannot be asked: 503, a way to try again, and the state is kept', async (t) => {
  const world = await startLoginWorld(t)
  const person = await signedIn(world, `${APP}/`)
  const url = await beforeCallback(person)
  world.authgear.controls.fail('reset')
  const answer = last(await person.open(url))
  await checkLoginAnswer(t, answer, url)
  t.match(answer, {
    status: 503,
    headers: { 'x-forward-auth-reason': 'login_unavailable', 'retry-after': /^\d+$/ },
    body: '<a href="">Try again</a>'
  })
  world.authgear.controls.recover()
  t.equal(last(await person.open(url)).url, `${OTHER}/wanted`)
})

t.test('stops sending a signed-in user to the login after some rounds', async (t) => {
  const clock = manualClock()
  const world = await startLoginWorld(t, { adapter: { clock } })
  const person = await signedIn(world, `${APP}/`)
  const round = async (): Promise<Hop> => last(await person.open(`${APP}/_auth/login?rd=${OTHER}/loop`))
  let rounds = 1
  while ((await round()).status === 200) if (++rounds > 20) break
  t.equal(rounds, 8, 'returns')
  const page = await round()
  t.equal(page.status, 200, 'Try again is followed')
  clock.advance(60_001)
  for (let i = 0; i < 7; i++) t.equal((await round()).status, 200, 'a minute later it begins to count anew')
})

t.test('a slow line goes round in circles no longer than a fast one', async (t) => {
  const clock = manualClock()
  const world = await startLoginWorld(t, { adapter: { clock } })
  const person = await signedIn(world, `${APP}/`)
  const statuses: number[] = []
  for (let i = 0; i < 8; i++) {
    clock.advance(15_000)
    statuses.push(last(await person.open(`${APP}/_auth/login?rd=${OTHER}/loop`)).status)
  }
  t.strictSame(statuses, [...Array.from({ length: 7 }, () => 200), 403], 'the sign-in was the first of eight')
})

t.test('a callback asks Authgear again instead of using the cache', async (t) => {
  const world = await startLoginWorld(t, { adapter: { CACHE_NEGATIVE_TTL: '10m' } })
  const cookie = world.authgear.controls.signIn('alice').cookie
  world.authgear.controls.fail('no-user-id', 1)
  const headers = { ...STRICT, cookie: `session=${cookie}` }
  t.match(await world.verifier.ask({ headers }),
    { status: 302, headers: { 'x-forward-auth-reason': 'invalid_session' } }, 'a hiccup, remembered for ten minutes')
  const person = world.person()
  const url = await beforeCallback(person)
  const answer = await world.verifier.ask({
    path: url.slice(APP.length).replace(/error=[^&]*&error_description=[^&]*&/, ''),
    headers: { ...headers, cookie: `${person.cookies('app.example.com')}; ${headers.cookie}` }
  })
  t.equal(answer.status, 303)
  t.equal((await world.verifier.ask({ headers })).status, 200, 'and counts for the page too')
})

t.test('what is counted: who is sent to log in, who is refused, and how logins go', async (t) => {
  const world = await startLoginWorld(t)
  const person = await signedIn(world, `${APP}/`)
  for (let i = 0; i < 2; i++) await world.verifier.ask({ headers: STRICT })
  await world.verifier.ask()
  await person.open(`${APP}/_auth/logout`)
  const metrics = await world.verifier.service.metrics.render()
  const count = (labels: string): string | undefined =>
    new RegExp(`^forward_auth_requests_total\\{${labels},source="none"\\} (\\d+)$`, 'm').exec(metrics)?.[1]
  t.equal(count('endpoint="verify",status="302",reason="no_credentials"'), '3')
  t.equal(count('endpoint="verify",status="401",reason="no_credentials"'), '1')
  t.equal(count('endpoint="login",status="302",reason="sent_to_authgear"'), '2')
  t.equal(count('endpoint="login",status="303",reason="sent_back"'), '1')
  t.equal(count('endpoint="login",status="302",reason="signing_out"'), '1')
  t.equal(count('endpoint="login",status="200",reason="signed_out"'), '1')
  t.ok(
    world.verifier.lines.some(
      ({ status, reason, msg }) => status === 302 && reason === 'no_credentials' && msg === 'sent to log in'
    ),
    'and a line says so'
  )
})
