import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { createSeal } from '../../../../src/parts/login/flow/state.ts'
import { LOGIN, startInProcess, type InProcess } from '../../../helpers/in-process.ts'
import { checkLoginAnswer, STRICT } from '../../../helpers/login-answers.ts'
import { APP, AUTHGEAR, OTHER, startLoginWorld, type LoginWorld } from '../../../helpers/login-world.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { last, type Hop, type Person } from '../../../helpers/person.ts'
import { startRedis, type RedisServer } from '../../../helpers/redis.ts'
import { ask } from '../../../helpers/request.ts'
import { until } from '../../../helpers/until.ts'
import { PROTOCOLS } from '../../../helpers/in-process-over.ts'

const LOGOUT = `${APP}/_auth/logout`
const path = ({ url }: Hop): string => new URL(url).pathname

async function signIn (world: LoginWorld): Promise<Person> {
  const person = world.person()
  const hops = await world.signIn(person, last(await person.open(`${APP}/`)), 'alice')
  if (last(hops).status !== 200) throw new Error(`cannot sign in: ${last(hops).body}`)
  return person
}

const revoked = async ({ verifier }: LoginWorld): Promise<number> =>
  Number(
    /forward_auth_revocations_total\{origin="logout"\} (\d+)/.exec(await verifier.service.metrics.render())?.[1] ?? 0
  )

for (const protocol of PROTOCOLS) {
  t.test(`out, over ${protocol}`, async (t) => {
    const world = await startLoginWorld(t, { protocol })
    const person = await signIn(world)
    const session = person.cookies('app.example.com')
    const hops = await person.open(LOGOUT, { headers: { 'sec-fetch-site': 'same-origin' } })
    t.strictSame(hops.map((hop) => `${hop.status} ${path(hop)}`),
      ['302 /_auth/logout', '303 /oauth2/end_session', '200 /_auth/logged-out'])
    t.equal(hops[0]?.headers['location'],
      `${AUTHGEAR}/oauth2/end_session?post_logout_redirect_uri=https%3A%2F%2Fapp.example.com%2F_auth%2Flogged-out`)
    for (const hop of hops.filter(({ url }) => url.startsWith(APP))) await checkLoginAnswer(t, hop, hop.url)
    t.match(last(hops).body, /You are signed out/)
    t.notMatch(person.cookies('app.example.com'), /session=|logout=/, 'no cookie of it is left')
    t.equal((await world.verifier.ask({ headers: { cookie: session } })).status, 401, 'nor does a copy count')
    t.match(last(await person.open(`${OTHER}/deep`)), { status: 200, url: `${AUTHGEAR}/login-page` },
      'a deep link asks again')
    t.ok(await revoked(world) > 0)
  })
}

const SAME_SITE = { headers: { 'sec-fetch-site': 'same-site' } }

t.test('switch account: from a 403 through a sign-out to the login, and back', async (t) => {
  const world = await startLoginWorld(t)
  const person = world.person()
  const wanted = `${OTHER}/admin?a=1&b=2`
  await world.signIn(person, last(await person.open(`${OTHER}/`)), 'bob')
  const refused = last(await person.open(wanted))
  t.equal(refused.status, 403)
  const [, href = ''] = /<a href="([^"]+)">Use another account</.exec(refused.body) ?? []
  t.equal(href, `${LOGOUT}?rd=${wanted.replace('&', '&amp;')}`)
  const hops = await person.open(href.replace('&amp;', '&'), SAME_SITE)
  t.strictSame(hops.map((hop) => `${hop.status} ${path(hop)}`), [
    '302 /_auth/logout', '303 /oauth2/end_session', '302 /_auth/logged-out', '302 /_auth/login',
    '303 /oauth2/authorize', '302 /_auth/callback', '302 /oauth2/authorize', '302 /_internals/oauth_entrypoint',
    '302 /authflow/v2/select_account', '200 /login-page'
  ])
  t.notMatch(person.cookies('app.example.com'), /session=|logout=/)
  t.match(last(await world.signIn(person, last(hops), 'alice')), { status: 200, url: wanted })
})

t.test('a sign-out leads to a login only where rd names a page that people may go to', async (t) => {
  const world = await startLoginWorld(t)
  const landOn = async (query: string, sign: boolean): Promise<string> => {
    const person = sign ? await signIn(world) : world.person()
    const { status, url } = last(await person.open(`${LOGOUT}${query}`, SAME_SITE))
    return `${status} ${new URL(url).pathname}`
  }
  for (const query of ['', '?rd=', '?rd=https://evil.example.net/', '?rd=//evil.example.net', `?rd=${LOGOUT}`, '?rd=/x']) {
    t.equal(await landOn(query, true), '200 /_auth/logged-out', query)
  }
  for (const sign of [true, false]) t.equal(await landOn(`?rd=${APP}/x`, sign), '200 /login-page')
  const asked = { headers: { 'sec-fetch-site': 'cross-site' } }
  t.match(last(await world.person().open(`${LOGOUT}?rd=${APP}/x`, asked)), { status: 403, body: /Do you want to sign out/ })
})

t.test('the cookie of a sign-out fits a browser, and keeps an earlier one', async (t) => {
  const world = await startLoginWorld(t)
  const person = await signIn(world)
  const session = person.cookies('app.example.com')
  const out = async (query: string, cookie: string): Promise<string> => {
    const { headers } = await world.verifier.ask({ path: `/_auth/logout${query}`, headers: { ...STRICT, cookie } })
    return String(headers['set-cookie']).split(';')[0] ?? ''
  }
  const opened = (cookie: string): unknown => createSeal(LOGIN.LOGIN_SECRET).open('logout', cookie.split('=')[1] ?? '')
  const long = `${APP}/${'x'.repeat(2000)}`
  const first = await out(`?rd=${long}`, session)
  t.match(opened(first), { signedIn: [{}], returnTo: long })
  t.ok(first.length < 4000, `${first.length} characters`)
  t.match(opened(await out(`?rd=${APP}/x`, first)), { signedIn: [{}], returnTo: `${APP}/x` }, 'of a person without a session')
})

/** What one of several pollers saw, in the order of what happened, not by a clock. */
interface Poll { readonly began: number, readonly status: number, readonly source: string }

t.test("three replicas refuse from the first answer that begins after end_session's", async (t) => {
  const { port: redisPort } = await startRedis(t)
  const shared = { REDIS_URL: `redis://127.0.0.1:${redisPort}`, CACHE_TTL: '30s', refreshAhead: 0.8 }
  const world = await startLoginWorld(t, { adapter: shared })
  const options = {
    AUTHGEAR_ENDPOINT: AUTHGEAR, AUTHGEAR_RESOLVER_URL: `${world.authgear.url}/_resolver/resolve`, ...shared, ...LOGIN
  }
  const replicas = [world.verifier, await startInProcess(t, options), await startInProcess(t, options)]
  const person = await signIn(world)
  const cookie = person.cookies('app.example.com')
  let events = 0
  const pollers = replicas.map((replica) => poller(replica, cookie, () => ++events))
  const each = async (what: string, count: number, is: (poll: Poll) => boolean): Promise<void> =>
    await until(what, () => pollers.every(({ polls }) => polls.filter(is).length >= count))

  await each('all remember the session', 3, ({ status, source }) => status === 200 && source === 'memory')
  const [logout] = await person.open(LOGOUT, {
    headers: { 'sec-fetch-site': 'same-origin' }, until: ({ url }) => url === LOGOUT
  })
  const forgotten = ++events
  // the session is alive until Authgear ends it; what is asked in between must not be remembered
  await each('all ask Authgear', 3, ({ began, source }) => began > forgotten && source === 'authgear')
  const [ended] = await person.open(String(logout?.headers['location']), { until: () => true })
  const over = ++events
  t.equal(ended?.status, 303)
  await each('all were asked afterwards', 5, ({ began }) => began > over)
  await person.open(String(ended?.headers['location']))
  const out = ++events
  await each('and once more after /logged-out', 5, ({ began }) => began > out)
  const polls = (await Promise.all(pollers.map(({ stop }) => stop()))).flat()

  t.strictSame(polls.filter(({ began, status }) => began > over && status !== 401), [], 'nobody passes after it')
  t.strictSame([...new Set(polls.filter(({ began }) => began < forgotten).map(({ status }) => status))], [200],
    'everybody before it')
  const between = polls.filter(({ began }) => began > forgotten && began < over)
  t.ok(between.some(({ status, source }) => status === 200 && source === 'authgear'),
    'and in between who Authgear says')
})

function poller (
  replica: InProcess,
  cookie: string,
  event: () => number
): { polls: Poll[], stop: () => Promise<readonly Poll[]> } {
  const polls: Poll[] = []
  const closing = new AbortController()
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const began = event()
      const { status, headers } = await ask(replica.port, { path: '/verify', headers: [['Cookie', cookie]] })
      polls.push({ began, status, source: String(headers['x-forward-auth-source']) })
      await delay(20)
    }
  }
  const done = run()
  return { polls, stop: async () => { closing.abort(); await done; return polls } }
}

async function sourceOf (world: LoginWorld, cookie: string): Promise<string> {
  const { status, headers } = await world.verifier.ask({ headers: { cookie } })
  return `${status} ${String(headers['x-forward-auth-source'])}`
}

t.test('what is asked within CACHE_TTL and two minutes of the sign-out is not stored', async (t) => {
  const clock = manualClock()
  const world = await startLoginWorld(t, { adapter: { clock, CACHE_TTL: '30s' } })
  const person = await signIn(world)
  const cookie = person.cookies('app.example.com')
  await person.open(LOGOUT, { until: () => true })
  for (let i = 0; i < 3; i++) t.equal(await sourceOf(world, cookie), '200 authgear')
  clock.advance(149_999)
  for (let i = 0; i < 2; i++) t.equal(await sourceOf(world, cookie), '200 authgear', 'to the end of it')
  clock.advance(1)
  t.equal(await sourceOf(world, cookie), '200 authgear')
  t.equal(await sourceOf(world, cookie), '200 memory', 'who then still has not confirmed it is signed in')
})

t.test('who confirms late: what was remembered meanwhile is forgotten by /logged-out', async (t) => {
  const clock = manualClock()
  const world = await startLoginWorld(t, { adapter: { clock, CACHE_TTL: '30s' } })
  const person = await signIn(world)
  const cookie = person.cookies('app.example.com')
  person.forget('same_site_strict')
  const hops = await person.open(LOGOUT)
  t.match(last(hops), { status: 200, url: `${AUTHGEAR}/logout` }, 'without that cookie Authgear asks first')
  clock.advance(150_001)
  await world.verifier.ask({ headers: { cookie } })
  t.equal(await sourceOf(world, cookie), '200 memory')
  const done = await person.send(last(hops).url, {})
  t.match(last(done), { status: 200, url: `${APP}/_auth/logged-out` })
  t.equal((await world.verifier.ask({ headers: { cookie } })).status, 401)
})

t.test('/logged-out revokes once more what the sealed cookie says, and nothing else', async (t) => {
  const clock = manualClock()
  const world = await startLoginWorld(t, { adapter: { clock, CACHE_TTL: '30s' } })
  const person = await signIn(world)
  const [logout] = await person.open(LOGOUT, { until: () => true })
  const sealed = String(logout?.headers['set-cookie']).split(';')[0] ?? ''
  const cookie = person.cookies('app.example.com').split('; ').find((pair) => pair.startsWith('session=')) ?? ''
  clock.advance(150_001)
  await world.verifier.ask({ headers: { cookie } })
  t.equal(await sourceOf(world, cookie), '200 memory')
  const before = await revoked(world)

  const seal = createSeal(LOGIN.LOGIN_SECRET)
  const forged = createSeal('not the secret of the tests, 32 b')
  const digests = { signedIn: [{ userId: 'x', digest: 'x' }], issuedAt: clock.wall() }
  for (const value of [
    '',
    'x',
    seal.seal('browser', digests),
    forged.seal('logout', digests),
    seal.seal('logout', { ...digests, issuedAt: clock.wall() - 600_001 })
  ]) {
    const answer = await world.verifier.ask({
      path: '/_auth/logged-out', headers: { ...STRICT, cookie: `__Host-forward-auth-logout=${value}` }
    })
    await checkLoginAnswer(t, answer, value)
    t.equal(answer.status, 200)
  }
  t.equal(
    (await world.verifier.ask({ path: '/_auth/logged-out', headers: { ...STRICT, cookie: `${sealed}; ${sealed}` } }))
      .status,
    200,
    'one of two is not ours'
  )
  t.equal(await revoked(world), before)
  t.equal(await sourceOf(world, cookie), '200 memory')

  const answer = await world.verifier.ask({ path: '/_auth/logged-out', headers: { ...STRICT, cookie: sealed } })
  t.match(answer.headers['set-cookie'], /^__Host-forward-auth-logout=; Max-Age=0/)
  t.ok(await revoked(world) > before)
  t.equal(await sourceOf(world, cookie), '200 authgear')
  t.notOk(sealed.includes('session'), 'nothing of the session can be read in it')
})

t.test('one session, or one sealed cookie, asked again and again writes once a minute', async (t) => {
  const clock = manualClock()
  const world = await startLoginWorld(t, { adapter: { clock, CACHE_TTL: '30s' } })
  const person = await signIn(world)
  const session = person.cookies('app.example.com')
  const out = async (): Promise<string> => {
    const { status, headers } = await world.verifier.ask({
      path: '/_auth/logout', headers: { ...STRICT, cookie: session }
    })
    t.equal(status, 302)
    return String(headers['set-cookie']).split(';')[0] ?? ''
  }
  const sealed = await out()
  const back = async (): Promise<void> => {
    t.equal(
      (await world.verifier.ask({ path: '/_auth/logged-out', headers: { ...STRICT, cookie: sealed } })).status, 200
    )
  }
  for (let i = 0; i < 20; i++) await out()
  for (let i = 0; i < 20; i++) await back()
  t.equal(await revoked(world), 1, 'nothing was stored since the first')
  clock.advance(60_001)
  await Promise.all(Array.from({ length: 20 }, out))
  t.equal(await revoked(world), 2, '/logout, a minute later')
  clock.advance(150_001)
  await Promise.all(Array.from({ length: 20 }, back))
  t.equal(await revoked(world), 3, '/logged-out, when something may have been stored')
  await out()
  t.equal(await revoked(world), 4, 'and a sign-out that is quiet for longer')
})

t.test('a sign-out that began before CACHE_SECRET was rotated ends after it', async (t) => {
  const [OLD, NEW] = ['the old cache secret, of 32 bytes', 'the new cache secret, of 32 bytes']
  const redis = await startRedis(t)
  const world = await startLoginWorld(t, { adapter: { REDIS_URL: redis.url, CACHE_SECRET: OLD } })
  const newest = async () => {
    const [[, fields = []] = []] = await redis.cli('XREVRANGE', await streamOf(redis), '+', '-', 'COUNT', '1') as [[
      string, string[]
    ]]
    const field = (name: string): string => fields[fields.indexOf(name) + 1] ?? ''
    return { kind: field('kind'), value: field('value'), secret: field('secret') }
  }
  await until('it follows', () => world.verifier.service.redisState() === 'up')
  const person = await signIn(world)
  const [logout] = await person.open(LOGOUT, { until: () => true })
  const sealed = String(logout?.headers['set-cookie']).split(';')[0] ?? ''
  const began = await newest()
  t.match(began, { kind: 'credential' })
  for (const [secrets, expected] of [
    [{ CACHE_SECRET: NEW, CACHE_SECRET_PREVIOUS: OLD }, began],
    [{ CACHE_SECRET: NEW }, { kind: 'user' }]
  ] as const) {
    const resolverUrl = `${world.authgear.url}/_resolver/resolve`
    const options = {
      AUTHGEAR_ENDPOINT: AUTHGEAR, AUTHGEAR_RESOLVER_URL: resolverUrl, ...LOGIN, REDIS_URL: redis.url, ...secrets
    }
    const replica = await startInProcess(t, options)
    await until('it follows', () => replica.service.redisState() === 'up')
    const length = await redis.cli('XLEN', await streamOf(redis))
    const headers = Object.entries({ ...STRICT, cookie: sealed })
    t.equal((await ask(replica.port, { path: '/_auth/logged-out', headers })).status, 200)
    t.equal(await redis.cli('XLEN', await streamOf(redis)), Number(length) + 1)
    t.match(await newest(), expected, 'under the secret of its digest, or the user where that is gone')
  }
})

const streamOf = async (redis: RedisServer): Promise<string> =>
  (await redis.cli('KEYS', '*:stream') as string[])[0] ?? ''

t.test('another site cannot sign anybody out', async (t) => {
  const world = await startLoginWorld(t)
  const person = await signIn(world)
  const cookie = person.cookies('app.example.com')
  for (const site of ['cross-site', 'Same-Origin', 'same-origin, none', 'x', '']) {
    const answer = await world.verifier.ask({
      path: '/_auth/logout', headers: { ...STRICT, 'sec-fetch-site': site, cookie }
    })
    await checkLoginAnswer(t, answer, site)
    t.match(answer,
      { status: 403, headers: { 'x-forward-auth-reason': 'cross_site' }, body: '<a href="">Sign out</a>' }, site)
  }
  t.equal(await revoked(world), 0)
  t.equal(await sourceOf(world, cookie), '200 memory')
  for (const site of ['same-origin', 'same-site', 'none']) {
    t.equal(
      (await world.verifier.ask({ path: '/_auth/logout', headers: { ...STRICT, 'sec-fetch-site': site, cookie } }))
        .status,
      302,
      site
    )
  }
  const { 'sec-fetch-site': _, ...silent } = STRICT
  t.equal((await world.verifier.ask({ path: '/_auth/logout', headers: { ...silent, cookie } })).status, 302,
    'browsers that do not say')
})

t.test('an anonymous user goes on to Authgear, and leaves nothing in the log', async (t) => {
  const world = await startLoginWorld(t)
  for (const cookie of [
    '', 'session=junk.junk', 'app_session=junk', `session=${'x'.repeat(2000)}`, 'app_access_token=junk'
  ]) {
    const answer = await world.verifier.ask({
      path: '/_auth/logout', headers: { ...STRICT, ...(cookie !== '' && { cookie }) }
    })
    await checkLoginAnswer(t, answer, cookie)
    t.equal(answer.status, 302)
    t.notOk('set-cookie' in answer.headers)
  }
  t.equal(await revoked(world), 0)
  t.match(last(await world.person().open(LOGOUT)), { status: 200 })
})

t.test('while Authgear is unreachable no page says that the user is signed out', async (t) => {
  const world = await startLoginWorld(t, { adapter: { CACHE_TTL: '0' } })
  const person = await signIn(world)
  const cookie = person.cookies('app.example.com')
  world.authgear.controls.fail('reset')
  const answer = await world.verifier.ask({ path: '/_auth/logout', headers: { ...STRICT, cookie } })
  await checkLoginAnswer(t, answer, 'logout')
  t.match(answer, { status: 503, headers: { 'x-forward-auth-reason': 'login_unavailable' } })
  t.equal(await revoked(world), 0)
})

t.test('with an own end page no cookie is set, and Authgear leads to that page', async (t) => {
  const LOGOUT_REDIRECT_URI = 'https://www.example.com/bye?x=1'
  const world = await startLoginWorld(t, { adapter: { LOGOUT_REDIRECT_URI } })
  const person = await signIn(world)
  const [logout] = await person.open(LOGOUT, { until: () => true })
  t.equal(logout?.headers['location'],
    `${AUTHGEAR}/oauth2/end_session?post_logout_redirect_uri=https%3A%2F%2Fwww.example.com%2Fbye%3Fx%3D1`)
  t.notOk('set-cookie' in (logout?.headers ?? {}))
  t.ok(await revoked(world) > 0)
})
