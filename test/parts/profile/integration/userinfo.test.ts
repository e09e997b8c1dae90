import t from 'tap'
import { metricOf } from '../../../helpers/in-process-on-clock.ts'
import { APP, WIKI } from '../../../helpers/own-world.ts'
import { demo } from '../../../helpers/simulator.ts'
import {
  ALLOWED, calledFor, FORBIDDEN, saidOf, signInAs, startUserinfoWorld, tell, UNKNOWN
} from '../userinfo-world.ts'

const ALICE = {
  'x-authgear-user-id': demo.alice.id,
  'remote-user': 'alice',
  'remote-email': 'alice@example.com',
  'remote-name': 'Alice Example'
} as const

t.test("without the Admin API a profile is read with the person's own token, once", async (t) => {
  const world = await startUserinfoWorld(t)
  const cookie = await signInAs(world)
  const agent = { 'user-agent': 'a browser', 'x-forwarded-for': '203.0.113.9' }
  const first = await world.verify(cookie, agent)
  t.match(first, { status: 200, headers: ALICE })
  for (let n = 0; n < 5; n++) t.match(await world.verify(cookie), { status: 200, headers: ALICE })
  t.strictSame(world.authgear.controls.userinfo.calls, [
    { user: 'alice', address: '203.0.113.9', userAgent: 'a browser', hasCookie: false }
  ], 'the address and browser of the person, and never their cookies')
})

t.test('a profile is kept by user, whichever session read it', async (t) => {
  const world = await startUserinfoWorld(t)
  const cookie = await signInAs(world)
  t.equal(await saidOf(world, cookie), ALLOWED)
  const bearer = world.tokens().accessTokens.at(-1) ?? ''
  const { status } = await world.verify('', { authorization: `Bearer ${bearer}` })
  t.equal(status, 200, 'its token is of the same user')
  t.strictSame(calledFor(world), ['alice'], 'whose profile is kept by user, not by session')
})

t.test('each person has their own profile, and no address that is not verified', async (t) => {
  const world = await startUserinfoWorld(t)
  const [alice, bob] = [await signInAs(world), await signInAs(world, 'bob')]
  t.equal(await saidOf(world, bob), FORBIDDEN)
  t.equal(await saidOf(world, alice), ALLOWED)
  t.equal(await saidOf(world, bob), FORBIDDEN)
  world.authgear.controls.setAttributes('bob', { email: 'bob@example.com', email_verified: true })
  await tell(world, 'bob')
  t.equal(await saidOf(world, bob), ALLOWED, 'as soon as it is told')
})

t.test('who signs in after somebody else in one browser is judged by their own address', async (t) => {
  const world = await startUserinfoWorld(t)
  const person = world.person()
  const alice = await signInAs(world, 'alice', person)
  t.equal(await saidOf(world, alice), ALLOWED)
  await person.open(`${APP}/_auth/logout`)
  const bob = await signInAs(world, 'bob', person)
  t.not(bob, alice)
  t.equal(await saidOf(world, bob), FORBIDDEN)
  t.equal(await saidOf(world, alice), '401 invalid_session', "the old cookie is nobody's")
  await person.open(`${APP}/_auth/logout`)
  t.equal(await saidOf(world, await signInAs(world, 'alice', person)), ALLOWED)
  t.equal(await saidOf(world, bob), '401 invalid_session')
})

t.test('an answer about another user is unknown, with one error line', async (t) => {
  const world = await startUserinfoWorld(t)
  const [alice, bob] = [await signInAs(world), await signInAs(world, 'bob')]
  world.authgear.controls.userinfo.fail('foreign')
  t.equal(await saidOf(world, bob), UNKNOWN, "with alice's address")
  t.equal(await saidOf(world, alice), UNKNOWN, "with bob's")
  const [replica] = world.replicas
  const lines = replica?.lines.filter(({ level, msg }) => level === 'error' && /another user/.test(String(msg)))
  t.equal(lines?.length, 1)
  world.authgear.controls.userinfo.recover()
  t.equal(await saidOf(world, alice), UNKNOWN, 'asked about a moment ago')
  world.clock.advance(5001)
  t.equal(await saidOf(world, alice), ALLOWED)
  t.equal(await saidOf(world, bob), FORBIDDEN)
})

t.test('a token that userinfo refuses has the resolver asked about the session', async (t) => {
  const world = await startUserinfoWorld(t)
  const cookie = await signInAs(world)
  const open = '/verify?login=off'
  t.equal(await saidOf(world, cookie), ALLOWED)
  await tell(world)
  const before = world.authgear.counters.resolutions
  world.authgear.controls.userinfo.fail('refused')
  t.equal(await saidOf(world, cookie, 0, open), UNKNOWN, 'the resolver knows the session')
  world.authgear.controls.userinfo.recover()
  t.equal(await saidOf(world, cookie, 0, open), UNKNOWN, 'asked about a moment ago')
  world.clock.advance(5001)
  t.equal(await saidOf(world, cookie), ALLOWED)
  t.ok(world.authgear.counters.resolutions > before)
})

t.test('a session that Authgear ended is found out by the token that userinfo refuses', async (t) => {
  const world = await startUserinfoWorld(t)
  const cookie = await signInAs(world)
  world.authgear.controls.userinfo.fail('error', 1)
  t.equal(await saidOf(world, cookie), UNKNOWN)
  world.authgear.controls.revokeSessions('alice')
  world.clock.advance(5001)
  t.equal(await saidOf(world, cookie), '401 invalid_session', 'although CACHE_TTL has not passed')
})

t.test('an address that a project keeps from apps is unknown, and no address is none', async (t) => {
  const world = await startUserinfoWorld(t)
  const cookie = await signInAs(world)
  const { userinfo } = world.authgear.controls
  userinfo.hideEmail(true)
  t.equal(await saidOf(world, cookie), UNKNOWN)
  const [replica] = world.replicas
  t.ok(replica?.lines.some(({ level, msg }) => level === 'warn' && /keeps e-mail addresses from apps/.test(String(msg))))
  t.equal(replica && await metricOf(replica, 'forward_auth_profile_reads_total{outcome="hidden"}'), 1)
  t.equal(await saidOf(world, cookie, 0, '/verify?role=nobody'), FORBIDDEN, 'what is certain is said')
  userinfo.hideEmail(false)
  world.authgear.controls.setAttributes('alice', { preferred_username: 'alice' })
  await tell(world)
  t.equal(await saidOf(world, cookie), FORBIDDEN, 'without an address')
})

t.test('no place but a session of our own, or a bearer token beside it, opens a profile', async (t) => {
  const world = await startUserinfoWorld(t)
  const { accessToken } = demo.alice
  const bearer = { authorization: `Bearer ${accessToken}` }
  t.match(await world.verify('', bearer), { status: 200, headers: ALICE })
  for (let n = 0; n < 3; n++) t.match(await world.verify('', bearer), { status: 200 })
  t.strictSame(calledFor(world), ['alice'], 'once a user and PROFILE_TTL')
  const cookie = await signInAs(world, 'bob')
  t.match(await world.verify(cookie, bearer), { status: 200, headers: ALICE }, 'the token comes first')
  t.match(await world.verify(cookie, { authorization: 'Bearer nobodys' }), { status: 403 }, 'else the cookie')
  t.match(await world.verify(cookie), { status: 403 })
  t.match(await world.verify(cookie, { 'x-forwarded-host': new URL(WIKI).host }), { status: 401 }, 'at its own host')
})
