import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { SECRET } from '../../../helpers/in-process.ts'
import { APP, WIKI, sessionCookie, startOwnWorld, type OwnWorld } from '../../../helpers/own-session-world.ts'
import type { Person } from '../../../helpers/person.ts'
import { startRedis, type RedisServer } from '../../../helpers/redis.ts'

interface Dump { readonly key: string, readonly value: Buffer, readonly ttl: number }

/** Somebody who can read and write all of Redis, and knows no secret of ours. */
interface Intruder {
  all (): Promise<readonly Dump[]>
  put (dump: Dump): Promise<void>
  client: Redis
}

async function intrude (t: Test, redis: RedisServer): Promise<Intruder> {
  const client = new Redis(redis.url, { lazyConnect: true })
  await client.connect()
  t.teardown(() => client.disconnect())
  return {
    client,
    async all () {
      const keys = await client.keys('*')
      const dumps = await Promise.all(keys.map(async (key) => {
        const [value, ttl] = [await client.dumpBuffer(key), await client.pttl(key)]
        return value === null ? [] : [{ key, value, ttl: Math.max(0, ttl) }]
      }))
      return dumps.flat().toSorted((a, b) => a.key < b.key ? -1 : 1)
    },
    put: async ({ key, value, ttl }) => { await client.restore(key, ttl, value, 'REPLACE') }
  }
}

/** No other person, and no 500. */
const NOBODY_ELSE = /^(?:alice|401 |503 )/

const added = (before: readonly Dump[], after: readonly Dump[]): readonly Dump[] =>
  after.filter(({ key, value }) => !before.some((one) => one.key === key && one.value.equals(value)))

interface Both {
  readonly world: OwnWorld
  readonly intruder: Intruder
  readonly alice: Kept
  readonly bob: Kept
  /** By her cookie, at a replica that has just started. */
  whoIsAlice (): Promise<string>
}
interface Kept { readonly person: Person, readonly cookie: string, readonly dumps: readonly Dump[] }

/** Alice and bob signed in, and what each login left in Redis. */
async function both (t: Test): Promise<Both> {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis })
  const intruder = await intrude(t, redis)
  const keptOf = async (user: string): Promise<Kept> => {
    const before = await intruder.all()
    const person = world.person()
    await world.signIn(person, `${APP}/`, user)
    t.equal(await world.who(person), user)
    return { person, cookie: sessionCookie(person) ?? '', dumps: added(before, await intruder.all()) }
  }
  const [alice, bob] = [await keptOf('alice'), await keptOf('bob')]
  t.ok(alice.dumps.length > 0, 'a session is kept in Redis')
  const whoIsAlice = async (): Promise<string> => {
    const fresh = await world.start({ machine: 'fresh' })
    const who = await world.byCookie(alice.cookie, APP, fresh)
    await fresh.close()
    return who
  }
  return { world, intruder, alice, bob, whoIsAlice }
}

t.test('what is in Redis names neither people nor sessions, nor is any of it a cookie', async (t) => {
  const { intruder, alice, bob } = await both(t)
  const text = (await intruder.all()).map(({ key, value }) => key + value.toString('latin1')).join('\n')
  for (const { cookie } of [alice, bob]) t.notOk(text.includes(cookie))
})

t.test('another replica, and one that is new, know the session by Redis', async (t) => {
  const { world, alice } = await both(t)
  const fresh = await world.start({ machine: 'fresh' })
  t.equal(await world.who(alice.person, APP, fresh), 'alice')
})

t.test('a record in another\'s place admits no user as another', async (t) => {
  const { intruder, alice, bob, whoIsAlice } = await both(t)
  // each value of bob's under each key of alice's: whatever is a session's record is among them
  for (const { key, ttl } of alice.dumps) {
    for (const { value } of bob.dumps) {
      await intruder.put({ key, value, ttl }).catch(() => {})
      t.match(await whoIsAlice(), NOBODY_ELSE)
    }
  }
})

t.test('a record with one bit changed is no session, and no error of ours', async (t) => {
  const { intruder, alice, whoIsAlice } = await both(t)
  const strings = await Promise.all(alice.dumps.map(async ({ key }) =>
    await intruder.client.type(key) === 'string' ? [key] : []))
  for (const key of strings.flat()) {
    const value = await intruder.client.getBuffer(key) as Buffer
    for (const at of [0, 1, 12, Math.floor(value.length / 2), value.length - 1]) {
      const edited = Buffer.from(value)
      edited[at] = (edited[at] ?? 0) ^ 1
      await intruder.client.set(key, edited, 'PX', 3_600_000)
      t.match(await whoIsAlice(), NOBODY_ELSE, `byte ${at}`)
    }
    for (const odd of [Buffer.alloc(0), Buffer.from('{}'), Buffer.alloc(2 * 2 ** 20, 1)]) {
      await intruder.client.set(key, odd, 'PX', 3_600_000)
      t.match(await whoIsAlice(), NOBODY_ELSE, `${odd.length} bytes`)
    }
    await intruder.client.set(key, value, 'PX', 3_600_000)
  }
})

t.test('a key of another type in a record\'s place is no error of ours', async (t) => {
  const { intruder, alice, whoIsAlice } = await both(t)
  for (const { key, value, ttl } of alice.dumps) {
    await intruder.client.del(key)
    await intruder.client.lpush(key, 'x')
    t.match(await whoIsAlice(), NOBODY_ELSE)
    await intruder.put({ key, value, ttl })
  }
})

t.test('a record of one host under another\'s cookie opens no other host', async (t) => {
  const { world, intruder, alice } = await both(t)
  const before = await intruder.all()
  await world.signIn(alice.person, `${WIKI}/`)
  const wiki = sessionCookie(alice.person, WIKI) ?? ''
  for (const { key, ttl } of added(before, await intruder.all())) {
    for (const { value } of alice.dumps) {
      await intruder.put({ key, value, ttl }).catch(() => {})
      const fresh = await world.start({ machine: 'fresh' })
      t.not(await world.byCookie(wiki, APP, fresh), 'alice')
      t.not(await world.byCookie(alice.cookie, WIKI, fresh), 'alice')
      await fresh.close()
    }
  }
})

t.test('what Redis had before a sign-out, put back, is no session', async (t) => {
  const { world, intruder, alice } = await both(t)
  const before = await intruder.all()
  await alice.person.open(`${APP}/_auth/logout`)
  t.match(await world.byCookie(alice.cookie), /^401/)
  for (const dump of before) await intruder.put(dump)
  world.clock.advance(31_000)
  t.match(await world.byCookie(alice.cookie), /^401/, 'where it was known')
  const fresh = await world.start({ machine: 'fresh' })
  t.match(await world.byCookie(alice.cookie, APP, fresh), /^(?:401|503)/, 'and where it never was')
})

t.test('a record from before a refresh, put back, harms nobody else', async (t) => {
  const { world, intruder, alice, bob } = await both(t)
  world.clock.advance(290_000)
  t.equal(await world.who(alice.person), 'alice')
  for (const dump of alice.dumps) await intruder.put(dump)
  const fresh = await world.start({ machine: 'fresh' })
  t.equal(await world.who(alice.person, APP, fresh), 'alice', 'without rotation the older one is as good')
  t.equal(await world.who(bob.person, APP, fresh), 'bob')
})

t.test('a Redis that lost everything costs one silent login, and no page of an error', async (t) => {
  const { world, intruder, alice } = await both(t)
  await intruder.client.flushall()
  const fresh = await world.start({ machine: 'fresh' })
  const person = alice.person
  t.match(await world.who(person, APP, fresh), /^401/)
  const hops = await world.signIn(person, `${APP}/deep`)
  t.equal(hops.at(-1)?.url, `${APP}/deep`)
})

const NEXT = 'the cache secret after its rotation'

t.test('a rotation of CACHE_SECRET logs nobody out', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis })
  const [old] = world.replicas
  const [before, during] = [world.person(), world.person()]
  await world.signIn(before, `${APP}/`)
  const renewed = await world.start({ machine: 'renewed', CACHE_SECRET: NEXT, CACHE_SECRET_PREVIOUS: SECRET })
  t.equal(await world.who(before, APP, renewed), 'alice', 'a session of before, at a replica that has both')
  const throughRenewed = world.person(() => renewed)
  await world.signIn(throughRenewed, `${APP}/`, 'bob')
  t.equal(await world.who(throughRenewed, APP, renewed), 'bob')
  t.equal(await world.who(throughRenewed, APP, old), 'bob', 'the other way round')
  await world.signIn(during, `${APP}/`)
  t.equal(await world.who(during, APP, renewed), 'alice')
  // past a refresh, at which records are written again
  world.clock.advance(290_000)
  for (const person of [before, during]) t.equal(await world.who(person, APP, renewed), 'alice')
  t.equal(await world.who(throughRenewed, APP, renewed), 'bob')
  for (const person of [before, during]) t.equal(await world.who(person, APP, old), 'alice')
})

t.test('a rotation of LOGIN_SECRET logs nobody out', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis })
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  const renewed = await world.start({ machine: 'renewed', LOGIN_SECRET: 'the login secret after its rotation' })
  t.equal(await world.who(person, APP, renewed), 'alice')
})

t.test('a record that one without the secret wrote is no session', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis })
  const foreign = await world.start({ machine: 'foreign', CACHE_SECRET: 'another secret that nobody here has' })
  const person = world.person(() => foreign)
  await world.signIn(person, `${APP}/`)
  t.equal(await world.who(person, APP, foreign), 'alice')
  t.match(await world.who(person), /^401/)
})
