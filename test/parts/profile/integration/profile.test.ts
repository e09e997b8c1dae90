import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import type { UserId } from '../../../../src/base/core/resolution.ts'
import { NO_PROFILE, type Profile } from '../../../../src/base/identity/profile.ts'
import { APP_ID, KEY_ID, adminApi } from '../../../helpers/audit.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { startInProcess, type InProcess, type InProcessOptions } from '../../../helpers/in-process.ts'
import { metricOf, sumOf } from '../../../helpers/in-process-on-clock.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { profileSettings } from '../profile-settings.ts'
import { askerOf } from '../start-profiles.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { ask } from '../../../helpers/request.ts'
import { demo, startSimulator, type RunningSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'
import { webhookOf, WEBHOOK_SECRET } from '../../../helpers/webhook.ts'

const ALICE = demo.alice.id as UserId
const BOB = demo.bob.id as UserId
const WHOLE: Profile = {
  email: 'alice@example.com',
  name: 'Alice Example',
  username: 'alice',
  phone: '+85251000001',
  picture: 'https://example.com/alice.png',
  groups: ['staff']
}

const profileOf = async ({ service }: InProcess, userId: UserId): Promise<Profile> =>
  ({ ...await service.profiles?.of(askerOf(userId)) })
const waits = ({ service }: InProcess, userId: UserId): boolean =>
  service.profiles?.of(askerOf(userId)) instanceof Promise
const requests = (outcome: string): string => `forward_auth_profile_requests_total{outcome="${outcome}"}`
const askedAbout = ({ controls }: RunningSimulator): readonly string[] => controls.profiles.queries.flat()

async function start (t: Test, options: Partial<InProcessOptions> = {}) {
  const simulator = await startSimulator(t, { adminApi, hosts: ['127.0.0.1'] })
  const replica = (more: Partial<InProcessOptions> = {}): Promise<InProcess> =>
    startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...profileSettings(simulator.url), ...options, ...more })
  return { simulator, replica }
}

const CHINESE = { name: '小明 陳', email: 'bob@example.com', email_verified: false, preferred_username: 'bob' }

t.test('a profile comes from the Admin API, what the operator asked for and no more', async (t) => {
  const { simulator, replica } = await start(t)
  simulator.controls.setAttributes('bob', CHINESE)
  t.strictSame(await profileOf(await replica(), ALICE), WHOLE)
  const some = await replica({ IDENTITY_PROFILE: 'email,username' })
  t.strictSame(await profileOf(some, ALICE), { email: WHOLE.email, username: 'alice' })
  const unverified = await replica({ IDENTITY_PROFILE: 'email,name', IDENTITY_UNVERIFIED_EMAIL: 'send' })
  const bob = await profileOf(unverified, BOB)
  t.strictSame(bob, { name: '小明 陳', email: 'bob@example.com' })
  t.strictSame(await profileOf(await replica(), BOB), { name: '小明 陳', username: 'bob' }, 'not verified')
  t.equal((await replica({ IDENTITY_PROFILE: undefined })).service.profiles, undefined, 'off unless it is asked for')
})

t.test('a profile goes out by the names that an app expects', async (t) => {
  const { simulator, replica } = await start(t)
  simulator.controls.setAttributes('bob', CHINESE)
  const one = await replica({ IDENTITY_HEADERS: 'remote', IDENTITY_USER: 'username' })
  const headersOf = async (accessToken: string): Promise<object> => {
    const authorization = ['Authorization', `Bearer ${accessToken}`] as const
    const { status, headers } = await ask(one.port, { path: '/verify', headers: [authorization] })
    t.equal(status, 200)
    return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('remote-')))
  }
  t.match(await headersOf(demo.alice.accessToken), {
    'remote-user': 'alice',
    'remote-email': 'alice@example.com',
    'remote-name': 'Alice Example',
    'remote-groups': 'staff'
  })
  t.match(await headersOf(demo.bob.accessToken), {
    'remote-user': 'bob', 'remote-email': '', 'remote-name': encodeURIComponent('小明 陳').replace('%20', ' ')
  })
})

/** What answers in the place of the Admin API, and what it was asked. */
async function startAnswering (t: Test) {
  const seen: Array<Pick<IncomingMessage, 'method' | 'url' | 'headers'> & Readonly<{ body: string }>> = []
  const state = { answer: (response: ServerResponse, _ids: readonly string[]): void => { response.end() } }
  const server = createServer((request, response) => {
    text(request).then((body) => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body })
      state.answer(response, (JSON.parse(body) as { variables: { ids: string[] } }).variables.ids)
    }).catch(() => response.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, state }
}

const globalId = (userId: string): string => Buffer.from(`User:${userId}`).toString('base64url')
const nodeOf = (id: string, name = 'Alice'): object =>
  ({ id, isDisabled: false, standardAttributes: { name }, formattedName: name, groups: { edges: [] } })
const json = (response: ServerResponse, body: object): void => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

type Answer = (response: ServerResponse, ids: readonly string[]) => void
const status = (code: number, body: string): Answer => (response) => { response.writeHead(code).end(body) }

/** `kind`: of the query; the user is unknown in every case. */
const BAD: ReadonlyArray<readonly [what: string, kind: string, answer: Answer]> = [
  ['403', 'forbidden', status(403, 'Forbidden\n')],
  ['404 in words', 'misplaced', status(404, 'app not found\n')],
  ['a redirect', 'misplaced', (response) => { response.writeHead(307, { location: '/elsewhere' }).end() }],
  ['413', 'refused', status(413, '{"error":{"name":"RequestEntityTooLarge"}}')],
  ['500', 'server', status(500, '{"error":{"name":"InternalError"}}')],
  ['a page for people', 'garbage', status(200, '<!doctype html>')],
  ['errors and no data', 'query', (response) => json(response, { data: null, errors: [{ message: 'x' }] })],
  ['errors beside data', 'partial', (response, ids) =>
    json(response, { data: { nodes: ids.map((id) => nodeOf(id)) }, errors: [{ message: 'x' }] })],
  ['over 1 MiB', 'too_large', (response, ids) =>
    json(response, { data: { nodes: ids.map((id) => nodeOf(id, 'x'.repeat(2 ** 20))) } })],
  ['a reset', 'unreachable', (response) => { response.socket?.resetAndDestroy() }],
  ['half an answer', 'unreachable', (response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"data":', () => response.destroy())
  }],
  ['another user’s data', 'ok', (response, ids) =>
    json(response, { data: { nodes: ids.map(() => nodeOf(globalId(BOB))) } })],
  ['nobody', 'ok', (response, ids) => json(response, { data: { nodes: ids.map(() => null) } })]
]

for (const [what, kind, answer] of BAD) {
  t.test(`an Admin API that answers ${what} costs the profile and nothing else`, async (t) => {
    const admin = await startAnswering(t)
    const simulator = await startSimulator(t)
    const clock = manualClock()
    const replica = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...profileSettings(admin.url), clock })
    admin.state.answer = answer
    t.strictSame(await profileOf(replica, ALICE), {})
    t.equal(await metricOf(replica, requests(kind)), 1)
    t.equal(admin.seen.length, 1)
    const verified = await ask(replica.port, {
      path: '/verify', headers: [['Authorization', `Bearer ${demo.alice.accessToken}`]]
    })
    t.equal(verified.status, 200)
    admin.state.answer = (response, ids) => json(response, { data: { nodes: ids.map((id) => nodeOf(id)) } })
    clock.advance(60_000)
    t.equal(waits(replica, ALICE), false, 'nobody waits a second time')
    await until('it is read', async () => (await profileOf(replica, ALICE)).name === 'Alice')
    const lines = replica.lines.filter(({ msg }) => /Admin API/.test(String(msg))).map(({ level }) => level)
    const isFailure = !['ok', 'partial', 'too_large'].includes(kind)
    const told = isFailure ? ['warn', 'info'] : what.startsWith('another') ? ['error'] : kind === 'ok' ? [] : ['warn']
    t.strictSame(lines, told, 'one line when it begins to fail, one when it works again')
  })
}

t.test('an Admin API that is not there costs the profile, and is told once', async (t) => {
  const simulator = await startSimulator(t)
  const clock = manualClock()
  const profile = profileSettings(`http://127.0.0.1:${await freePort()}`)
  const replica = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...profile, clock })
  for (let n = 0; n < 3; n++) {
    t.strictSame(await profileOf(replica, n === 0 ? ALICE : BOB), {})
    clock.advance(60_000)
  }
  t.equal(replica.lines.filter(({ msg }) => /profiles cannot be read/.test(String(msg))).length, 1)
})

t.test('an Admin API that hangs is waited for PROFILE_TIMEOUT, and its answer is kept', async (t) => {
  const { simulator, replica } = await start(t)
  const gate = simulator.controls.profiles.hold()
  const one = await replica({ PROFILE_TIMEOUT: '20ms' })
  t.strictSame(await profileOf(one, ALICE), {}, 'while the query still hangs')
  t.equal(waits(one, ALICE), false)
  await gate.arrived(1)
  gate.release()
  await until('the answer is there', async () => (await profileOf(one, ALICE)).name === 'Alice Example')
  t.equal(simulator.controls.profiles.queries.length, 1)
})

t.test('one whose answer is too long is left out, and the others are read', async (t) => {
  const admin = await startAnswering(t)
  const simulator = await startSimulator(t)
  admin.state.answer = (response, ids) => json(response, {
    data: { nodes: ids.map((id) => nodeOf(id, id === globalId(BOB) ? 'x'.repeat(2 ** 20) : 'Alice')) }
  })
  const replica = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...profileSettings(admin.url) })
  const both = await Promise.all([BOB, ALICE].map((id) => profileOf(replica, id)))
  t.strictSame(both, [{}, { name: 'Alice' }])
})

t.test('the query names the project, its key and the endpoint of pictures', async (t) => {
  const admin = await startAnswering(t)
  const replica = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: 'https://auth.example.com:8443', ...profileSettings(admin.url)
  })
  await profileOf(replica, ALICE)
  t.match(admin.seen, [{
    method: 'POST',
    url: '/graphql',
    headers: {
      host: 'auth.example.com:8443', 'x-forwarded-host': 'auth.example.com:8443', 'x-forwarded-proto': 'https'
    }
  }])
  const [, token = ''] = String(admin.seen[0]?.headers.authorization).split(' ')
  const [head = '', claims = ''] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString())
  t.match([JSON.parse(head), JSON.parse(claims)], [{ kid: KEY_ID, alg: 'RS256' }, { aud: APP_ID }])
})

const profileEvent = (type: string, userId: string, id: string): string => JSON.stringify({
  id,
  type,
  // of a deleted user Authgear sends the old data: nothing of a payload is used
  payload: {
    user: { id: userId, is_disabled: false, standard_attributes: { email: 'payload@example.com', name: 'Payload' } }
  },
  context: { app_id: 'app', user_id: userId }
})

const EVENTS = [
  'user.profile.updated', 'identity.email.added', 'identity.email.removed', 'identity.email.updated',
  'identity.email.verified', 'identity.email.unverified', 'identity.username.updated', 'identity.phone.updated',
  'user.anonymous.promoted', 'user.disabled', 'user.deletion_scheduled', 'user.anonymized', 'user.deleted'
]

t.test('two replicas over Redis', async (t) => {
  const redis = await startRedis(t)
  const clock = manualClock(Date.now())
  const { simulator, replica } = await start(t, {
    REDIS_URL: redis.url, clock, AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET
  })
  const [a, b] = await Promise.all([replica(), replica()])
  const followed = (): Promise<void> =>
    until('both follow the log', () => [a, b].every(({ service }) => service.redisState() === 'up'))
  /** Redis has a clock of its own. Five minutes in all at most: the Admin API takes no token from further ahead. */
  async function advance (ms: number): Promise<void> {
    clock.advance(ms)
    for (const name of await redis.cli('KEYS', '*:profile') as string[]) {
      const left = Number(await redis.cli('PTTL', name)) - ms
      await redis.cli('PEXPIRE', name, String(Math.max(1, left)))
    }
    await followed()
  }
  await followed()
  const sum = (line: string): Promise<number> => sumOf([a, b], line)

  await t.test('a user is asked about once for all', async (t) => {
    const both = await Promise.all([a, b].map((one) => profileOf(one, ALICE)))
    t.strictSame(both, [WHOLE, WHOLE])
    t.strictSame(askedAbout(simulator), [ALICE])
    t.equal(await sum('forward_auth_profile_reads_total{outcome="redis"}'), 1)
  })

  await t.test('and once a life, ahead of its end', async (t) => {
    await advance(250_000)
    t.strictSame([a, b].map((one) => waits(one, ALICE)), [false, false])
    await until('both have read', async () => await sum('forward_auth_profile_reads_total{outcome="redis"}') === 2)
    t.strictSame(askedAbout(simulator), [ALICE, ALICE])
  })

  await t.test('Redis learns neither who was here nor what they are called', async (t) => {
    const names = await redis.cli('KEYS', '*') as string[]
    const stored = names.filter((name) => name.endsWith(':profile'))
    t.equal(stored.length, 1)
    t.ok(Number(await redis.cli('PTTL', stored[0] ?? '')) > 0, 'and forgets it')
    const value = String(await redis.cli('GET', stored[0] ?? ''))
    t.notMatch(`${stored[0]} ${value}`, /a11ce000|alice|Alice|example/)
  })

  for (const [n, type] of EVENTS.entries()) {
    await t.test(`${type} drops the profile on every replica`, async (t) => {
      await Promise.all([a, b].map((one) => profileOf(one, ALICE)))
      const asked = simulator.controls.profiles.queries.length
      const name = `Alice ${n}`
      simulator.controls.setAttributes('alice', { name })
      t.equal((await ask(a.port, webhookOf(profileEvent(type, ALICE, `event ${n}`)))).status, 204)
      t.strictSame(await profileOf(a, ALICE), { name, groups: ['staff'] }, 'at once here')
      await until('there too', async () => (await profileOf(b, ALICE)).name === name)
      t.equal(simulator.controls.profiles.queries.length, asked + 1, 'one query for both')
    })
  }

  await t.test('a drop and then an outage: nobody is given what is older', async (t) => {
    simulator.controls.profiles.fail('forbidden')
    t.equal((await ask(a.port, webhookOf(profileEvent('user.deleted', ALICE, 'last')))).status, 204)
    t.strictSame(await profileOf(a, ALICE), {})
    await until('there too', async () => Object.keys(await profileOf(b, ALICE)).length === 0)
    simulator.controls.profiles.recover()
  })

  await t.test('what somebody writes into Redis is not believed', async (t) => {
    await advance(60_000)
    await until('it is known again', async () => (await profileOf(a, ALICE)).name !== undefined)
    await profileOf(a, BOB)
    const names = await redis.cli('KEYS', '*:profile') as string[]
    t.equal(names.length, 2)
    const [one = '', other = ''] = names
    await redis.cli('COPY', one, other, 'REPLACE')
    const c = await replica()
    await until('it follows the log', () => c.service.redisState() === 'up')
    const both = await Promise.all([ALICE, BOB].map((id) => profileOf(c, id)))
    t.strictSame(both.map(({ username, name }) => username ?? name), ['Alice 12', 'bob'], 'each has their own')
  })

  await t.test('without Redis each replica asks for itself', async (t) => {
    await redis.stop()
    await until('it is noticed', () => a.service.redisState() === 'down' && b.service.redisState() === 'down')
    const anonymous = demo.anonymous.id as UserId
    const asked = askedAbout(simulator).length
    const both = await Promise.all([a, b].map((one) => profileOf(one, anonymous)))
    t.strictSame(both, [{}, {}])
    t.equal(askedAbout(simulator).length, asked + 2)
  })
})

t.test('a group that the audit log tells of drops the profile', async (t) => {
  const { simulator, replica } = await start(t)
  const one = await replica({ AUTHGEAR_AUDIT_POLL: '100ms', without: [] })
  t.strictSame((await profileOf(one, ALICE)).groups, ['staff'])
  simulator.controls.setGroups('alice', ['staff', 'board'])
  await until('it is seen', async () => (await profileOf(one, ALICE)).groups?.includes('board') === true)
})

t.test('ten thousand users at once: the Admin API gets two queries at a time', async (t) => {
  const { simulator, replica } = await start(t)
  const gate = simulator.controls.profiles.hold()
  const one = await replica({ PROFILE_TIMEOUT: '20ms' })
  const ids = Array.from({ length: 10_000 }, (_, n) =>
    `${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000` as UserId)
  const answers = await Promise.all(ids.map((id) => one.service.profiles?.of(askerOf(id))))
  t.ok(answers.every((answer) => answer === NO_PROFILE))
  await gate.arrived(2)
  t.equal(gate.waiting, 2)
  t.equal(await metricOf(one, 'forward_auth_profile_answers_total{outcome="rejected"}'), 10_000 - 4096)
  gate.release()
})
