import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import {
  APP, WIKI, cookieName, isCallback, sessionCookie, sessionsSet, signedIn, startOwnWorld, type OwnWorld,
  type OwnWorldOptions
} from '../../../helpers/own-session-world.ts'
import { claimsOf } from '../../../../src/base/core/token-expiry.ts'
import type { InProcess } from '../../../helpers/in-process.ts'
import { last, type Hop, type Person } from '../../../helpers/person.ts'
import { startRedis, type RedisServer } from '../../../helpers/redis.ts'
import { ask } from '../../../helpers/request.ts'
import { demo } from '../../../helpers/simulator.ts'
import { KEYS, KID, signed } from '../../../helpers/token-issuer.ts'
import { until } from '../../../helpers/until.ts'
import { disabledEvent, sign, WEBHOOK_SECRET } from '../../../helpers/webhook.ts'

/** Longer than CACHE_TTL: what ends without a word is seen after it. */
const TTL_MS = 31_000

/** The UUID in the `sid` of the newest session. */
function grantOf ({ relay }: OwnWorld): string {
  const call = relay.calls.findLast(({ form }) => form['grant_type'] === 'authorization_code')
  const sid = String(claimsOf(String(call?.answer['id_token']))?.['sid'])
  return Buffer.from(sid, 'base64url').toString().replace('offline_grant:', '')
}

/** Alice, known to both replicas of one Redis. */
async function aliceOnTwo (t: Test, options: OwnWorldOptions = {}) {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis, replicas: 2, ...options })
  const person = await signedIn(world)
  const value = sessionCookie(person) ?? ''
  for (const replica of world.replicas) t.equal(await world.byCookie(value, APP, replica), 'alice')
  const [, second] = world.replicas
  const overAt = (replica = second, advanceMs = 0): Promise<void> => until('it is over there', async () => {
    world.clock.advance(advanceMs)
    return /^401/.test(await world.byCookie(value, APP, replica))
  })
  return { redis, world, person, value, second, overAt }
}

const TROUBLES = {
  paused: [(redis: RedisServer) => redis.pause(), (redis: RedisServer) => redis.resume()],
  gone: [(redis: RedisServer) => redis.stop(), (redis: RedisServer) => redis.restart()]
} as const
const LONG = { adapter: { CACHE_TTL: '10m' } } as const
const IMPATIENT = { adapter: { REDIS_TIMEOUT: '100ms' } } as const
const isLogout = ({ url }: Pick<Hop, 'url'>): boolean => new URL(url).pathname === '/_auth/logout'

const refreshTokenOf = ({ relay }: OwnWorld): string =>
  String(relay.calls.findLast(({ answer }) => 'refresh_token' in answer)?.answer['refresh_token'])

const authgearSession = (world: OwnWorld, person: Person): string => {
  const pairs = person.cookies(new URL(world.relay.url).host).split('; ')
  return pairs.find((pair) => pair.startsWith('session='))?.slice('session='.length) ?? ''
}

/** Rows of what ends a session at Authgear (docs/inside/authgear.md, "Sessions of apps"). */
const ENDED: ReadonlyArray<readonly [string, (world: OwnWorld, person: Person) => unknown]> = [
  ['the user is disabled', ({ authgear }) => authgear.controls.disable('alice')],
  ['the user is disabled and enabled again', ({ authgear }) => {
    authgear.controls.disable('alice')
    authgear.controls.enable('alice')
  }],
  ['all sessions of the user are revoked', ({ authgear }) => authgear.controls.revokeSessions('alice')],
  ['this session is revoked', (world) => world.authgear.controls.endGrant(grantOf(world))],
  ['the browser signs out at Authgear', (world, person) =>
    world.authgear.controls.signOut(authgearSession(world, person))],
  ['Authgear\'s own session ends by its idle time-out', (world, person) =>
    world.authgear.controls.expireCookie(authgearSession(world, person))],
  ['its refresh token is revoked', async (world) => {
    const body = new URLSearchParams({ token: refreshTokenOf(world) })
    await fetch(`${world.authgear.url}/oauth2/revoke`, { method: 'POST', body })
  }],
  ['the browser signs in as somebody else, by another app', async (world, person) => {
    const query = new URLSearchParams({
      client_id: 'web',
      response_type: 'none',
      scope: 'openid',
      redirect_uri: `${WIKI}/_auth/callback`,
      prompt: 'login'
    })
    const hops = await person.open(`${world.relay.url}/oauth2/authorize?${query.toString()}`)
    await person.send(last(hops).url, { user: 'bob' }, { until: isCallback })
  }],
  ['the account is outside its window', ({ authgear }) => authgear.controls.setOutsideValidity('alice', true)]
]

for (const [what, end] of ENDED) {
  t.test(`a session is over on all replicas when ${what}`, async (t) => {
    const { redis, world, person, value } = await aliceOnTwo(t)
    await end(world, person)
    await redis.elapse(TTL_MS)
    world.clock.advance(TTL_MS)
    for (const replica of world.replicas) t.match(await world.byCookie(value, APP, replica), /^401/)
    // past the access token's life, where a refresh might make it good again
    world.clock.advance(300_000)
    for (const replica of world.replicas) t.match(await world.byCookie(value, APP, replica), /^401/)
    const fresh = await world.start({ machine: 'fresh' })
    t.match(await world.byCookie(value, APP, fresh), /^401/, 'also where it was never known')
  })
}

t.test('a webhook ends all sessions of its user at once, on all replicas', async (t) => {
  const redis = await startRedis(t)
  const adapter = { CACHE_TTL: '10m', AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET }
  const world = await startOwnWorld(t, { redis, replicas: 2, adapter })
  const [alice, bob] = [await signedIn(world), await signedIn(world, 'bob')]
  for (const replica of world.replicas) t.equal(await world.who(alice, APP, replica), 'alice')
  world.authgear.controls.disable('alice')
  const event = disabledEvent(demo.alice.id)
  const told = await ask(world.replicas[0]?.port ?? 0, {
    method: 'POST', path: '/webhook', body: event, headers: [['x-authgear-body-signature', sign(event)]]
  })
  t.equal(told.status, 204)
  t.match(await world.who(alice), /^401/)
  const [, second] = world.replicas
  await until('the other replica knows it', async () => /^401/.test(await world.who(alice, APP, second)))
  t.equal(await world.who(bob), 'bob')
})

t.test('another browser\'s session lives on when one is revoked', async (t) => {
  const world = await startOwnWorld(t)
  const other = await signedIn(world)
  const person = await signedIn(world)
  world.authgear.controls.endGrant(grantOf(world))
  world.clock.advance(TTL_MS)
  t.match(await world.who(person), /^401/)
  t.equal(await world.who(other), 'alice')
})

t.test('a sign-out ends it here, on other replicas, at Authgear and in its other apps', async (t) => {
  const redis = await startRedis(t)
  // the log alone can tell the other replica within such a TTL
  const world = await startOwnWorld(t, { redis, replicas: 2, adapter: { CACHE_TTL: '10m' } })
  const person = await signedIn(world)
  await world.signIn(person, `${WIKI}/`)
  const [app, wiki] = [sessionCookie(person) ?? '', sessionCookie(person, WIKI) ?? '']
  const refreshTokens = world.relay.calls.map(({ answer }) => String(answer['refresh_token']))
  for (const replica of world.replicas) {
    t.equal(await world.byCookie(app, APP, replica), 'alice')
    t.equal(await world.byCookie(wiki, WIKI, replica), 'alice')
  }
  const hops = await person.open(`${APP}/_auth/logout`)
  t.ok(hops.every(({ url }) => !url.startsWith(`${world.relay.url}/logout`)), 'no page asks whether to')
  t.match(await world.byCookie(app), /^401/, 'at once')
  const [, second] = world.replicas
  await until('the other replica knows it', async () => /^401/.test(await world.byCookie(app, APP, second)))
  for (const token of refreshTokens) {
    const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'web', refresh_token: token })
    const answer = await fetch(`${world.authgear.url}/oauth2/token`, { method: 'POST', body })
    t.equal(answer.status, 400, 'no grant is left at Authgear')
  }
  world.clock.advance(10 * 60_000 + 1000)
  for (const replica of world.replicas) t.match(await world.byCookie(wiki, WIKI, replica), /^401/)
})

/** Who sends a browser to the sign-out. */
const NOT_THE_PERSON: ReadonlyArray<readonly [string, Readonly<Record<string, string>>]> = [
  ['another site\'s link', { 'sec-fetch-site': 'cross-site' }],
  ['an image', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', 'sec-fetch-site': 'cross-site' }],
  ['a frame', { 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' }],
  ['a script', { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'cross-site' }],
  ['a prefetch', { 'sec-purpose': 'prefetch' }]
]

for (const [what, headers] of NOT_THE_PERSON) {
  t.test(`sign-out CSRF: ${what} signs nobody out`, async (t) => {
    const world = await startOwnWorld(t)
    const person = await signedIn(world)
    for (const path of ['/_auth/logout', `/_auth/logout?rd=${APP}/`, '/_auth/logged-out', '/_auth/logged-out?state=x']) {
      await person.open(`${APP}${path}`, { headers, until: () => true })
      t.equal(await world.who(person), 'alice', path)
    }
    t.ok(sessionCookie(person) !== undefined)
  })
}

t.test('another user\'s return from a sign-out ends no other session', async (t) => {
  const world = await startOwnWorld(t)
  const [victim, attacker] = [await signedIn(world), await signedIn(world, 'bob')]
  const hops = await attacker.open(`${APP}/_auth/logout`)
  const back = hops.find(({ url }) => new URL(url).pathname === '/_auth/logged-out')
  t.not(back, undefined)
  await victim.open(back?.url ?? '')
  t.equal(await world.who(victim), 'alice')
})

t.test('a sign-out beside a bearer ends the cookie\'s session too', async (t) => {
  const world = await startOwnWorld(t)
  for (const authorization of [
    'Bearer refused', `Bearer ${world.authgear.controls.signIn('bob').accessToken}`, 'Bearer a, Bearer b', 'Basic YTpi'
  ]) {
    const person = await signedIn(world)
    const value = sessionCookie(person) ?? ''
    await person.open(`${APP}/_auth/logout`, { headers: { authorization }, until: isLogout })
    t.match(await world.byCookie(value), /^401/, authorization.slice(0, 20))
  }
})

for (const [trouble, [begin, end]] of Object.entries(TROUBLES)) {
  t.test(`a sign-out while Redis is ${trouble} either says so, or holds`, async (t) => {
    const { redis, world, person, value, overAt } = await aliceOnTwo(t, IMPATIENT)
    await begin(redis)
    const { status } = last(await person.open(`${APP}/_auth/logout`, { until: isLogout }))
    if (status === 302) t.match(await world.byCookie(value), /^(?:401|503)/, 'where it was ended, at once')
    else t.equal(status, 503, 'a page says: try again')
    await end(redis)
    if (status === 302) for (const replica of world.replicas) await overAt(replica, 1000)
  })

  t.test(`a step-up while Redis is ${trouble} leaves no old cookie behind`, async (t) => {
    const { redis, world, person, value: old, second, overAt } = await aliceOnTwo(t, IMPATIENT)
    world.clock.advance(100_000)
    const { url } = last(await person.open(`${APP}/secret`))
    await begin(redis)
    await person.send(url.replace('/authflow/v2/select_account', '/reauth'), {})
    await end(redis)
    if (sessionCookie(person) === old) return t.pass('nothing was begun')
    t.match(await world.byCookie(old), /^(?:401|503)/, 'where it was ended')
    await overAt(second, 1000)
    t.match(await world.byCookie(old), /^401/)
  })
}

/** Redis evicted them, or came back without: what was resolved of them is another memory. */
async function loseRecords (redis: RedisServer): Promise<void> {
  for (const key of await redis.cli('KEYS', 'test:own:*') as string[]) await redis.cli('DEL', key)
}

/** Rows of what a person does in a browser whose session's record is lost. */
const AFTER_A_LOSS: ReadonlyArray<readonly [string, string]> = [
  ['a sign-out', `${APP}/_auth/logout`],
  ['a login in its place', `${APP}/_auth/login?rd=${APP}/`]
]

for (const [what, url] of AFTER_A_LOSS) {
  t.test(`after ${what} a cookie without its record is refused on every replica`, async (t) => {
    const { redis, world, person, value, overAt } = await aliceOnTwo(t, LONG)
    await loseRecords(redis)
    await person.open(url)
    t.not(sessionCookie(person), value)
    t.match(await world.byCookie(value), /^401/, 'at once')
    await overAt()
  })
}

t.test('a sign-out holds for a lost record also at a replica that never saw the cookie', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis, replicas: 2, adapter: { CACHE_TTL: '10m' } })
  const [, second] = world.replicas
  const person = world.person(() => second as InProcess)
  await world.signIn(person, `${APP}/`)
  const value = sessionCookie(person) ?? ''
  await until('Redis has it', async () => (await redis.cli('KEYS', 'test:*:entry') as string[]).length > 0)
  t.equal(await world.byCookie(value, APP, second), 'alice')
  await loseRecords(redis)
  const headers = { cookie: `${cookieName(APP)}=${value}` }
  t.equal(last(await world.person().open(`${APP}/_auth/logout`, { headers, until: () => true })).status, 302)
  await until('that one knows it', async () => /^401/.test(await world.byCookie(value, APP, second)))
})

t.test('without Redis a sign-out holds for a cookie whose record others pushed out', async (t) => {
  // room for some six hundred records
  const world = await startOwnWorld(t, { adapter: { CACHE_MAX_MEMORY: '1m', LOGIN_SSO: 'off' } })
  const person = await signedIn(world)
  const value = sessionCookie(person) ?? ''
  // one user alone would push out none but their own
  const others = Array.from({ length: 7 }, (_, n) => `other-${n}`)
  for (const name of others) world.authgear.controls.addUser({ id: `0000000${name.at(-1)}-other`, name })
  for (let n = 0; n < 700; n++) {
    await signedIn(world, others[n % others.length])
    if (await world.byCookie(value) !== 'alice') t.fail('its resolution is remembered')
  }
  await person.open(`${APP}/_auth/logout`, { until: () => true })
  t.match(await world.byCookie(value), /^401/)
})

const signOutsWritten = async ({ replicas: [replica] }: OwnWorld): Promise<number> => {
  const text = await replica?.service.metrics.render() ?? ''
  return Number(/^forward_auth_revocations_total\{origin="logout"\} (\d+)/m.exec(text)?.[1] ?? 0)
}

t.test('a sign-out with junk cookies gives the log no line', async (t) => {
  const world = await startOwnWorld(t)
  const stranger = world.person()
  for (let n = 0; n < 10; n++) {
    const cookie = Array.from({ length: 4 }, () => `${cookieName(APP)}=${randomBytes(32).toString('base64url')}`)
    const headers = { cookie: cookie.join('; ') }
    t.equal(last(await stranger.open(`${APP}/_auth/logout`, { headers, until: () => true })).status, 302)
  }
  t.equal(await signOutsWritten(world), 0)
})

/** Of one user's sign-outs, within a minute and on one replica (docs/inside/revocation-rules.md, "Bounds"). */
const MOST_LINES = 22

t.test('however many sessions one person ends, the log has 22 lines of it a minute', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis, adapter: { LOGIN_SSO: 'off', CACHE_TTL: '10m' } })
  const bob = await signedIn(world, 'bob')
  t.equal(await world.who(bob), 'bob')
  const cookies: string[] = []
  for (let n = 0; n < 24; n++) cookies.push(sessionCookie(await signedIn(world)) ?? '')
  for (const cookie of cookies) t.equal(await world.byCookie(cookie), 'alice')
  const asked = world.authgear.counters.resolutions
  await Promise.all(Array.from({ length: 6 }, (_, n) => {
    const cookie = cookies.slice(4 * n, 4 * n + 4).map((value) => `${cookieName(APP)}=${value}`).join('; ')
    return world.person().open(`${APP}/_auth/logout`, { headers: { cookie }, until: () => true })
  }))
  const lines = await signOutsWritten(world)
  t.ok(lines > 10 && lines <= MOST_LINES, String(lines))
  for (const cookie of cookies) t.match(await world.byCookie(cookie), /^401/)
  t.equal(await world.who(bob), 'bob')
  t.equal(world.authgear.counters.resolutions, asked, 'nothing of others is void')
})

t.test('a refresh under way while its person signs out brings nothing back', async (t) => {
  for (const [rotation, at] of [[false, 0], [false, 1], [true, 0]] as const) {
    const { world, person, value, overAt } = await aliceOnTwo(t, { client: { rotation } })
    world.clock.advance(310_000)
    const gate = world.relay.holdAnswers()
    // the access token has ended: this one waits for its refresh
    const late = world.byCookie(value, APP, world.replicas[at])
    await gate.arrived(1)
    await person.open(`${APP}/_auth/logout`, { until: isLogout })
    gate.release()
    t.match(await late, at === 1 ? /^401/ : /^(?:401|503)/, 'also who asked before it')
    for (const replica of world.replicas) await overAt(replica)
    world.clock.advance(TTL_MS)
    const fresh = await world.start({ machine: 'fresh' })
    for (const replica of [...world.replicas, fresh]) t.match(await world.byCookie(value, APP, replica), /^401/)
  }
})

t.test('a refresh under way while a purge ends the session brings nothing back', async (t) => {
  const { world, value } = await aliceOnTwo(t)
  world.clock.advance(310_000)
  const gate = world.relay.holdAnswers()
  const late = world.byCookie(value)
  await gate.arrived(1)
  world.authgear.controls.disable('alice')
  gate.release()
  await late
  world.clock.advance(TTL_MS)
  for (const replica of world.replicas) t.match(await world.byCookie(value, APP, replica), /^401/)
})

/** A step-up at the page that wants a fresh sign-in. */
async function stepUp (world: OwnWorld, person: Person, user = 'alice') {
  const hops = await person.open(`${APP}/secret`)
  const { url } = last(hops)
  if (!url.startsWith(world.relay.url)) return hops
  // the page that asks the same person again, or the login page
  if (url.includes('/login-page')) return [...hops, ...await person.send(url, { user })]
  return [...hops, ...await person.send(url.replace('/authflow/v2/select_account', '/reauth'), {})]
}

t.test('a step-up lets the same person in by a new cookie; the old one is over', async (t) => {
  const { world, person, value: old, overAt } = await aliceOnTwo(t, LONG)
  world.clock.advance(100_000)
  const hops = await stepUp(world, person)
  t.match(last(hops), { url: `${APP}/secret`, status: 200 })
  t.not(sessionCookie(person), old)
  t.match(await world.byCookie(old), /^401/, 'on this replica at once')
  await overAt()
  for (const replica of world.replicas) t.equal(await world.who(person, APP, replica), 'alice')
  const fresh = await world.start({ machine: 'fresh' })
  t.match(await world.byCookie(old, APP, fresh), /^401/)
  t.equal(await world.who(person, APP, fresh), 'alice')
})

t.test('eight step-ups of one person are eight lines in the log', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis, adapter: { CACHE_TTL: '10m' } })
  const browsers: Person[] = []
  for (let n = 0; n < 8; n++) browsers.push(await signedIn(world))
  const old = browsers.map((person) => sessionCookie(person) ?? '')
  for (const cookie of old) t.equal(await world.byCookie(cookie), 'alice')
  world.clock.advance(100_000)
  for (const person of browsers) t.match(last(await stepUp(world, person)), { url: `${APP}/secret`, status: 200 })
  for (const cookie of old) t.match(await world.byCookie(cookie), /^401/)
  for (const person of browsers) t.equal(await world.who(person), 'alice')
  t.equal(await signOutsWritten(world), browsers.length)
})

t.test('a step-up with another account changes no session and is refused', async (t) => {
  const world = await startOwnWorld(t, { adapter: { LOGIN_SSO: 'off' } })
  const person = await signedIn(world)
  world.clock.advance(100_000)
  // Authgear's own session is over and the app's lives on, so it shows its login page
  world.authgear.controls.expireCookie(authgearSession(world, person))
  const hops = await stepUp(world, person, 'bob')
  t.notMatch(last(hops).body, /for bob/)
  t.not(await world.who(person), 'bob')
})

t.test('a step-up whose auth_time is not new is refused', async (t) => {
  const world = await startOwnWorld(t)
  const HEADER = { alg: 'RS256', kid: KID, typ: 'JWT' }
  const person = await signedIn(world)
  const authTime = Math.floor(world.clock.wall() / 1000)
  world.clock.advance(100_000)
  world.relay.edit((answer) => {
    const { id_token: idToken } = answer
    return typeof idToken === 'string'
      ? { ...answer, id_token: signed({ ...claimsOf(idToken), auth_time: authTime }, HEADER, KEYS.privateKey) }
      : answer
  })
  const hops = await stepUp(world, person)
  t.not(last(hops).status, 200)
  t.notMatch(await world.who(person), /^(?!alice|401)/)
})

t.test('a yes at the login and nothing at the resolver makes no endless way', async (t) => {
  const world = await startOwnWorld(t)
  world.authgear.controls.fail('silent')
  const person = world.person()
  const hops = await world.signIn(person, `${APP}/`)
  t.notMatch(last(hops).body, /for alice/)
  const again = await person.open(`${APP}/`)
  const all = [...hops, ...again]
  const sent = all.filter(({ url }) => url.startsWith(`${world.relay.url}/oauth2/authorize`))
  t.ok(sent.length <= 8, `sent to Authgear ${sent.length} times without a click`)
  t.ok(sessionsSet(all).length <= 8)
})

t.test('a browser without cookies ends at a page', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  const without = { headers: { cookie: person.cookies(new URL(world.relay.url).host) } }
  const hops = await person.open(`${APP}/`, without)
  t.ok(last(hops).status >= 400)
  t.ok(hops.filter(({ url }) => url.includes('/oauth2/authorize')).length <= 8)
})
