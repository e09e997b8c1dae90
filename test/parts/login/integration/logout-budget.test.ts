import t, { type Test } from 'tap'
import { startInProcess, type InProcess } from '../../../helpers/in-process.ts'
import { metricOf } from '../../../helpers/in-process-on-clock.ts'
import { user } from '../../../helpers/log-entry.ts'
import { STRICT } from '../../../helpers/login-answers.ts'
import { APP, AUTHGEAR, startLoginWorld, type LoginWorld } from '../../../helpers/login-world.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { last } from '../../../helpers/person.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { ask } from '../../../helpers/request.ts'
import { demo } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'

/** Nothing ends while a machine that does twenty other things comes to it. */
const CACHE_TTL = '10m'
const WRITTEN = 'forward_auth_revocations_total{origin="logout"}'

const written = ({ verifier }: LoginWorld): Promise<number> => metricOf(verifier, WRITTEN)

async function sessionOf (world: LoginWorld, user: string): Promise<string> {
  const person = world.person()
  const hops = await world.signIn(person, last(await person.open(`${APP}/`)), user)
  if (last(hops).status !== 200) throw new Error(`cannot sign in: ${last(hops).body}`)
  const pair = person.cookies('app.example.com').split('; ').find((one) => one.startsWith('session='))
  return pair ?? ''
}

type Headers = Readonly<Record<string, string>>

/** @returns the sealed cookie */
async function logOut (t: Test, { verifier }: LoginWorld, cookie: string, headers: Headers = {}): Promise<string> {
  const answer = await verifier.ask({ path: '/_auth/logout', headers: { ...STRICT, ...headers, cookie } })
  t.equal(answer.status, 302, cookie)
  return String(answer.headers['set-cookie']).split(';')[0] ?? ''
}

async function sourceOf ({ port }: Pick<InProcess, 'port'>, cookie: string): Promise<string> {
  const { status, headers } = await ask(port, { path: '/verify', headers: [['Cookie', cookie]] })
  return `${status} ${String(headers['x-forward-auth-source'] ?? headers['x-forward-auth-reason'])}`
}

/** A request's cookies: the session, and junk of every kind that differs in each. */
const withJunk = (session: string, n: number): string => `app_session=junk${n}; app_access_token=junk${n}; ${session}`

t.test('one session with junk beside it writes once a minute, whatever the junk', async (t) => {
  const clock = manualClock()
  const world = await startLoginWorld(t, { adapter: { clock, CACHE_TTL } })
  const session = await sessionOf(world, 'alice')
  for (let n = 0; n < 50; n++) await logOut(t, world, withJunk(session, n), { authorization: `Bearer junk${n}` })
  t.equal(await written(world), 1)
  clock.advance(60_001)
  await logOut(t, world, withJunk(session, 50))
  t.equal(await written(world), 2)
})

t.test('a junk cookie with another person\'s session id leaves that person remembered', async (t) => {
  const world = await startLoginWorld(t, { adapter: { CACHE_TTL } })
  const [id] = demo.bob.cookie.split('.')
  const bob = `session=${demo.bob.cookie}`
  const session = await sessionOf(world, 'alice')
  await sourceOf(world.verifier, bob)
  t.equal(await sourceOf(world.verifier, bob), '200 memory')
  const value = session.slice('session='.length)
  const sent = [
    `app_session=${id}.junk; ${session}`, `app_session=${value}; session=${id}.junk`,
    `session=${id}.junk; app_access_token=${demo.alice.accessToken}`
  ]
  for (const cookie of sent) {
    await logOut(t, world, cookie)
    t.equal(await sourceOf(world.verifier, bob), '200 memory', cookie)
  }
})

/** What a person may send beside the session, by accident or at will. */
const BESIDE: ReadonlyArray<readonly [what: string, cookies: string, authorization?: string | readonly string[]]> = [
  ['nothing', ''],
  ['junk in each other cookie', 'app_session=junk; app_access_token=junk; '],
  ['a junk bearer', '', 'Bearer junk'],
  ['junk everywhere', 'app_session=junk; app_access_token=junk; ', 'Bearer junk'],
  ['an empty cookie', 'app_session=; app_access_token=; '],
  ['a cookie that is too long', `app_session=${'x'.repeat(1100)}; `],
  ['two bearers', '', 'Bearer a,Bearer b'],
  ['two Authorization lines', '', ['Bearer a', 'Bearer b']],
  ['a session id of somebody else', `app_session=${demo.bob.cookie.split('.')[0] ?? ''}.junk; `],
  ['a token that has ended', 'app_access_token=eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJleHAiOjF9.x; ']
]

t.test('a sign-out revokes the session whatever it was sent or stored with', async (t) => {
  for (const [what, cookies, authorization] of BESIDE) {
    const world = await startLoginWorld(t, { adapter: { CACHE_TTL } })
    const session = await sessionOf(world, 'alice')
    const company = ['', 'app_session=junk; ', 'app_access_token=other; ', 'app_session=junk; app_access_token=junk; ']
    const stored = company.map((others) => others + session)
    for (const cookie of stored) await sourceOf(world.verifier, cookie)
    for (const cookie of stored) t.equal(await sourceOf(world.verifier, cookie), '200 memory')
    const headers = { ...STRICT, ...authorization !== undefined && { authorization }, cookie: cookies + session }
    const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => [name, one] as const))
    const { status } = await ask(world.verifier.port, { path: '/_auth/logout', headers: lines })
    t.equal(status, 302, what)
    for (const cookie of stored) t.equal(await sourceOf(world.verifier, cookie), '200 authgear', what)
    t.equal(await written(world), 1, what)
  }
})

t.test('every valid credential is revoked, also where they are of two users', async (t) => {
  const world = await startLoginWorld(t, { adapter: { CACHE_TTL } })
  const session = await sessionOf(world, 'alice')
  const bob = `app_access_token=${demo.bob.accessToken}`
  for (const cookie of [session, bob]) await sourceOf(world.verifier, cookie)
  await logOut(t, world, `${bob}; ${session}`)
  for (const cookie of [session, bob]) t.equal(await sourceOf(world.verifier, cookie), '200 authgear')
  t.equal(await written(world), 2)
})

t.test('seven sessions of a user sign out on both replicas, the eighth is remembered', async (t) => {
  const { port: redisPort } = await startRedis(t)
  const world = await startLoginWorld(t, { adapter: { CACHE_TTL, REDIS_URL: `redis://127.0.0.1:${redisPort}` } })
  const resolverUrl = `${world.authgear.url}/_resolver/resolve`
  const other = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: AUTHGEAR,
    AUTHGEAR_RESOLVER_URL: resolverUrl,
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    CACHE_TTL
  })
  const replicas = [world.verifier, other]
  const bob = `session=${demo.bob.cookie}`
  const sessions: string[] = []
  for (let n = 0; n < 7; n++) sessions.push(await sessionOf(world, 'alice'))
  const sourcesOf = (cookie: string): Promise<string[]> => Promise.all(replicas.map((one) => sourceOf(one, cookie)))
  const isStored = async (cookie: string): Promise<boolean> =>
    (await sourcesOf(cookie)).every((source) => source === '200 memory')
  const eighth = await sessionOf(world, 'alice')
  for (const cookie of [bob, eighth, ...sessions]) await until('both remember it', () => isStored(cookie))
  for (const cookie of sessions) {
    await logOut(t, world, cookie)
    t.equal(await sourceOf(world.verifier, cookie), '200 authgear', 'here at once')
    await until('there too', async () => await sourceOf(other, cookie) === '200 authgear')
  }
  for (const cookie of sessions) {
    for (const replica of replicas) t.equal(await sourceOf(replica, cookie), '200 authgear')
  }
  t.equal(await written(world), 7)
  t.strictSame(await sourcesOf(eighth), ['200 memory', '200 memory'], 'Authgear is not asked about it')
  t.strictSame(await sourcesOf(bob), ['200 memory', '200 memory'], 'nobody else is asked about')
})

t.test('where the log takes no more sign-outs a page says so, and nobody is forgotten', async (t) => {
  const { port: redisPort } = await startRedis(t)
  const world = await startLoginWorld(t, { adapter: { CACHE_TTL, REDIS_URL: `redis://127.0.0.1:${redisPort}` } })
  const log = world.verifier.service.revocations?.revocations
  if (log === undefined) throw new Error('there is a management token')
  const bob = `session=${demo.bob.cookie}`
  const session = await sessionOf(world, 'alice')
  const signedOut = await sessionOf(world, 'alice')
  const sealed = await logOut(t, world, signedOut)
  await until('bob is stored', async () => await sourceOf(world.verifier, bob) === '200 memory')
  while (log.admits('logout')) {
    const junk = Array.from({ length: 50 }, (_, n) => ({ ...user(`u${n}`), origin: 'logout' as const }))
    await Promise.all(junk.map(async (one) => { if (log.admits('logout')) await log.revoke(one) }))
  }
  for (let n = 0; n < 20; n++) {
    const answer = await world.verifier.ask({
      path: '/_auth/logout', headers: { ...STRICT, cookie: withJunk(session, n) }
    })
    t.match(answer, { status: 503, headers: { 'x-forward-auth-reason': 'login_unavailable', 'retry-after': /\d+/ } })
    t.notOk('location' in answer.headers, 'nobody is told that they are signed out')
    t.equal(await sourceOf(world.verifier, bob), '200 memory')
  }
  const back = await world.verifier.ask({ path: '/_auth/logged-out', headers: { ...STRICT, cookie: sealed } })
  t.equal(back.status, 200, 'what an entry covers goes on')
  t.ok(await metricOf(world.verifier, 'forward_auth_revocations_capped_total{origin="logout"}') >= 20)
})

t.test('never says "signed out" without a verdict on the session cookie', async (t) => {
  const world = await startLoginWorld(t, { adapter: { CACHE_TTL: '0' } })
  const session = await sessionOf(world, 'alice')
  world.authgear.controls.fail('silent')
  const answer = await world.verifier.ask({ path: '/_auth/logout', headers: { ...STRICT, cookie: session } })
  t.match(answer, { status: 503, headers: { 'x-forward-auth-reason': 'login_unavailable' } })
})
