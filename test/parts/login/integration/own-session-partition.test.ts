import t from 'tap'
import { APP, sessionCookie, startOwnWorld } from '../../../helpers/own-session-world.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { startRelay } from '../../../helpers/relay.ts'
import { until } from '../../../helpers/until.ts'

/** Authgear gave one replica new tokens, and Redis cannot be reached from there to keep them. */
for (const rotation of [false, true]) {
  t.test(`a replica cut off from Redis amid a refresh logs nobody out, rotation ${rotation ? 'on' : 'off'}`, async (t) => {
    const redis = await startRedis(t)
    const link = await startRelay(t, redis.port)
    const world = await startOwnWorld(t, { redis, client: { rotation }, adapter: { leaseMs: 300 } })
    const [other] = world.replicas
    const cut = await world.start({ machine: 'cut', REDIS_URL: `redis://127.0.0.1:${link.port}`, REDIS_TIMEOUT: '100ms' })
    const person = world.person()
    await world.signIn(person, `${APP}/`)
    const value = sessionCookie(person) ?? ''
    for (const replica of [other, cut]) t.equal(await world.byCookie(value, APP, replica), 'alice')
    world.clock.advance(310_000)
    const gate = world.relay.holdAnswers()
    const first = world.byCookie(value, APP, cut)
    await gate.arrived(1)
    link.to(undefined)
    gate.release()
    t.match(await first, /^(?:alice|503 )/, 'who has the new tokens')
    // its lease in Redis ends by itself
    await until('the other replica says something', async () => {
      const who = await world.byCookie(value, APP, other)
      t.notMatch(who, /^401/, 'an error is no log-out')
      world.clock.advance(1001)
      return who !== 'unknown'
    })
    link.to(redis.port)
    await until('the other one is told, though nobody asks the one that was cut off', async () => {
      world.clock.advance(1001)
      const who = await world.byCookie(value, APP, other)
      if (/^401/.test(who)) throw new Error('logged out')
      return who === 'alice'
    })
    await until('both know the session again', async () => {
      world.clock.advance(10_000) // the one that has the new tokens looks at Redis once CACHE_TTL is over
      const all = await Promise.all([other, cut].map((replica) => world.byCookie(value, APP, replica)))
      if (all.some((who) => /^401/.test(who))) throw new Error(`logged out: ${all.join()}`)
      return all.every((who) => who === 'alice')
    })
    t.equal(await world.who(person), 'alice')
  })
}
