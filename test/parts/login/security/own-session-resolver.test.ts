import t from 'tap'
import { metricOf } from '../../../helpers/in-process-on-clock.ts'
import { APP, sessionCookie, signedIn, startOwnWorld, type OwnWorld } from '../../../helpers/own-session-world.ts'
import { last, type Person } from '../../../helpers/person.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { until } from '../../../helpers/until.ts'

t.test('a resolver that rejects all tokens for a while ends no session with a grant', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const { controls } = world.authgear
  await world.signIn(person, `${APP}/`)
  world.clock.advance(31_000)
  controls.fail('silent')
  t.equal(await world.who(person), '503 authgear_unavailable')
  t.match(world.replicas[0]?.lines.at(-1), { error: { code: 'AUTHGEAR_GARBAGE', message: /disagree/ } })
  const { refreshes } = controls.tokens
  t.equal(await world.who(person), '503 authgear_unavailable')
  t.equal(controls.tokens.refreshes, refreshes, 'for a moment it is not refreshed again')
  world.clock.advance(2000)
  t.equal(await world.who(person), '503 authgear_unavailable')
  t.ok(controls.tokens.refreshes > refreshes, 'and then it is')
  t.equal(controls.tokens.refused, 0, 'Authgear never said invalid_grant')
  controls.recover()
  world.clock.advance(2000)
  t.equal(await world.who(person), 'alice', 'all is well with the right one')
  t.equal(await metricOf(world.replicas[0] as never, 'forward_auth_own_sessions'), 1)
})

/** Longer than CACHE_TTL. */
const TTL_MS = 31_000

const taken = async ({ replicas: [first] }: OwnWorld): Promise<number> =>
  await metricOf(first as never, 'forward_auth_own_sessions_ended_total{reason="another_user"}')

/** From now on the token endpoint gives the access tokens of these users in the place of its own, one after another. */
function mixUp ({ authgear, relay }: OwnWorld, ...users: readonly string[]): void {
  const tokens = users.map((user) => authgear.controls.signIn(user).accessToken)
  relay.edit((answer) => {
    const token = tokens.shift()
    return token !== undefined && 'access_token' in answer ? { ...answer, access_token: token } : answer
  })
}

t.test('an access token that twice is the same other user\'s ends the session everywhere', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis, replicas: 2, adapter: { CACHE_TTL: '10m' } })
  const [, second] = world.replicas
  const person = await signedIn(world)
  const value = sessionCookie(person) ?? ''
  for (const replica of world.replicas) t.equal(await world.byCookie(value, APP, replica), 'alice')
  mixUp(world, 'bob', 'bob')
  // its access token has ended: this one waits for a new one
  world.clock.advance(601_000)
  t.equal(await world.byCookie(value), '401 invalid_session')
  t.equal(await taken(world), 1)
  const [line] = world.replicas[0]?.lines.filter(({ msg }) => /another user's/.test(String(msg))) ?? []
  t.match(line, { level: 'warn' })
  t.notMatch(JSON.stringify(world.replicas[0]?.lines), /invalid_grant|UNFORESEEN/)
  await until('the other replica knows it', async () =>
    await world.byCookie(value, APP, second) === '401 invalid_session')
  world.relay.edit(undefined)
  await world.signIn(person, `${APP}/`)
  t.equal(await world.who(person), 'alice', 'a login makes it good')
})

t.test('one answer of the resolver\'s about another user ends nothing', async (t) => {
  const world = await startOwnWorld(t)
  const person = await signedIn(world)
  mixUp(world, 'bob')
  world.clock.advance(301_000)
  t.equal(await world.who(person), 'alice', 'the next token is the right one')
  t.equal(await taken(world), 0)
})

t.test('a resolver that names everybody wrongly is a 503, and ends nothing', async (t) => {
  const world = await startOwnWorld(t)
  const person = await signedIn(world)
  mixUp(world, 'bob', 'anonymous')
  world.clock.advance(301_000)
  t.equal(await world.who(person), '503 authgear_unavailable')
  t.match(world.replicas[0]?.lines.at(-1), { error: { code: 'ANOTHER_USER' } })
  t.equal(await taken(world), 0)
  world.clock.advance(TTL_MS)
  t.equal(await world.who(person), 'alice', 'and it lives')
})

t.test('a cache on the way that names one user for all ends nobody\'s session', async (t) => {
  const world = await startOwnWorld(t)
  const people: Person[] = []
  for (let n = 0; n < 5; n++) people.push(await signedIn(world))
  const bob = world.person()
  await world.signIn(bob, `${APP}/`, 'bob')
  world.clock.advance(TTL_MS)
  world.relay.cacheForAll(true)
  t.equal(await world.who(bob), 'bob', 'his answer is kept on the way')
  for (const person of people) t.equal(await world.who(person), '503 authgear_unavailable')
  t.equal(await taken(world), 0)
  world.relay.cacheForAll(false)
  world.clock.advance(TTL_MS)
  for (const person of people) t.equal(await world.who(person), 'alice', 'and all go on')
})

for (const failure of ['error', 'rate-limited', 'redirect', 'reset'] as const) {
  t.test(`another user's token ends nothing while the token endpoint says ${failure}`, async (t) => {
    const world = await startOwnWorld(t)
    const person = await signedIn(world)
    mixUp(world, 'bob')
    world.clock.advance(301_000)
    const gate = world.authgear.controls.hold()
    const who = world.who(person)
    await gate.arrived(1)
    world.authgear.controls.tokens.fail(failure)
    gate.release()
    t.match(await who, /^503 /)
    t.equal(await taken(world), 0)
    world.authgear.controls.tokens.recover()
    world.clock.advance(TTL_MS)
    t.equal(await world.who(person), 'alice')
  })
}

t.test('a login whose ID token is another person\'s ends at a page, and in no circle', async (t) => {
  const world = await startOwnWorld(t)
  mixUp(world, ...Array<string>(10).fill('bob'))
  const hops = await world.signIn(world.person(), `${APP}/`)
  const sent = hops.filter(({ url }) => new URL(url).pathname === '/oauth2/authorize')
  t.ok(sent.length <= 4, `sent to Authgear ${sent.length} times`)
  t.match(last(hops).headers, { 'x-forward-auth-reason': 'redirect_loop' })
})
