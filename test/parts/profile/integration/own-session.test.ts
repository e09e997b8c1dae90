import t, { type Test } from 'tap'
import { adminApi } from '../../../helpers/audit.ts'
import { APP, cookieOf, type OwnWorld, startOwnWorld } from '../../../helpers/own-world.ts'
import { profileSettings } from '../profile-settings.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { demo } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'

const ALICE = {
  'x-authgear-user-id': demo.alice.id,
  'remote-user': 'alice',
  'remote-email': 'alice@example.com',
  'remote-name': 'Alice Example',
  'remote-groups': 'staff'
} as const

/** Two replicas that read profiles, and send them by the names that many apps expect. */
async function startFleet (t: Test): Promise<OwnWorld> {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { simulator: { adminApi }, replicas: 0 })
  for (const machine of ['replica-1', 'replica-2']) {
    await world.add({
      REDIS_URL: redis.url,
      CACHE_TTL: '10m',
      ...profileSettings(world.authgear.url),
      IDENTITY_HEADERS: 'remote',
      IDENTITY_USER: 'username',
      machine
    })
  }
  return world
}

t.test('a profile is read and sent for a session of our own, once for all replicas', async (t) => {
  const world = await startFleet(t)
  const cookies = [cookieOf(await world.signedIn('alice'), APP), cookieOf(await world.signedIn('alice'), APP)]
  for (const cookie of cookies) {
    for (const replica of [0, 1]) t.match(await world.verify(cookie, {}, replica), { status: 200, headers: ALICE })
  }
  t.strictSame(world.authgear.controls.profiles.queries, [[demo.alice.id]], 'one query of one user')
})

t.test('each session of our own has the profile of its own user', async (t) => {
  const world = await startFleet(t)
  const [alice, bob] = [cookieOf(await world.signedIn('alice'), APP), cookieOf(await world.signedIn('bob'), APP)]
  t.match(await world.verify(bob), { status: 200, headers: { 'remote-user': 'bob', 'remote-email': '' } })
  t.match(await world.verify(alice), { status: 200, headers: ALICE })
  t.match((await world.verify(`__Host-forward-auth=${'A'.repeat(43)}`)).status, 401, 'nobody has none')
})

t.test('a revocation of the user has the profile of a session of our own read again', async (t) => {
  const world = await startFleet(t)
  const cookie = cookieOf(await world.signedIn('alice'), APP)
  t.match(await world.verify(cookie, {}, 1), { status: 200, headers: ALICE })
  world.authgear.controls.setAttributes('alice', { preferred_username: 'alicia' })
  t.match(await world.verify(cookie, {}, 1), { headers: { 'remote-user': 'alice' } }, 'remembered')
  t.equal((await world.revoke({ user_id: demo.alice.id })).status, 200)
  for (const replica of [0, 1]) {
    await until('the new one is sent', async () =>
      (await world.verify(cookie, {}, replica)).headers['remote-user'] === 'alicia')
  }
})

t.test('an Admin API that fails costs the profile, and signs nobody out', async (t) => {
  const world = await startFleet(t)
  world.authgear.controls.profiles.fail('error')
  const cookie = cookieOf(await world.signedIn('alice'), APP)
  const { status, headers } = await world.verify(cookie)
  t.match([status, headers['x-authgear-user-id'], headers['remote-email']], [200, demo.alice.id, ''])
})

t.test('with everything on a session of our own is remembered', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { simulator: { adminApi }, replicas: 0 })
  await world.add({
    ...profileSettings(world.authgear.url),
    REDIS_URL: redis.url,
    IDENTITY_HEADERS: 'remote',
    RESOURCES: 'https://api.example.com',
    ASSERTION: 'on',
    ASSERTION_ISSUER: 'https://auth.example.com',
    CACHE_MAX_MEMORY: '16m'
  })
  const cookies: string[] = []
  for (let n = 0; n < 20; n++) cookies.push(cookieOf(await world.signedIn(), APP))
  const sources = async (): Promise<readonly unknown[]> => {
    const all = await Promise.all(cookies.map((cookie) => world.verify(cookie)))
    return all.map(({ status, headers }) => `${status} ${String(headers['x-forward-auth-source'])}`)
  }
  await sources()
  t.strictSame(new Set(await sources()), new Set(['200 memory']))
})
