import t from 'tap'
import {
  APP, cookieName, sessionCookie, signedIn, startOwnWorld, type OwnWorld
} from '../../../helpers/own-session-world.ts'
import type { Person } from '../../../helpers/person.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { startRelay } from '../../../helpers/relay.ts'
import { until } from '../../../helpers/until.ts'

/** The promise is two seconds; what a busy machine takes comes on top. */
const PATIENCE_MS = 20_000

const revocations = ({ relay }: OwnWorld): readonly unknown[] =>
  relay.calls.filter(({ path }) => path.startsWith('/oauth2/revoke')).map(({ form }) => form['token'])
const refreshTokenOf = ({ relay }: OwnWorld): string =>
  String(relay.calls.findLast(({ answer }) => 'refresh_token' in answer)?.answer['refresh_token'])

/** The browser is closed at the redirect to Authgear. */
const signOutAlone = (person: Person) =>
  person.open(`${APP}/_auth/logout`, { until: ({ url }) => new URL(url).pathname === '/_auth/logout' })

const revoked = (world: OwnWorld, tokens: readonly string[]): Promise<void> =>
  until('the grant is revoked at Authgear', () => tokens.every((one) => revocations(world).includes(one)), PATIENCE_MS)

t.test('a sign-out whose browser does not go on ends the grant at Authgear', async (t) => {
  for (const redis of [undefined, await startRedis(t)]) {
    const world = await startOwnWorld(t, redis === undefined ? {} : { redis })
    const person = await signedIn(world)
    const token = refreshTokenOf(world)
    await signOutAlone(person)
    await revoked(world, [token])
  }
})

t.test('a sign-out ends the grants of both cookies that a browser brings', async (t) => {
  const world = await startOwnWorld(t)
  const tokens: string[] = []
  const cookies: string[] = []
  for (const user of ['alice', 'bob']) {
    cookies.push(`${cookieName(APP)}=${sessionCookie(await signedIn(world, user)) ?? ''}`)
    tokens.push(refreshTokenOf(world))
  }
  await world.person().open(`${APP}/_auth/logout`, { headers: { cookie: cookies.join('; ') }, until: () => true })
  await revoked(world, tokens)
})

t.test('a record restored after a sign-out is refused on every replica', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis, replicas: 2 })
  const person = await signedIn(world)
  const [value, token] = [sessionCookie(person) ?? '', refreshTokenOf(world)]
  for (const replica of world.replicas) t.equal(await world.byCookie(value, APP, replica), 'alice')
  const [name] = await redis.cli('KEYS', '*:session') as readonly string[]
  if (name === undefined) throw new Error('Redis has no session')
  await redis.cli('COPY', name, `${name}-before`)
  await signOutAlone(person)
  await revoked(world, [token])
  const fresh = await world.start({ machine: 'fresh' })
  for (const replica of [fresh, ...world.replicas]) {
    await redis.cli('COPY', `${name}-before`, name, 'REPLACE')
    world.clock.advance(31_000)
    t.match(await world.byCookie(value, APP, replica), /^401/)
  }
})

t.test('takes a signed-out session for eight seconds at most where cut off from Redis', async (t) => {
  const redis = await startRedis(t)
  const link = await startRelay(t, redis.port)
  const world = await startOwnWorld(t, { redis })
  const cut = await world.start({ machine: 'cut', REDIS_URL: `redis://127.0.0.1:${link.port}`, REDIS_TIMEOUT: '100ms' })
  const person = await signedIn(world)
  const [value, token] = [sessionCookie(person) ?? '', refreshTokenOf(world)]
  t.equal(await world.byCookie(value, APP, cut), 'alice')
  link.to(undefined)
  await signOutAlone(person)
  await revoked(world, [token])
  world.clock.advance(8001)
  t.not(await world.byCookie(value, APP, cut), 'alice')
})

for (const sso of ['on', 'off'] as const) {
  t.test(`a refresh that comes back to an ended session, LOGIN_SSO=${sso}`, async (t) => {
    const redis = await startRedis(t)
    const world = await startOwnWorld(t, { redis, client: { rotation: true }, adapter: { LOGIN_SSO: sso } })
    const person = await signedIn(world)
    const [value, old] = [sessionCookie(person) ?? '', refreshTokenOf(world)]
    world.clock.advance(310_000)
    const gate = world.relay.holdAnswers()
    const late = world.byCookie(value)
    await gate.arrived(1)
    const newer = refreshTokenOf(world)
    t.not(newer, old, 'Authgear has rotated')
    await signOutAlone(person)
    gate.release()
    t.match(await late, /^401/)
    await world.replicas[0]?.close() // whatever waits is revoked now
    t.ok(revocations(world).includes(old))
    // it would end the sessions of a login that took this one's place
    t.equal(revocations(world).includes(newer), sso === 'off')
  })
}
