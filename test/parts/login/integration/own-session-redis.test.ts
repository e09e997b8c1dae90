import { Redis } from 'ioredis'
import t from 'tap'
import { type CacheKey, deriveKeys } from '../../../../src/base/core/cache-key.ts'
import { createSealer } from '../../../../src/base/crypto/sealing.ts'
import { openAt, seal, type SealedRecord } from '../../../../src/parts/login/sessions/record.ts'
import { startBadNetwork } from '../../../helpers/bad-network.ts'
import { SECRET } from '../../../helpers/in-process.ts'
import { APP, sessionCookie, signedIn, startOwnWorld } from '../../../helpers/own-session-world.ts'
import { last } from '../../../helpers/person.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { until } from '../../../helpers/until.ts'

const PAST_TOKEN_MS = 310_000
const LONG_MS = 20_000

t.test('a Redis that takes longer than REDIS_TIMEOUT keeps nobody from signing in or out', async (t) => {
  const redis = await startRedis(t)
  const network = await startBadNetwork(t, redis.port)
  const adapter = { REDIS_TIMEOUT: '10ms', patienceMs: LONG_MS }
  const world = await startOwnWorld(t, { redis: { ...redis, port: network.port }, adapter })
  network.become({ kind: 'slow', latencyMs: 30 })
  for (let n = 0; n < 3; n++) {
    const person = world.person()
    const hops = await world.signIn(person, `${APP}/`)
    t.match(last(hops), { status: 200, url: `${APP}/` })
    world.clock.advance(PAST_TOKEN_MS)
    t.equal(await world.who(person), 'alice', 'a refresh, too')
    const value = sessionCookie(person) ?? ''
    await person.open(`${APP}/_auth/logout`)
    t.match(await world.byCookie(value), /^401/)
  }
})

t.test('a replica that never refreshed knows from the record that tokens do not rotate', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis })
  const value = sessionCookie(await signedIn(world)) ?? ''
  world.clock.advance(PAST_TOKEN_MS)
  t.equal(await world.byCookie(value), 'alice')
  const fresh = await world.start({ machine: 'fresh' })
  t.equal(await world.byCookie(value, APP, fresh), 'alice')
  await redis.stop()
  world.clock.advance(PAST_TOKEN_MS)
  await until('it refreshes by itself', async () => {
    world.clock.advance(1001) // a connection that was just lost is a moment's trouble
    const who = await world.byCookie(value, APP, fresh)
    if (/^401/.test(who)) throw new Error('signed out')
    return who === 'alice'
  }, 20_000)
})

t.test('a fresh deployment learns early whether tokens rotate, before Redis is away', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis })
  const values = [await signedIn(world), await signedIn(world, 'bob')].map((one) => sessionCookie(one) ?? '')
  world.clock.advance(PAST_TOKEN_MS / 8)
  t.equal(await world.byCookie(values[0] ?? ''), 'alice')
  await until('one refresh in the background', () => world.authgear.controls.tokens.refreshes === 1)
  t.equal(await world.byCookie(values[1] ?? ''), 'bob')
  await redis.stop()
  world.clock.advance(PAST_TOKEN_MS)
  for (const [n, user] of ['alice', 'bob'].entries()) {
    await until(`${user} goes on`, async () => {
      world.clock.advance(1001) // a connection that was just lost is a moment's trouble
      const who = await world.byCookie(values[n] ?? '')
      if (/^401/.test(who)) throw new Error('signed out')
      return who === user
    }, LONG_MS)
  }
})

t.test('a sign-out holds on all replicas while Redis is out of memory', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis, replicas: 2, adapter: { CACHE_TTL: '10m' } })
  const person = await signedIn(world)
  const value = sessionCookie(person) ?? ''
  for (const replica of world.replicas) t.equal(await world.byCookie(value, APP, replica), 'alice')
  await redis.cli('CONFIG', 'SET', 'maxmemory', '1')
  t.match(await redis.cli('SET', 'x', 'y').catch(String), /OOM/)
  const [hop] = await person.open(`${APP}/_auth/logout`, { until: () => true })
  t.match(hop, { status: 302, headers: { location: /end_session/ } })
  for (const replica of world.replicas) {
    await until('it is over there', async () => /^401/.test(await world.byCookie(value, APP, replica)))
  }
})

t.test('a value of another type in the place of a session is no session', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis })
  const person = await signedIn(world)
  const [name = ''] = await redis.cli('KEYS', '*:session') as readonly string[]
  await redis.cli('DEL', name)
  await redis.cli('LPUSH', name, 'x')
  world.clock.advance(PAST_TOKEN_MS)
  t.match(await world.who(person), /^401/, 'and no 503 for ever')
  await person.open(`${APP}/`)
  t.equal(await world.who(person), 'alice', 'who signs in once more')
})

t.test('a refresh keeps the fields that a later release wrote into the record', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis })
  const value = sessionCookie(await signedIn(world)) ?? ''
  const [name = ''] = await redis.cli('KEYS', '*:session') as readonly string[]
  const key = /{(.+)}/.exec(name)?.[1] as CacheKey
  const place = { key, sealer: createSealer(deriveKeys(Buffer.from(SECRET)).of('own sessions')) }
  const client = new Redis(redis.url)
  t.teardown(() => client.disconnect())
  const read = async (): Promise<SealedRecord> => openAt(place, await client.getBuffer(name) ?? Buffer.alloc(0))
  const first = await read()
  if (typeof first !== 'object') throw new Error('no record is there')
  const others = { deviceKey: 'thumbprint' }
  await client.set(name, seal(place, { ...first, version: first.version + 1, others }), 'PX', 3_600_000)
  world.clock.advance(PAST_TOKEN_MS)
  t.equal(await world.byCookie(value), 'alice')
  const later = await read()
  t.match(later, { others, accessToken: String })
  t.not(typeof later === 'object' && later.accessToken, first.accessToken, 'after a refresh')
})
