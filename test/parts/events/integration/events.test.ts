import t, { type Test } from 'tap'
import { APPS, checkEvents, EVENTS, openEvents } from '../../../helpers/event-stream.ts'
import { type InProcess, type InProcessOptions, MANAGEMENT_TOKEN, startInProcess } from '../../../helpers/in-process.ts'
import { managementOf } from '../../../helpers/management.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { ask, type HeaderLine } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'
import { WEBHOOK_SECRET, webhookOf } from '../../../helpers/webhook.ts'

const { alice, bob } = demo
const NEW_SECRET = 'another secret of tests, 32 bytes'
const OLD_SECRET = 'a secret of the tests, 32 bytes!'
const bearer = (token: string): HeaderLine => ['Authorization', `Bearer ${token}`]
const cookie = (text: string): HeaderLine => ['Cookie', text]
const ALICE = cookie(`session=${alice.cookie}`)
const SESSION = 'x-forward-auth-session'
const UNTIL = 'x-forward-auth-until'

async function start (t: Test, options: Partial<InProcessOptions>) {
  const replica = await startInProcess(t, { ...EVENTS, AUTHGEAR_ENDPOINT: '', ...options })
  const management = managementOf(t, replica.service)
  async function purge (body: object): Promise<unknown> {
    const answer = await management.inject({
      method: 'POST', url: '/revocations', headers: { authorization: `Bearer ${MANAGEMENT_TOKEN}` }, payload: body
    })
    return answer.json()
  }
  async function headersOf (header: HeaderLine, path = '/verify'): Promise<Readonly<Record<string, unknown>>> {
    const { status, headers } = await ask(replica.port, { path, headers: [header] })
    return status === 200 ? headers : {}
  }
  async function nameOf (header: HeaderLine, path = '/verify'): Promise<string> {
    return String((await headersOf(header, path))[SESSION])
  }
  return { ...replica, purge, headersOf, nameOf }
}

async function startOne (t: Test, options: Partial<InProcessOptions> = {}) {
  const simulator = await startSimulator(t)
  return { simulator, replica: await start(t, { AUTHGEAR_ENDPOINT: simulator.url, ...options }) }
}

const isUp = ({ service }: InProcess): boolean => service.redisState() === 'up'

async function startThree (t: Test) {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  const begin = (options: Partial<InProcessOptions> = {}) =>
    start(t, { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url, ...options })
  const replicas = await Promise.all([begin(), begin(), begin()])
  await until('all follow', () => replicas.every(isUp))
  return { redis, simulator, replicas, begin, at: (n: number) => replicas[n] ?? replicas[0] }
}

t.test('each 200 names the session and its expiry', async (t) => {
  const { replica } = await startOne(t)
  const name = await replica.nameOf(ALICE)
  t.match(name, /^[\w-]{22}\.[\w-]{22}$/, 'of the cookie, and of the session id in it')
  t.match(await replica.nameOf(bearer(alice.accessToken)), /^[\w-]{22}$/)
  t.equal(await replica.nameOf(ALICE), name, 'also from memory')
  t.equal(await replica.nameOf(ALICE, '/verify?audience=default'), name, 'a route that names no app is of default')
  const [grafana, wiki] = [
    await replica.nameOf(ALICE, '/verify?audience=grafana'), await replica.nameOf(ALICE, '/verify?audience=wiki')
  ]
  t.equal(new Set([name, grafana, wiki]).size, 3, 'another one for each app: two cannot compare people')
  t.not(await replica.nameOf(bearer(bob.accessToken)), await replica.nameOf(bearer(alice.accessToken)))
  t.match(await replica.nameOf(cookie(`session=${alice.cookie}; app_session=junk.junk`)), /^[\w-]{22}(?:\.[\w-]{22}){3}$/,
    'whichever of two credentials is revoked')
  t.match(await replica.headersOf(ALICE, '/verify?audience=a&audience=b'), { [SESSION]: '' }, 'no route has two')
  t.match(await replica.headersOf(ALICE), { [UNTIL]: '' }, 'nobody knows when a cookie ends')
})

const REVOCATIONS: ReadonlyArray<readonly [string, object, object]> = [
  ['a session by its cookie', { cookie: `session=${alice.cookie}` }, { kind: 'session' }],
  ['a session by its id', { sid: alice.cookie.split('.')[0] }, { kind: 'session' }],
  ['a user', { user_id: alice.id }, { kind: 'user', user: alice.id }],
  ['a client', { client_id: 'machine' }, { kind: 'client', client: 'machine' }],
  ['everybody', { all: true }, { kind: 'everyone' }]
]

for (const [what, body, event] of REVOCATIONS) {
  t.test(`an app is notified of ${what}`, async (t) => {
    const { replica } = await startOne(t)
    const session = await replica.nameOf(ALICE, '/verify?audience=grafana')
    const stream = await openEvents(t, replica.eventsPort, { app: 'grafana' })
    t.match(await replica.purge(body), { status: 'logged' })
    const isSession = 'kind' in event && event.kind === 'session'
    const { id, data } = await stream.until('told', ({ event, data }) =>
      event === 'revoked' && (!isSession || session.split('.').includes(String(data['session']))))
    t.match(data, { ...event, origin: 'management' })
    t.ok(Math.abs(Number(data['at']) - Date.now() / 1000) < 60, 'seconds since 1970')
    t.match(id, /^[0-9a-f]{16}\.[0-9a-f]{32}\.\d+-\d+$/)
  })
}

t.test('on three replicas', async (t) => {
  const { redis, replicas, begin, at } = await startThree(t)
  const session = await at(0).nameOf(ALICE)

  t.test('the name is the same on each, and after a restart', async (t) => {
    for (const replica of replicas) t.equal(await replica.nameOf(ALICE), session)
    const next = await begin()
    t.equal(await next.nameOf(ALICE), session)
    await next.close()
  })

  t.test('all streams get the same events in one order', async (t) => {
    const streams = await Promise.all(replicas.map(({ eventsPort }) => openEvents(t, eventsPort)))
    for (let n = 0; n < 30; n++) await at(n % 3).purge({ user_id: `user-${n}` })
    for (const stream of streams) await stream.until('the last', ({ data }) => data['user'] === 'user-29')
    const [first, ...others] = streams.map(({ told }) => told().map(({ user }) => user))
    t.equal(first?.length, 30)
    for (const other of others) t.strictSame(other, first)
  })

  t.test('missed events are sent again, by another replica too', async (t) => {
    const stream = await openEvents(t, at(0).eventsPort)
    await at(0).purge({ user_id: 'before' })
    await stream.until('before', ({ data }) => data['user'] === 'before')
    stream.close()
    for (const user of ['m1', 'm2', 'm3']) await at(1).purge({ user_id: user })
    for (const replica of replicas) {
      const back = await openEvents(t, replica.eventsPort, { after: stream.lastId() })
      await back.until('m3', ({ data }) => data['user'] === 'm3')
      t.strictSame(back.told().map(({ user }) => user), ['m1', 'm2', 'm3'])
      t.equal(back.events[0]?.event, 'connected')
    }
  })

  t.test('after FLUSHALL everybody who listens, or comes back, has to ask again', async (t) => {
    const [stays, leaves] = [await openEvents(t, at(0).eventsPort), await openEvents(t, at(1).eventsPort)]
    leaves.close()
    await redis.cli('FLUSHALL')
    await stays.until('reset', ({ event }) => event === 'reset')
    await until('all follow', () => replicas.every(isUp))
    const back = await openEvents(t, at(1).eventsPort, { after: leaves.lastId() })
    t.equal(back.events[0]?.event, 'reset')
    await at(2).purge({ user_id: 'afterwards' })
    for (const stream of [stays, back]) await stream.until('later', ({ data }) => data['user'] === 'afterwards')
  })

  t.test('a replica that stops sends its readers elsewhere, and they miss nothing', async (t) => {
    const leaving = await begin()
    await until('it follows', () => isUp(leaving))
    const stream = await openEvents(t, leaving.eventsPort)
    await leaving.close()
    await stream.until('moving', ({ event }) => event === 'moving')
    await until('ended', stream.hasEnded)
    await at(0).purge({ user_id: 'meanwhile' })
    const back = await openEvents(t, at(2).eventsPort, { after: stream.lastId() })
    await back.until('told', ({ data }) => data['user'] === 'meanwhile')
    t.strictSame([...new Set(back.events.map(({ event }) => event))], ['connected', 'revoked'], 'and is not reset')
  })
})

t.test('while CACHE_SECRET is rotated', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  const common = { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url }
  const parts = (name: string): readonly string[] => name.split('.')
  const names = (one: string, other: string): boolean => parts(one).some((part) => parts(other).includes(part))
  const signOut = { cookie: `session=${alice.cookie}` }

  const old = await start(t, common)
  const before = await old.nameOf(ALICE)
  const both = await start(t, { ...common, CACHE_SECRET: NEW_SECRET, CACHE_SECRET_PREVIOUS: OLD_SECRET })
  const between = await both.nameOf(ALICE)
  t.ok(parts(before).every((part) => parts(between).includes(part)), 'those of before are among those of now')
  const ofOld = await openEvents(t, old.eventsPort)
  const isTold = (session: string) => ({ data }: { data: Readonly<Record<string, unknown>> }): boolean =>
    names(session, String(data['session']))
  await both.purge(signOut)
  await ofOld.until('a socket of before, and one of now', (event) => isTold(before)(event) && isTold(between)(event))
  const back = await openEvents(t, both.eventsPort, { after: ofOld.lastId() })
  t.equal(back.events[0]?.event, 'reset', 'places of another secret are none')
  await old.close()

  const young = await start(t, { ...common, CACHE_SECRET: NEW_SECRET })
  await until('both follow', () => [both, young].every(isUp))
  const ofYoung = await openEvents(t, young.eventsPort, { after: back.lastId() })
  t.equal(ofYoung.events[0]?.event, 'connected')
  await young.purge(signOut)
  await ofYoung.until('a socket that the other let in', isTold(between))
  await back.until('there too', isTold(between))
})

t.test('while Redis is away', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  const replica = await start(t, { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url, REDIS_TIMEOUT: '100ms' })
  await until('it follows', () => isUp(replica))
  const stream = await openEvents(t, replica.eventsPort)
  await redis.stop()
  await stream.until('not followed', ({ event, data }) => event === 'state' && data['following'] === false)
  t.match(await replica.purge({ user_id: 'u1' }), { status: 'pending' })
  const { id } = await stream.until('told', ({ data }) => data['user'] === 'u1')
  t.equal(id, undefined, 'it has no place yet')
})

t.test('what is held can be checked', async (t) => {
  const { replica } = await startOne(t)
  const { eventsPort: port } = replica
  const began = Date.now() / 1000
  const [aliceName, bobName] = [await replica.nameOf(ALICE), await replica.nameOf(bearer(bob.accessToken))]
  const ask = (sessions: readonly unknown[]) => checkEvents(port, sessions)
  t.match(await ask([{ session: aliceName, since: began }]), { status: 200, body: { revoked: [], unknown: [] } })
  t.match(await ask([aliceName]), { body: { revoked: [], unknown: [aliceName] } }, 'from an unknown time')
  t.match(await ask([{ session: aliceName, since: began + 4 }]), { body: { unknown: [] } }, 'by a clock that is ahead')
  t.match(await ask([{ session: aliceName, since: began - 3600 }]), { body: { unknown: [aliceName] } })
  await replica.purge({ sid: alice.cookie.split('.')[0] })
  t.match(await ask([aliceName, { session: bobName, since: began }]), { body: { revoked: [aliceName], unknown: [] } })
  t.match(await checkEvents(port, [aliceName], 'wiki'), { body: { revoked: [] } }, 'of another app it says nothing')
  await replica.purge({ user_id: bob.id })
  const ofBob = { session: bobName, user: bob.id }
  t.match(await ask([{ ...ofBob, since: began }]), { body: { revoked: [bobName] } })
  t.match(await ask([{ ...ofBob, since: Date.now() / 1000 + 60 }]), { body: { revoked: [] } }, 'let in since')
  await replica.purge({ client_id: 'https://a.example/app' })
  t.match(await ask([{ session: 'x', client: 'https://A.example/%61pp', since: began }]), { body: { revoked: ['x'] } })
  t.match(await ask([{ session: 'x'.repeat(301) }]), { status: 400 })
  t.match(await ask(Array.from({ length: 1001 }, () => aliceName)), { status: 400 })
})

t.test('the metrics count streams by app, and what is told', async (t) => {
  const { replica } = await startOne(t)
  await openEvents(t, replica.eventsPort, { app: 'wiki' })
  await replica.purge({ user_id: 'u1' })
  await replica.purge({ all: true })
  const text = await replica.service.metrics.render()
  for (const line of [
    'forward_auth_event_streams{app="wiki"} 1',
    'forward_auth_event_streams{app="grafana"} 0',
    'forward_auth_events_total{kind="user"} 1',
    'forward_auth_events_total{kind="everyone"} 1',
    'forward_auth_event_streams_cut_total{reason="slow"} 0'
  ]) t.ok(text.includes(line), line)
  t.equal(Object.keys(APPS).length, 3)
})

t.test('a sign-in on another device closes nothing', async (t) => {
  const { replica } = await startOne(t, { AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET })
  const stream = await openEvents(t, replica.eventsPort)
  const tell = async (type: string, userId: string): Promise<number> => {
    const body = { id: `${type} ${userId}`, type, payload: { user: { id: userId } }, context: { user_id: userId } }
    return (await ask(replica.port, webhookOf(JSON.stringify(body)))).status
  }
  t.equal(await tell('user.authenticated', alice.id), 204)
  t.equal(await tell('user.profile.updated', alice.id), 204)
  t.equal(await tell('user.disabled', bob.id), 204)
  await stream.until('of bob', ({ data }) => data['user'] === bob.id)
  t.strictSame(stream.told().map(({ user }) => user), [alice.id, bob.id], 'a change of a profile and the end of a user')
})
