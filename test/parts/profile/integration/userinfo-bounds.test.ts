import t from 'tap'
import { metricOf } from '../../../helpers/in-process-on-clock.ts'
import type { OwnWorld } from '../../../helpers/own-world.ts'
import { demo } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'
import { ALLOWED, calledFor, FORBIDDEN, saidOf, signInAs, startUserinfoWorld, UNKNOWN } from '../userinfo-world.ts'

const idOf = (n: number): string => `${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`

/** Adds people with an access token of an app each. @returns the tokens */
function addPeople ({ authgear }: OwnWorld, count: number, tokensOfEach = 1): readonly string[] {
  return Array.from({ length: count }, (_, n) => {
    const accessTokens = Array.from({ length: tokensOfEach }, (_, m) => `token-${n}-${m}-`.padEnd(32, '0'))
    const attributes = { email: `p${n}@example.com`, email_verified: true }
    authgear.controls.addUser({ id: idOf(n), name: `p${n}`, attributes, sessions: [{ accessTokens }] })
    return accessTokens
  }).flat()
}

/** @param n each is of another network, as a trusted proxy names it */
async function said (world: OwnWorld, token: string, n = 0): Promise<string> {
  const { status, headers } = await world.verify('', {
    authorization: `Bearer ${token}`, 'x-forwarded-for': `198.51.${n}.1`
  })
  return `${status} ${String(headers['x-forward-auth-reason'])}`
}

t.test('userinfo gets eight calls at a time, whoever asks', async (t) => {
  const world = await startUserinfoWorld(t)
  const tokens = addPeople(world, 60)
  const gate = world.authgear.controls.userinfo.hold()
  const answers = tokens.map((token, n) => said(world, token, n))
  await gate.arrived(8)
  t.equal(gate.waiting, 8)
  gate.release()
  t.strictSame(new Set(await Promise.all(answers)), new Set([ALLOWED]))
  t.equal(calledFor(world).length, 60)
})

t.test('one person gets two calls at a time, with however many tokens', async (t) => {
  const world = await startUserinfoWorld(t)
  const tokens = addPeople(world, 1, 40)
  const other = await signInAs(world)
  const gate = world.authgear.controls.userinfo.hold()
  const answers = tokens.map((token) => said(world, token))
  await gate.arrived(2)
  const alice = saidOf(world, other)
  await gate.arrived(3)
  t.strictSame(calledFor(world), ['p0', 'p0', 'alice'], 'nobody waits behind that person')
  gate.release()
  t.equal(await alice, ALLOWED)
  const all = await Promise.all(answers)
  t.ok(all.every((one) => one === ALLOWED || one === UNKNOWN), all.join())
})

for (const failure of ['error', 'redirect', 'garbage', 'endless', 'foreign', 'refused', 'reset'] as const) {
  t.test(`one person's answers decide for nobody else: ${failure}`, async (t) => {
    const world = await startUserinfoWorld(t)
    const [alice, bob] = [await signInAs(world), await signInAs(world, 'bob')]
    const { userinfo } = world.authgear.controls
    for (let n = 0; n < 12; n++) {
      userinfo.fail(failure)
      t.equal(await saidOf(world, alice), UNKNOWN)
      userinfo.recover()
      world.clock.advance(5001)
    }
    t.equal(await saidOf(world, bob), FORBIDDEN, 'asked about at once')
    t.match(await world.verify('', { authorization: `Bearer ${demo.alice.accessToken}` }), { status: 200 })
    t.equal(await saidOf(world, alice), ALLOWED)
  })
}

t.test('all sessions of one user wait for one userinfo call, none is refused', async (t) => {
  const world = await startUserinfoWorld(t)
  const [replica] = world.replicas
  if (replica === undefined) throw new Error('there is no replica')
  const tokens = addPeople(world, 1, 40)
  const gate = world.authgear.controls.userinfo.hold()
  const answers = tokens.map((token) => said(world, token))
  await gate.arrived(1)
  await until('all wait', () => world.authgear.counters.resolutions >= 40)
  t.equal(await metricOf(replica, 'forward_auth_profile_requests_total{outcome="rejected"}'), 0)
  gate.release()
  t.strictSame(new Set(await Promise.all(answers)), new Set([ALLOWED]))
  t.ok(calledFor(world).length <= 3, `${calledFor(world).length} calls`)
})

t.test('sign-ins that are newer than a read under way share the next one', async (t) => {
  const world = await startUserinfoWorld(t)
  const sessions: string[] = []
  for (let n = 0; n < 24; n++) {
    sessions.push(await signInAs(world))
    world.clock.advance(1000)
  }
  const gate = world.authgear.controls.userinfo.hold()
  const first = saidOf(world, sessions[0] ?? '')
  await gate.arrived(1)
  const others = sessions.slice(1).map((cookie) => saidOf(world, cookie))
  await until('all wait', () => world.authgear.counters.resolutions >= sessions.length)
  gate.release()
  t.strictSame(new Set(await Promise.all([first, ...others])), new Set([ALLOWED]))
  t.ok(calledFor(world).length <= 4, `${calledFor(world).length} calls`)
})

t.test('a call whose connection was lost is made once more', async (t) => {
  const world = await startUserinfoWorld(t)
  const alice = await signInAs(world)
  world.authgear.controls.userinfo.fail('reset', 1)
  t.equal(await saidOf(world, alice), ALLOWED)
  t.equal(calledFor(world).length, 2)
})

for (const failure of ['refused', 'error'] as const) {
  t.test(`one of a person's credentials that fails holds back no other one: ${failure}`, async (t) => {
    const world = await startUserinfoWorld(t)
    const alice = await signInAs(world)
    world.authgear.controls.userinfo.fail(failure, 1)
    t.match(await world.verify('', { authorization: `Bearer ${demo.alice.accessToken}` }), { status: 503 })
    t.equal(await saidOf(world, alice), ALLOWED)
  })
}

t.test('userinfo that fails for many rests, and everybody is told once', async (t) => {
  const world = await startUserinfoWorld(t)
  const [replica] = world.replicas
  const tokens = addPeople(world, 60)
  world.authgear.controls.userinfo.fail('error')
  for (const [n, token] of tokens.entries()) t.equal(await said(world, token, n), UNKNOWN)
  t.ok(calledFor(world).length < 10, `${calledFor(world).length} calls`)
  const told = replica?.lines.filter(({ msg }) => /userinfo fails again and again/.test(String(msg)))
  t.equal(told?.length, 1)
  world.authgear.controls.userinfo.recover()
  world.clock.advance(5001)
  for (const [n, token] of tokens.entries()) t.equal(await said(world, token, n), ALLOWED)
  t.ok(replica?.lines.some(({ msg }) => /read from userinfo again/.test(String(msg))))
})

t.test('a decision waits for AUTHGEAR_TIMEOUT, and headers for PROFILE_TIMEOUT', async (t) => {
  const world = await startUserinfoWorld(t, { adapter: { AUTHGEAR_TIMEOUT: '1s' } })
  const gate = world.authgear.controls.userinfo.hold()
  t.equal(await said(world, demo.alice.accessToken), UNKNOWN)
  gate.release()
  const open = await startUserinfoWorld(t, { adapter: { ALLOW: 'anyone', PROFILE_TIMEOUT: '20ms' } })
  const held = open.authgear.controls.userinfo.hold()
  const greeted = await open.verify(await signInAs(open))
  t.match(greeted, { status: 200, headers: { 'remote-email': '', 'x-authgear-user-id': demo.alice.id } })
  held.release()
})

t.test('what a person may ask for is counted', async (t) => {
  const world = await startUserinfoWorld(t)
  const [replica] = world.replicas
  if (replica === undefined) throw new Error('there is no replica')
  const { userinfo } = world.authgear.controls
  const cookie = await signInAs(world)
  userinfo.fail('endless', 1)
  await saidOf(world, cookie)
  world.clock.advance(5001)
  await saidOf(world, cookie)
  const count = (outcome: string) => metricOf(replica, `forward_auth_profile_requests_total{outcome="${outcome}"}`)
  t.strictSame([await count('too_large'), await count('ok')], [1, 1])
})

t.test('a call that was not made, as Authgear fails for many, is made a second later', async (t) => {
  const world = await startUserinfoWorld(t)
  const tokens = addPeople(world, 8)
  world.authgear.controls.userinfo.fail('error')
  for (const [n, token] of tokens.entries()) await said(world, token, n)
  t.notOk(calledFor(world).includes('p7'))
  world.authgear.controls.userinfo.recover()
  world.clock.advance(1100)
  t.equal(await said(world, demo.alice.accessToken, 100), ALLOWED)
  t.equal(await said(world, tokens[7] ?? '', 7), ALLOWED)
})
