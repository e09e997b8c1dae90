import t, { type Test } from 'tap'
import type { OwnWorld } from '../../../helpers/own-world.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { ask } from '../../../helpers/request.ts'
import { demo } from '../../../helpers/simulator.ts'
import { personClaims, machineClaims, RESOURCE, signed, startIssuer } from '../../../helpers/token-issuer.ts'
import { LOGIN, startInProcess } from '../../../helpers/in-process.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { until } from '../../../helpers/until.ts'
import {
  ALLOWED, calledFor, FORBIDDEN, pass, saidOf, SETTLED_MS, signInAs, startUserinfoWorld, tell, USERINFO
} from '../userinfo-world.ts'

async function startFleet (t: Test) {
  const redis = await startRedis(t)
  const world = await startUserinfoWorld(t, { redis, replicas: 2, client: { accessTokenSeconds: 86_400 } })
  return { redis, world }
}

const onEach = async (world: OwnWorld, cookie: string): Promise<readonly string[]> =>
  [await saidOf(world, cookie), await saidOf(world, cookie, 1)]

t.test('a profile is read once for all replicas', async (t) => {
  const { world } = await startFleet(t)
  const cookie = await signInAs(world)
  for (let n = 0; n < 3; n++) t.strictSame(await onEach(world, cookie), [ALLOWED, ALLOWED])
  t.strictSame(calledFor(world), ['alice'])
})

t.test('a change that one replica is told counts on all of them', async (t) => {
  const { world } = await startFleet(t)
  const cookie = await signInAs(world)
  t.strictSame(await onEach(world, cookie), [ALLOWED, ALLOWED])
  world.authgear.controls.setAttributes('alice', { email: 'alice@example.org', email_verified: true })
  t.strictSame(await onEach(world, cookie), [ALLOWED, ALLOWED], 'nothing was told')
  await tell(world)
  t.equal(await saidOf(world, cookie), FORBIDDEN)
  await until('the other one reads it', async () => await saidOf(world, cookie, 1) === FORBIDDEN)
})

t.test('a session that ends before its profile is known leads to the login at once', async (t) => {
  const { world } = await startFleet(t)
  const cookie = await signInAs(world)
  const gate = world.authgear.controls.hold('after')
  const said = saidOf(world, cookie)
  await gate.arrived(1)
  world.authgear.controls.revokeSessions('alice')
  gate.release()
  t.equal(await said, '401 invalid_session', "the resolver's answer from before is in Redis")
})

t.test('the answer of a sign-in counts on every replica', async (t) => {
  const { world } = await startFleet(t)
  const cookie = await signInAs(world)
  t.strictSame(await onEach(world, cookie), [ALLOWED, ALLOWED])
  world.authgear.controls.verifyEmail('alice', false)
  await pass(world, 2000)
  const second = await signInAs(world)
  t.equal(await saidOf(world, second, 1), FORBIDDEN)
  t.equal(await saidOf(world, second, 0), FORBIDDEN, 'although it knows the profile of before')
})

t.test('a replica that starts uses what others read', async (t) => {
  const { world } = await startFleet(t)
  const cookie = await signInAs(world)
  t.strictSame(await onEach(world, cookie), [ALLOWED, ALLOWED])
  await world.add({ machine: 'replica-3' })
  t.equal(await saidOf(world, cookie, 2), ALLOWED)
  t.equal(calledFor(world).length, 1)
})

t.test('without Redis what is known decides, and nobody else gets in', async (t) => {
  const { redis, world } = await startFleet(t)
  const [alice, bob] = [await signInAs(world), await signInAs(world, 'bob')]
  t.equal(await saidOf(world, alice), ALLOWED)
  await redis.stop()
  t.match(await saidOf(world, alice), /^200 /)
  t.match(await saidOf(world, bob), /^(?:403|503) /, 'unverified, or unknown')
  t.match(await saidOf(world, alice, 1), /^503 |^200 /, 'by the other one, as far as it knows the session')
  t.match(await saidOf(world, `__Host-forward-auth=${'A'.repeat(43)}`), /^(?:401|503) /)
})

t.test('a change that Redis does not take yet has the profile read again, too', async (t) => {
  const { redis, world } = await startFleet(t)
  const bearer = { authorization: `Bearer ${demo.alice.accessToken}` }
  const asked = async (): Promise<number> => (await world.verify('', bearer)).status
  t.equal(await asked(), 200)
  await redis.stop()
  await tell(world, 'alice', 0, 503)
  t.equal(await asked(), 200)
  t.equal(calledFor(world).length, 2)
  world.clock.advance(4000)
  t.equal(await asked(), 200)
  t.equal(calledFor(world).length, 3)
})

t.test('agents are refused by rules about addresses, which no token of theirs opens', async (t) => {
  const issuer = await startIssuer(t)
  const clock = manualClock(Date.now())
  const start = (more: object) => startInProcess(t, {
    ...LOGIN,
    LOGIN_ALLOWED_HOSTS: undefined,
    LOGOUT_REDIRECT_URI: undefined,
    LOGIN_SESSION: 'own',
    AUTHGEAR_ENDPOINT: issuer.url,
    ...USERINFO,
    RESOURCES: RESOURCE,
    clock,
    ...more
  })
  const said = async (replica: Awaited<ReturnType<typeof start>>, token: string, more = '') => {
    const path = `/resource?resource=${encodeURIComponent(RESOURCE)}${more}`
    const { status, headers } = await ask(replica.port, { path, headers: [['Authorization', `Bearer ${token}`]] })
    return `${status} ${String(headers['x-forward-auth-reason'])}`
  }
  const [ruled, open] = [await start({}), await start({ ALLOW: 'anyone' })]
  clock.advance(SETTLED_MS)
  const agent = signed(personClaims(issuer.url, clock.wall(), demo.alice.id))
  const machine = signed(machineClaims(issuer.url, clock.wall()))
  t.equal(await said(ruled, agent), '403 forbidden')
  t.match(ruled.lines.at(-1), { reason: 'bad_policy', policy: /not known of resource tokens without AUTHGEAR_ADMIN_API_URL/ })
  t.equal(await said(ruled, machine), ALLOWED, 'a machine has no person')
  t.equal(await said(open, agent), ALLOWED)
  t.equal(await said(open, agent, '&email_domain=example.com'), '403 forbidden')
  t.match(open.lines.at(-1), { reason: 'bad_policy' })
  t.equal(await said(open, agent, '&group=staff'), '403 forbidden')
  t.match(open.lines.at(-1), { reason: 'bad_policy', policy: /group= needs IDENTITY_PROFILE=groups/ })
})
