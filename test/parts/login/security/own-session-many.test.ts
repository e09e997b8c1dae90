import t from 'tap'
import { MAX_SESSIONS } from '../../../../src/parts/login/sessions/users.ts'
import { sumOf } from '../../../helpers/in-process-on-clock.ts'
import { APP, sessionCookie, signedIn, startOwnWorld, WIKI, type OwnWorld } from '../../../helpers/own-session-world.ts'
import { last, type Person } from '../../../helpers/person.ts'
import { startRedis, type RedisServer } from '../../../helpers/redis.ts'
import { until } from '../../../helpers/until.ts'

/** What was resolved is remembered for less. */
const TTL_MS = 31_000
const TOO_MANY = 10

/** Records that are a session still. */
async function recordsIn (redis: RedisServer): Promise<number> {
  const keys = await redis.cli('KEYS', 'test:own:*:session') as string[]
  const versions = await Promise.all(keys.map((key) => redis.cli('GETRANGE', key, '0', '9')))
  return versions.filter((version) => String(version) !== '9999999999').length
}

const tooMany = ({ replicas }: OwnWorld): Promise<number> =>
  sumOf(replicas, 'forward_auth_own_sessions_ended_total{reason="too_many"}')

for (const isShared of [true, false]) {
  t.test(`an account that signs in for ever has 100 sessions, ${isShared ? 'with Redis' : 'alone'}`, async (t) => {
    const redis = isShared ? await startRedis(t) : undefined
    const replicas = isShared ? 2 : 1
    const world = await startOwnWorld(t, { ...redis && { redis }, replicas, adapter: { LOG_LEVEL: 'warn' } })
    const [bob, elsewhere] = [await signedIn(world, 'bob'), await signedIn(world, 'alice', WIKI)]
    const cookies: string[] = []
    for (let n = 0; n < MAX_SESSIONS + TOO_MANY; n++) {
      const person = world.person(() => world.replicas[n % world.replicas.length] ?? t.fail('a replica') as never)
      await world.signIn(person, `${APP}/`)
      cookies.push(sessionCookie(person) ?? '')
    }
    world.clock.advance(TTL_MS)
    if (redis !== undefined) t.equal(await recordsIn(redis), MAX_SESSIONS + 2)
    for (const replica of world.replicas) {
      const who = await Promise.all(cookies.map((cookie) => world.byCookie(cookie, APP, replica)))
      t.strictSame(new Set(who.slice(0, TOO_MANY)), new Set(['401 invalid_session']), 'the oldest are over')
      t.strictSame(new Set(who.slice(TOO_MANY)), new Set(['alice']), 'the newest live')
    }
    t.equal(await world.who(bob), 'bob', 'another user has sessions of their own')
    t.equal(await world.who(elsewhere, WIKI), 'alice', 'and so has another host')
    t.equal(await tooMany(world), TOO_MANY)
    const told = world.replicas.map(({ lines }) => lines.filter(({ msg }) => /more than 100 times/.test(String(msg))).length)
    t.strictSame(told, world.replicas.map(() => 1), 'told once a minute')
  })
}

for (const sso of ['off', 'on'] as const) {
  t.test(`the grant of a session that gave way ${sso === 'off' ? 'is revoked' : 'stays: SSO'}`, async (t) => {
    const redis = await startRedis(t)
    const world = await startOwnWorld(t, { redis, replicas: 2, adapter: { LOG_LEVEL: 'warn', LOGIN_SSO: sso } })
    for (let n = 0; n < MAX_SESSIONS + 1; n++) {
      await world.signIn(world.person(() => world.replicas[n % 2] ?? t.fail('a replica') as never), `${APP}/`)
    }
    const { calls } = world.relay
    const granted = calls.map(({ answer }) => answer['refresh_token']).filter((token) => token !== undefined)
    const revoked = () => calls.filter(({ path }) => path === '/oauth2/revoke').map(({ form }) => form['token'])
    t.equal(granted.length, MAX_SESSIONS + 1)
    if (sso === 'on') return t.strictSame(revoked(), [], 'it would take the browser\'s other sessions along')
    await until('one is revoked', () => revoked().length > 0)
    t.strictSame(revoked(), granted.slice(0, 1), 'the oldest, and no other')
  })
}

t.test('a stepped-up session is the newest, and a signed-out one takes no place', async (t) => {
  const world = await startOwnWorld(t)
  const people: Person[] = []
  for (let n = 0; n < MAX_SESSIONS; n++) people.push(await signedIn(world))
  const [stepped, oldest, out] = people as [Person, Person, Person]
  world.clock.advance(100_000)
  const { url } = last(await stepped.open(`${APP}/secret`))
  t.match(last(await stepped.send(url.replace('/authflow/v2/select_account', '/reauth'), {})), { status: 200 })
  await signedIn(world)
  t.equal(await tooMany(world), 1)
  world.clock.advance(TTL_MS)
  t.match([await world.who(stepped), await world.who(oldest)], ['alice', /^401/])
  await out.open(`${APP}/_auth/logout`)
  await signedIn(world)
  t.equal(await tooMany(world), 1, 'there was room')
})

t.test('a browser that signs in again replaces its own session', async (t) => {
  const world = await startOwnWorld(t)
  const oldest = await signedIn(world)
  const again = await signedIn(world)
  for (let n = 2; n < MAX_SESSIONS; n++) await signedIn(world)
  await world.signIn(again, `${APP}/_auth/login?rd=${APP}/`)
  t.equal(await tooMany(world), 0, 'a hundred browsers are not too many')
  world.clock.advance(TTL_MS)
  t.equal(await world.who(oldest), 'alice', 'nobody else is signed out')
})
