import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { adminApi, APP_ID } from '../../../helpers/audit.ts'
import { type InProcess, type InProcessOptions, startInProcess } from '../../../helpers/in-process.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { ask } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { machineClaims, personClaims, RESOURCE, signed, startIssuer } from '../../../helpers/token-issuer.ts'
import { tempDir } from '../../../helpers/temp-dir.ts'
import { webhookOf, WEBHOOK_SECRET } from '../../../helpers/webhook.ts'
import { profileSettings } from '../../profile/profile-settings.ts'

const { alice, bob } = demo
const bearer = (token: string) => [['Authorization', `Bearer ${token}`]] as const

async function start (t: Test, options: Partial<InProcessOptions>) {
  const clock = manualClock(Date.now())
  const simulator = await startSimulator(t, { adminApi, hosts: ['127.0.0.1'], now: clock.wall })
  const replica = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    ...profileSettings(simulator.url),
    PROFILE_TTL: '5m',
    CACHE_TTL: '10m',
    clock,
    ...options
  })
  return { simulator, clock, replica }
}

async function statusOf ({ port }: InProcess, token: string = alice.accessToken, path = '/verify'): Promise<string> {
  const { status, headers } = await ask(port, { path, headers: bearer(token) })
  return `${status} ${headers['x-forward-auth-reason']}`
}

const ALLOWED = '200 allowed'
const FORBIDDEN = '403 forbidden'
const UNKNOWN = '503 authgear_unavailable'

/** The event of an address that was proved or changed. */
const PROVED = JSON.stringify({
  id: 'event',
  type: 'identity.email.updated',
  payload: { user: { id: alice.id } },
  context: { app_id: APP_ID, user_id: alice.id }
})

t.test('a route asks for groups and addresses, if somebody knows them', async (t) => {
  const { replica } = await start(t, { ALLOW: 'anyone' })
  for (const [policy, answer] of [
    ['group=staff', ALLOWED], ['group=ops', FORBIDDEN], ['group=ops,staff', ALLOWED],
    ['email=alice@example.com', ALLOWED], ['email=bob@example.com', FORBIDDEN],
    ['email=alice@example.com&group=ops', FORBIDDEN]
  ] as const) {
    t.equal(await statusOf(replica, alice.accessToken, `/verify?${policy}`), answer, policy)
  }
  const { replica: without } = await start(t, { IDENTITY_PROFILE: 'name' })
  t.equal(await statusOf(without, alice.accessToken, '/verify?group=staff'), FORBIDDEN)
  t.match(without.lines.at(-1), { reason: 'bad_policy', policy: /group= needs IDENTITY_PROFILE=groups/ })
  const { replica: sends } = await start(t, { IDENTITY_PROFILE: 'email', IDENTITY_UNVERIFIED_EMAIL: 'send' })
  t.equal(await statusOf(sends, alice.accessToken, '/verify?email_domain=example.com'), FORBIDDEN)
  t.match(sends.lines.at(-1), { reason: 'bad_policy', policy: /email_domain= need IDENTITY_PROFILE=email/ })
})

t.test('an Admin API that cannot be asked is 503, and neither in nor out', async (t) => {
  const { simulator, replica, clock } = await start(t, { ALLOW: 'email_domain=example.com', AUTHGEAR_TIMEOUT: '5s' })
  simulator.controls.profiles.fail('error')
  t.equal(await statusOf(replica), UNKNOWN, 'never seen')
  const [said] = replica.lines.filter(({ reason }) => reason === 'authgear_unavailable')
  t.match(said, { error: { code: 'PROFILE_UNKNOWN' } })
  t.equal(await statusOf(replica, 'A'.repeat(32)), '401 invalid_session', 'a stranger stays one')
  t.equal(await statusOf(replica, alice.accessToken, '/verify?role=nobody'), FORBIDDEN, 'what is certain is said')
  simulator.controls.profiles.recover()
  clock.advance(60_000)
  t.equal(await statusOf(replica), ALLOWED, 'known now')
  simulator.controls.profiles.fail('error')
  clock.advance(265_000)
  t.equal(await statusOf(replica), ALLOWED, 'known for PROFILE_TTL, less a tenth at most')
  clock.advance(60_000)
  t.equal(await statusOf(replica), UNKNOWN, 'and no longer')
})

t.test('a change counts at once if a webhook tells it, and else within the bounds', async (t) => {
  const { simulator, replica, clock } = await start(t, {
    ALLOW: 'email_domain=example.com', AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET
  })
  const set = (email: string, verified = true): void =>
    simulator.controls.setAttributes('alice', { email, email_verified: verified })
  set('alice@example.com')
  t.equal(await statusOf(replica), ALLOWED)
  set('alice@example.com', false)
  t.equal(await statusOf(replica), ALLOWED, 'nobody has told it yet')
  t.equal((await ask(replica.port, webhookOf(PROVED))).status, 204)
  t.equal(await statusOf(replica), FORBIDDEN, 'told')
  set('alice@example.com')
  t.equal(await statusOf(replica), FORBIDDEN, 'refused a moment ago')
  clock.advance(5001)
  t.equal(await statusOf(replica), ALLOWED, 'a refusal that is older than CACHE_NEGATIVE_TTL is confirmed')
  set('alice@example.org')
  clock.advance(300_001)
  t.equal(await statusOf(replica), FORBIDDEN, 'PROFILE_TTL is over')
})

t.test('a person is read once for all that wait, and nobody waits on a hit', async (t) => {
  const { simulator, replica } = await start(t, { ALLOW: 'email_domain=example.com' })
  simulator.controls.setAttributes('bob', { email: 'bob@example.com', email_verified: true })
  const asked = (): number => simulator.controls.profiles.queries.flat().length
  const burst = await Promise.all(Array.from({ length: 20 }, () => statusOf(replica, bob.accessToken)))
  t.ok(burst.every((answer) => answer === ALLOWED))
  t.equal(asked(), 1)
  for (let n = 0; n < 5; n++) t.equal(await statusOf(replica, bob.accessToken), ALLOWED)
  t.equal(asked(), 1)
})

t.test('requests that wait for a profile share a budget, and nobody waits beyond it', async (t) => {
  for (const [path, beyond] of [['/verify?group=staff', UNKNOWN], ['/verify', ALLOWED]] as const) {
    const { simulator, replica, clock } = await start(t, {
      ALLOW: 'anyone', waitingBytes: 16 * 1024, IDENTITY_HEADERS: 'remote', IDENTITY_USER: 'username'
    })
    t.equal(await statusOf(replica, alice.accessToken, path), ALLOWED)
    clock.advance(300_001)
    const gate = simulator.controls.profiles.hold()
    const first = statusOf(replica, alice.accessToken, path)
    await gate.arrived(1)
    const second = statusOf(replica, alice.accessToken, path)
    t.equal(await Promise.race([second, first.then(() => 'the first')]), beyond, `${path}: the second, at once`)
    gate.release()
    await first
    clock.advance(60_000)
    t.equal(await statusOf(replica, alice.accessToken, path), ALLOWED, 'what it took is given back')
  }
})

t.test('an agent is judged by the address of its person, and a machine has none', async (t) => {
  const clock = manualClock(Date.now())
  const [issuer, simulator] = await Promise.all([startIssuer(t), startSimulator(t, { adminApi, hosts: ['127.0.0.1'] })])
  const replica = await startInProcess(t, {
    ...profileSettings(simulator.url),
    AUTHGEAR_ENDPOINT: issuer.url,
    RESOURCES: RESOURCE,
    ALLOW: 'email_domain=example.com',
    clock
  })
  clock.advance(60_000)
  simulator.controls.setAttributes('bob', { email: 'bob@example.org', email_verified: true })
  const path = (more = ''): string => `/resource?resource=${encodeURIComponent(RESOURCE)}${more}`
  const agentOf = (sub: string): string => signed(personClaims(issuer.url, clock.wall(), sub))
  const machine = signed(machineClaims(issuer.url, clock.wall()))
  t.equal(await statusOf(replica, agentOf(alice.id), path()), ALLOWED, "alice's agent")
  t.equal(await statusOf(replica, agentOf(bob.id), path()), FORBIDDEN, "bob's agent")
  t.equal(await statusOf(replica, machine, path()), ALLOWED, 'the rules are for people')
  t.equal(await statusOf(replica, machine, path('&group=staff')), FORBIDDEN, 'a policy about people is not met')
  simulator.controls.profiles.fail('error')
  const unknown = agentOf(demo.dora.id)
  t.equal(await statusOf(replica, unknown, path()), UNKNOWN)
  t.equal(await statusOf(replica, unknown, path('&scope=other')), '403 insufficient_scope', 'that is certain')
})

t.test('who is refused again and again is asked about more and more rarely', async (t) => {
  const { simulator, replica, clock } = await start(t, { ALLOW: 'email_domain=example.org' })
  const asked: number[] = []
  for (let second = 0; second <= 120; second += 5) {
    t.equal(await statusOf(replica), FORBIDDEN)
    asked.push(simulator.controls.profiles.queries.length)
    clock.advance(5001)
  }
  const times = asked.flatMap((count, n) => count > (asked[n - 1] ?? 0) ? n * 5 : [])
  t.strictSame(times, [0, 5, 15, 35, 75], 'seconds')
})

t.test('the access record names no addresses and no users of a policy', async (t) => {
  const file = join(tempDir(t, 'record'), 'record.jsonl')
  const { replica } = await start(t, { ALLOW: 'anyone', ACCESS_RECORD: `file:${file}` })
  const policy = `email=alice@example.com,b%40example.com&user=${alice.id}&role=admin`
  await statusOf(replica, alice.accessToken, `/verify?${policy}`)
  await replica.close()
  const written = readFileSync(file, 'utf8')
  t.match(written, /email=\(2\)&user=\(1\)&role=admin/)
  t.notMatch(written, /alice@example|b%40example/)
})
