import t, { type Test } from 'tap'
import { sumOf } from '../../../helpers/in-process-on-clock.ts'
import { APP, cookieOf, type OwnWorld, type OwnWorldOptions, startOwnWorld } from '../../../helpers/own-world.ts'
import { startRedis, type RedisServer } from '../../../helpers/redis.ts'
import { until } from '../../../helpers/until.ts'

const LIFE_MS = 300_000

interface Fleet extends OwnWorld { readonly redis: RedisServer }

async function startFleet (t: Test, { adapter, client, ...more }: OwnWorldOptions = {}): Promise<Fleet> {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, {
    replicas: 2,
    adapter: { REDIS_URL: redis.url, CACHE_TTL: '10m', REDIS_TIMEOUT: '2s', ...adapter },
    ...client && { client },
    ...more
  })
  return { ...world, redis }
}

const reasonOf = ({ headers }: { headers: Readonly<Record<string, unknown>> }): unknown =>
  headers['x-forward-auth-reason']

for (const rotation of [false, true]) {
  const how = `rotation ${rotation ? 'on' : 'off'}`

  t.test(`a session of one replica is one of the other, and they refresh it once, ${how}`, async (t) => {
    const world = await startFleet(t, { client: { rotation } })
    const cookie = cookieOf(await world.signedIn(), APP)
    for (let round = 1; round <= 3; round++) {
      world.clock.advance(LIFE_MS + 1000)
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => world.verify(cookie, { 'x-request-id': `${round}-${n}` }, n % 2)))
      t.ok(answers.every(({ status }) => status === 200), answers.map(({ status }) => status).join())
      t.equal(world.authgear.controls.tokens.refreshes, round)
    }
    const warnings = world.replicas.flatMap(({ lines }) => lines).filter(({ msg }) => /rotates/.test(String(msg)))
    t.equal(warnings.length > 0, rotation, 'said once where it costs something')
  })

  t.test(`a grant that Authgear ended ends everywhere, at the first replica to notice, ${how}`, async (t) => {
    const world = await startFleet(t, { client: { rotation } })
    const cookie = cookieOf(await world.signedIn(), APP)
    for (const replica of [0, 1]) t.equal((await world.verify(cookie, {}, replica)).status, 200)
    world.authgear.controls.revokeSessions('alice')
    t.equal((await world.verify(cookie, {}, 1)).status, 200, 'remembered')
    world.clock.advance(6000)
    const noticed = await world.ask('/verify?role=admin', cookie)
    t.match(noticed, { status: 401, headers: { 'x-forward-auth-reason': 'invalid_session' } })
    await until('the other knows', async () => (await world.verify(cookie, {}, 1)).status === 401)
    t.strictSame(await recordsIn(world.redis), ['9999999999'], 'the record is gone for good')
  })
}

/** What each record in Redis begins with: its version. */
async function recordsIn (redis: RedisServer): Promise<readonly string[]> {
  const keys = await redis.cli('KEYS', 'test:own:*:session') as string[]
  return await Promise.all(keys.map(async (key) => String(await redis.cli('GETRANGE', key, '0', '9')).slice(0, 10)))
}

t.test('a refresh that lost its lease overwrites nothing', async (t) => {
  const world = await startFleet(t)
  const cookie = cookieOf(await world.signedIn(), APP)
  world.clock.advance(LIFE_MS + 1000)
  const gate = world.authgear.controls.tokens.hold()
  const first = world.verify(cookie)
  await gate.arrived(1)
  for (const lease of await world.redis.cli('KEYS', 'test:own:*:lease') as string[]) await world.redis.cli('DEL', lease)
  const second = world.verify(cookie, {}, 1)
  await gate.arrived(2)
  gate.release()
  t.strictSame((await Promise.all([first, second])).map(({ status }) => status), [200, 200])
  t.strictSame(await recordsIn(world.redis), ['0000000002'])
  const outcome = (name: string) => sumOf(world.replicas, `forward_auth_session_refreshes_total{outcome="${name}"}`)
  t.strictSame([await outcome('refreshed'), await outcome('not_stored')], [1, 1])
})

t.test('junk cookies cost Redis one look each, and Authgear none', async (t) => {
  const world = await startFleet(t)
  const looks = async (): Promise<number> =>
    Number(/cmdstat_get:calls=(\d+)/.exec(String(await world.redis.cli('INFO', 'commandstats')))?.[1] ?? 0)
  const junk = (n: number) => `__Host-forward-auth=${String(n).padStart(43, 'J')}`
  const before = [await looks(), world.authgear.counters.resolutions]
  const answers = await Promise.all(Array.from({ length: 400 }, (_, n) => world.verify(junk(n % 100))))
  t.ok(answers.every(({ status }) => status === 401))
  const [looked, asked] = [await looks() - (before[0] ?? 0), world.authgear.counters.resolutions]
  // one look for each of the hundred, and not for each of 400; the check of the secret looks too, the longer it takes
  t.ok(looked >= 100 && looked < 300, String(looked))
  t.equal(asked, before[1])
  t.equal(await sumOf(world.replicas, 'forward_auth_own_sessions'), 0)
  t.match(reasonOf(await world.verify('__Host-forward-auth=short')), 'malformed_credentials', 'not even a look')
})

t.test('Redis away: sessions that a replica has seen go on, and no others are signed out', async (t) => {
  const world = await startFleet(t, { adapter: { REDIS_TIMEOUT: '100ms', CACHE_TTL: '1s' } })
  const [alice, bob] = [await world.signedIn('alice'), await world.signedIn('bob')].map((one) => cookieOf(one, APP))
  t.equal((await world.verify(alice ?? '', {}, 1)).status, 200)
  await world.redis.stop()
  world.clock.advance(2000)
  t.equal((await world.verify(alice ?? '', {}, 1)).status, 200)
  const unknown = await world.verify(bob ?? '', {}, 1)
  t.match([unknown.status, reasonOf(unknown)], [503, 'authgear_unavailable'])
  await world.redis.restart()
  await until('lost with Redis: one redirect', async () => (await world.verify(bob ?? '', {}, 1)).status === 401)
})

t.test('thirty people at once: one refresh each', async (t) => {
  const world = await startFleet(t)
  const people = 30
  const cookies: string[] = []
  for (let n = 0; n < people; n++) cookies.push(cookieOf(await world.signedIn(), APP))
  world.clock.advance(LIFE_MS + 1000)
  const answers = await Promise.all([0, 1, 0, 1].flatMap((replica) =>
    cookies.map((cookie) => world.verify(cookie, {}, replica))))
  t.ok(answers.every(({ status }) => status === 200))
  t.equal(world.authgear.controls.tokens.refreshes, people)
  t.equal(await sumOf(world.replicas, 'forward_auth_session_refreshes_total{outcome="refreshed"}'), people)
})
