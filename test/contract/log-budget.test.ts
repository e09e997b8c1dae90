import t, { type Test } from 'tap'
import type { Origin, Revocation } from '../../src/base/revocation/types.ts'
import { about, user } from '../helpers/log-entry.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { openLogReplica, PATIENCE_MS, settled, type LogReplica } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

const PREFIX = 'test:{log:project}'
const STREAM = `${PREFIX}:stream`
const LIMITS: Readonly<Record<Origin, number>> = { webhook: 20, management: 10, audit: 10, logout: 10 }
const MINUTE_MS = 60_000
/** What lies between two entries that each stand for a flood, milliseconds. */
const FLOOD_INTERVAL_MS = 10_000
const BOB = about('bob', 'bobs token')

async function start (t: Test, count: number, limits = LIMITS) {
  const redis = await startRedis(t)
  const open = (): LogReplica => openLogReplica(t, redis.port, { keyPrefix: PREFIX, limits })
  const replicas = Array.from({ length: count }, open)
  await settled(...replicas)
  return { redis, replicas }
}

const of = (origin: Origin, name: string): Revocation => ({ ...user(name), origin })

async function entries (redis: RedisServer, kind: string): Promise<number> {
  return JSON.stringify(await redis.cli('XRANGE', STREAM, '-', '+')).split(`"kind","${kind}"`).length - 1
}

async function spend ({ log }: LogReplica, origin: Origin): Promise<void> {
  const all = Array.from({ length: LIMITS[origin] }, (_, n) => of(origin, `${origin} ${n}`))
  const outcomes = await Promise.all(all.map(log.revoke)) // it has read them: others who have not are not settled
  if (outcomes.some((outcome) => outcome !== 'logged')) throw new Error(`${origin}: ${String(outcomes)}`)
}

t.test('the budget of the log in Redis', async (t) => {
  for (const origin of ['webhook', 'management', 'audit'] as const) {
    t.test(`a flood of ${origin}: what is beyond the budget goes in as one entry, and none is lost`, async (t) => {
      const { redis, replicas: [a, b] } = await start(t, 2)
      if (a === undefined || b === undefined) throw new Error('no replicas')
      await spend(a, origin)
      t.equal(await entries(redis, 'user'), LIMITS[origin])
      await settled(a, b)
      const [here, there] = [a.log.snapshot(), b.log.snapshot()]
      const flood = Array.from({ length: 300 }, (_, n) => about(`flood ${n}`))
      const outcomes = flood.map(({ userId = '' }) => a.log.revoke(of(origin, userId)))
      t.ok(flood.every((one) => a.log.isVoid(one, here)), 'each holds here at once')
      await until('each holds on the other', () => flood.every((one) => b.log.isVoid(one, there)))
      t.equal(await outcomes[0], 'logged')
      t.equal(await entries(redis, 'everything'), 1)
      t.equal(a.counts.capped, 300)

      await settled(a, b)
      const late = [a.log.snapshot(), b.log.snapshot()] as const
      a.pendAfter(10)
      t.equal(await a.log.revoke(of(origin, 'late')), 'pending', 'the next entry comes later')
      a.pendAfter(PATIENCE_MS)
      const outcome = a.log.revoke(of(origin, 'late'))
      t.same([a.log.isVoid(about('late'), late[0]), b.log.isVoid(about('late'), late[1])], [true, false])
      a.clock.jump(FLOOD_INTERVAL_MS)
      await until('and then holds on the other', () => b.log.isVoid(about('late'), late[1]))
      t.equal(await outcome, 'logged')
      t.equal(await entries(redis, 'everything'), 2)
      t.equal(await entries(redis, 'user'), LIMITS[origin], 'nothing else was written')
    })
  }

  t.test('a minute later there is room again', async (t) => {
    const { redis, replicas: [a] } = await start(t, 1)
    if (a === undefined) throw new Error('no replica')
    await spend(a, 'webhook')
    t.notOk(a.log.admits('webhook'))
    a.clock.jump(MINUTE_MS)
    t.equal(await a.log.revoke(user('alice')), 'logged')
    t.equal(await entries(redis, 'everything'), 0)
  })

  t.test('the budget is that of all replicas together', async (t) => {
    const { replicas: [a, b] } = await start(t, 2)
    if (a === undefined || b === undefined) throw new Error('no replicas')
    await spend(a, 'logout')
    await settled(a, b)
    t.same([a, b].map(({ log }) => log.admits('logout')), [false, false])
    t.same([a, b].map(({ log }) => log.admits('webhook')), [true, true], 'each origin has its own')
  })

  t.test('a flood beyond 1,000 names holds as everything and is published all the same', async (t) => {
    const { redis, replicas: [a, b] } = await start(t, 2)
    if (a === undefined || b === undefined) throw new Error('no replicas')
    await spend(a, 'webhook')
    await a.log.revoke(user('first'))
    await settled(a, b)
    const marks = [a, b].map(({ log }) => log.snapshot())
    a.pendAfter(10)
    const flood = Array.from({ length: 2500 }, (_, n) => a.log.revoke(user(`f${n}`)))
    t.ok(a.log.isVoid(BOB, marks[0] ?? a.log.snapshot()), 'everybody, where names are too many')
    t.strictSame(new Set(await Promise.all(flood)), new Set(['pending']))
    a.clock.jump(FLOOD_INTERVAL_MS)
    await until('the other has read it', () => b.log.isVoid(about('f2499'), marks[1] ?? b.log.snapshot()))
    t.equal(await entries(redis, 'everything'), 2)
    await settled(a, b)
    t.ok(a.log.trusts(b.seal(BOB)), 'and nothing of it is left')
  })

  t.test('refuses sign-outs from the 500th that waits for Redis, never as everything', async (t) => {
    const { redis, replicas: [a] } = await start(t, 1, { ...LIMITS, logout: 10_000 })
    if (a === undefined) throw new Error('no replica')
    await redis.stop()
    a.pendAfter(10)
    const before = a.log.snapshot()
    const outcomes: Array<Promise<unknown>> = []
    while (a.log.admits('logout')) outcomes.push(a.log.revoke(of('logout', `u${outcomes.length}`)))
    t.equal(outcomes.length, 500)
    t.ok(a.log.isVoid(about('u499'), before))
    t.notOk(a.log.isVoid(BOB, before), 'nobody else')
    await Promise.all(Array.from({ length: 1100 }, (_, n) => a.log.revoke(of('webhook', `w${n}`))))
    const generation = a.generation()
    await redis.restart()
    await until('a new generation', () => a.generation() !== generation)
    await settled(a)
    await until('all by themselves are in the log', async () => await entries(redis, 'user') >= 500 + LIMITS.webhook)
    await until('and the others, after them', async () => await entries(redis, 'everything') >= 1)
    await until('there is room again', () => a.log.admits('logout'))
    t.equal(await entries(redis, 'everything'), 1, 'for what is no sign-out')
  })
})
