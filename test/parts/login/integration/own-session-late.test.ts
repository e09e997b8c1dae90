import t, { type Test } from 'tap'
import { APP, sessionCookie, startOwnWorld, type OwnWorld } from '../../../helpers/own-session-world.ts'
import { startRedis, type RedisServer } from '../../../helpers/redis.ts'
import { answers, until } from '../../../helpers/until.ts'

const PAST_TOKEN_MS = 310_000

/** Comes when the session is known there, and never is anybody's again. */
const known = ({ clock, byCookie }: OwnWorld, value: string, replica: OwnWorld['replicas'][number]): Promise<void> =>
  until('the session is known', async () => {
    clock.advance(1001) // trouble of a moment ago is over
    const who = await byCookie(value, APP, replica)
    if (/^401/.test(who)) throw new Error('signed out')
    return who === 'alice'
  })

async function start (t: Test, timeout: string): Promise<OwnWorld & { redis: RedisServer, value: string }> {
  const redis = await startRedis(t)
  const adapter = { AUTHGEAR_TIMEOUT: timeout, leaseMs: 300 }
  const world = await startOwnWorld(t, { redis, replicas: 2, client: { rotation: true }, adapter })
  const patient = await world.start({ machine: 'patient', AUTHGEAR_TIMEOUT: '30s' })
  const person = world.person(() => patient)
  await world.signIn(person, `${APP}/`)
  const value = sessionCookie(person)
  if (value === undefined) throw new Error('nobody signed in')
  for (const replica of world.replicas) await known(world, value, replica)
  return { ...world, redis, value }
}

t.test('keeps tokens that come after AUTHGEAR_TIMEOUT: Authgear has rotated', async (t) => {
  const world = await start(t, '2s')
  world.clock.advance(PAST_TOKEN_MS)
  const gate = world.relay.holdAnswers()
  const asked = world.byCookie(world.value)
  await gate.arrived(1)
  t.match(await asked, /^503/, 'nobody waits for so long')
  t.match(await world.byCookie(world.value), /^503/, 'and nobody else does')
  gate.release()
  for (const replica of world.replicas) await known(world, world.value, replica)
})

t.test('a replica that ends waits for the refresh under way, and stores it', async (t) => {
  const world = await start(t, '30s')
  // nobody waits for this one: it is ahead of the token's end
  world.clock.advance(290_000)
  const gate = world.relay.holdAnswers()
  const [first, second] = world.replicas
  if (first === undefined || second === undefined) throw new Error('two replicas were started')
  t.equal(await world.byCookie(world.value, APP, first), 'alice')
  await gate.arrived(1)
  const closed = first.close()
  await until('it takes no more requests', async () => !await answers(first.port))
  gate.release()
  await closed
  world.clock.advance(PAST_TOKEN_MS)
  await known(world, world.value, second)
})

const recordsIn = async (redis: RedisServer): Promise<readonly string[]> =>
  await redis.cli('KEYS', '*:session') as readonly string[]

t.test('a replica gives Redis back the newer tokens that a failover lost', async (t) => {
  const { redis, value, ...world } = await start(t, '30s')
  const [first, second] = world.replicas
  if (first === undefined || second === undefined) throw new Error('two replicas were started')
  const [name = ''] = await recordsIn(redis)
  await redis.cli('COPY', name, 'old')
  world.clock.advance(PAST_TOKEN_MS)
  t.equal(await world.byCookie(value, APP, first), 'alice')
  // an older copy of all: the log is another one, and the session's record an older one
  const heads = await redis.cli('KEYS', '*:head') as readonly string[]
  await redis.cli('DEL', heads[0] ?? '')
  await redis.cli('COPY', 'old', name, 'REPLACE')
  const version = async (): Promise<unknown> => await redis.cli('GETRANGE', name, '0', '9')
  await until('it is written once more', async () => await version() === '0000000002')
  world.clock.advance(PAST_TOKEN_MS)
  await known({ ...world }, value, second)
})
