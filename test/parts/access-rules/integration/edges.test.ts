import t, { type Test } from 'tap'
import { type InProcess, type InProcessOptions, startInProcess } from '../../../helpers/in-process.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { ask } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { machineClaims, personClaims, RESOURCE, signed, startIssuer } from '../../../helpers/token-issuer.ts'
import { bearer, EDGES, over, TO_RESOURCE } from '../edges.ts'

const { alice, bob } = demo

async function start (t: Test, options: Partial<InProcessOptions>): Promise<InProcess> {
  const simulator = await startSimulator(t)
  return await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    RESOURCES: RESOURCE,
    LISTEN_GRPC: '127.0.0.1:0',
    IDENTIFY_LISTEN: '127.0.0.1:0',
    clock: manualClock(),
    ...options
  })
}

/** A rule, and whom it lets in: alice is admin and verified, bob has no role and is not. */
const RULES: ReadonlyArray<readonly [rule: string, alice: string, bob: string]> = [
  ['anyone', '200 allowed', '200 allowed'],
  ['role=admin', '200 allowed', '403 forbidden'],
  ['role=nobody', '403 forbidden', '403 forbidden'],
  ['role=admin verified=true', '200 allowed', '403 forbidden'],
  [`user=${alice.id}`, '200 allowed', '403 forbidden'],
  [`user=${bob.id},${alice.id}`, '200 allowed', '200 allowed'],
  [`user=${alice.id} role=nobody`, '403 forbidden', '403 forbidden'],
  [`user=${alice.id.toUpperCase()}`, '403 forbidden', '403 forbidden']
]

for (const [rule, ofAlice, ofBob] of RULES) {
  t.test(`ALLOW=${rule.slice(0, 40)} holds on every edge, cold and from memory`, async (t) => {
    const replica = await start(t, { ALLOW: rule })
    for (const [edge, asked] of Object.entries(EDGES)) {
      for (const how of ['cold', 'from memory']) {
        t.equal(await asked(replica, bearer(alice.accessToken)), ofAlice, `alice, ${edge}, ${how}`)
        t.equal(await asked(replica, bearer(bob.accessToken)), ofBob, `bob, ${edge}, ${how}`)
        t.equal(await asked(replica, [['Cookie', `session=${bob.cookie}`]]), ofBob, `bob's cookie, ${edge}, ${how}`)
      }
    }
  })
}

t.test('a policy tightens the rules and never widens them', async (t) => {
  const replica = await start(t, { ALLOW: 'role=admin' })
  for (const [query, ofAlice] of [
    ['', '200 allowed'], ['?role=nobody', '403 forbidden'], ['?role=admin,nobody', '200 allowed'],
    ['?x=1', '403 forbidden'], ['?amr=mfa', '401 step_up_required']
  ] as const) {
    t.equal(await over(`/verify${query}`)(replica, bearer(alice.accessToken)), ofAlice, query)
  }
  for (const query of ['', '?role=admin', '?anonymous=false', '?login=off', '?identity=remote', '?user=' + bob.id]) {
    t.equal(await over(`/verify${query}`)(replica, bearer(bob.accessToken)), '403 forbidden', query)
  }
})

t.test('a stranger and a preflight learn nothing of the rules', async (t) => {
  const replica = await start(t, { ALLOW: 'role=nobody', PREFLIGHT: 'allow' })
  t.equal(await over('/verify')(replica, []), '401 no_credentials')
  t.equal(await over('/verify')(replica, bearer('A'.repeat(32))), '401 invalid_session')
  const preflight = await ask(replica.port, {
    path: '/verify', method: 'OPTIONS', headers: [['Origin', 'https://a'], ['Access-Control-Request-Method', 'GET']]
  })
  t.match(preflight, { status: 200, headers: { 'x-forward-auth-reason': 'preflight' } })
})

t.test('on /identify a person whom the rules refuse is nobody', async (t) => {
  const replica = await start(t, { ALLOW: 'role=admin' })
  const identify = (token: string) => ask(replica.identifyPort, { path: '/identify', headers: bearer(token) })
  t.match((await identify(alice.accessToken)).headers, { 'x-authgear-user-id': alice.id })
  t.match(await identify(bob.accessToken), {
    status: 200,
    headers: { 'x-authgear-session-valid': 'false', 'x-authgear-user-id': '', 'x-forward-auth-reason': 'forbidden' }
  })
})

t.test('the rules hold for an agent of a person, and not for a machine', async (t) => {
  const issuer = await startIssuer(t)
  const clock = manualClock()
  const replica = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: issuer.url, RESOURCES: RESOURCE, ALLOW: `role=admin user=${alice.id}`, clock
  })
  clock.advance(60_000)
  const person = (sub: string, claims = {}) => bearer(signed(personClaims(issuer.url, clock.wall(), sub, claims)))
  for (const path of ['/resource', '/resource-or-session', '/ext-authz/']) {
    const asked = path === '/ext-authz/'
      ? over('/ext-authz/', [['X-Forward-Auth-Policy', TO_RESOURCE]])
      : over(`${path}?${TO_RESOURCE}`)
    t.equal(await asked(replica, person(alice.id)), '200 allowed', `${path}: alice's agent`)
    t.equal(await asked(replica, person(bob.id)), '403 forbidden', `${path}: bob's agent`)
    const machine = bearer(signed(machineClaims(issuer.url, clock.wall())))
    t.equal(await asked(replica, machine), '200 allowed', `${path}: machine`)
  }
})
