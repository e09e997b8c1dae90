import t, { type Test } from 'tap'
import type { InProcess } from '../helpers/in-process.ts'
import { APP, sessionCookie, startOwnWorld, type OwnWorld } from '../helpers/own-session-world.ts'
import { startRedis } from '../helpers/redis.ts'
import { startRelay } from '../helpers/relay.ts'
import { until } from '../helpers/until.ts'

interface Apart {
  readonly world: OwnWorld
  readonly replicas: readonly InProcess[]
  readonly value: string
  /** Redis can be reached again from everywhere. */
  mend (): void
}

/** Authgear gave one replica new tokens, and Redis cannot be reached from there to keep them. */
async function apart (t: Test, rotation: boolean): Promise<Apart> {
  const redis = await startRedis(t)
  const link = await startRelay(t, redis.port)
  const world = await startOwnWorld(t, { redis, client: { rotation }, adapter: { leaseMs: 300 } })
  const cut = await world.start({ machine: 'cut', REDIS_URL: `redis://127.0.0.1:${link.port}`, REDIS_TIMEOUT: '100ms' })
  const replicas = [...world.replicas, cut]
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  const value = sessionCookie(person) ?? ''
  for (const replica of replicas) t.equal(await world.byCookie(value, APP, replica), 'alice')
  world.clock.advance(310_000)
  const gate = world.relay.holdAnswers()
  const first = world.byCookie(value, APP, cut)
  await gate.arrived(1)
  link.to(undefined)
  gate.release()
  t.match(await first, /^(?:alice|503 )/, 'who has the new tokens')
  return { world, replicas, value, mend: () => link.to(redis.port) }
}

/** The lease in Redis ends by itself, and connections come back: until nobody waits any more. */
async function settled ({ world, replicas, value }: Apart): Promise<readonly string[]> {
  let all: readonly string[] = []
  await until('nobody waits', async () => {
    world.clock.advance(1001)
    all = await Promise.all(replicas.map((replica) => world.byCookie(value, APP, replica)))
    return all.every((who) => !/^503/.test(who))
  })
  return all
}

t.test('a replica cut off from Redis amid a refresh logs nobody out', async (t) => {
  const place = await apart(t, false)
  const [other] = place.replicas
  await until('the other replica refreshes for itself', async () => {
    const who = await place.world.byCookie(place.value, APP, other)
    t.notMatch(who, /^401/, 'an error is no log-out')
    place.world.clock.advance(1001)
    return who === 'alice'
  })
  place.mend()
  t.strictSame(await settled(place), ['alice', 'alice'])
})

// the tokens that nobody but the cut-off replica knows are the only good ones: docs/login.md says to leave rotation off
t.test('with rotation such a session may end, by Authgear\'s word alone', async (t) => {
  const place = await apart(t, true)
  place.mend()
  const all = await settled(place)
  const refused = place.world.relay.calls.filter(({ answer }) => answer['error'] === 'invalid_grant')
  t.ok(all.every((who) => who === 'alice') || refused.length > 0)
  t.ok(all.every((who) => who === 'alice' || /^401/.test(who)), all.join())
})
