import t from 'tap'
import { adminApi, auditEnvironment } from '../../../helpers/audit.ts'
import { startInProcess, type InProcess } from '../../../helpers/in-process.ts'
import { metricOf, sumOf } from '../../../helpers/in-process-on-clock.ts'
import { startRedis, type RedisServer } from '../../../helpers/redis.ts'
import { ask, type Answer } from '../../../helpers/request.ts'
import { startSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'

const POLL_MS = 250
/** The overlap of what is read again is ten seconds: a position that is older was a gap once. */
const BEHIND_SECONDS = 12

type Slowness = Readonly<{
  how: string
  begin: (redis: RedisServer) => Promise<void>
  end: (redis: RedisServer) => void
}>

const FROZEN: Slowness = {
  how: 'its process is stopped', begin: async (redis) => { redis.pause() }, end: (redis) => { redis.resume() }
}
/** Redis itself holds every command back for so long, and then answers all of them. */
const PAUSED: Slowness = {
  how: 'it holds its clients back',
  begin: async (redis) => { await redis.cli('CLIENT', 'PAUSE', String((BEHIND_SECONDS + 2) * 1000), 'ALL') },
  end: () => {}
}

const byCookie = ({ port }: InProcess, cookie: string): Promise<Answer> =>
  ask(port, { path: '/verify', headers: [['Cookie', `session=${cookie}`]] })
const isFollowing = ({ service }: InProcess): boolean => service.redisState() === 'up'
const gaps = (replicas: readonly InProcess[], outcome: string): Promise<number> =>
  sumOf(replicas, `forward_auth_audit_gaps_total{outcome="${outcome}"}`)
const polls = (replicas: readonly InProcess[]): Promise<number> =>
  sumOf(replicas, 'forward_auth_audit_polls_total{outcome="ok"}')
const isRemembered = async (replica: InProcess, cookie: string): Promise<boolean> =>
  (await byCookie(replica, cookie)).headers['x-forward-auth-source'] === 'memory'

t.test('a slow Redis, three times: no cache is void', async (t) => {
  const [redis, simulator] = await Promise.all([startRedis(t), startSimulator(t, { adminApi })])
  const audit = auditEnvironment(simulator.url, `${POLL_MS}ms`)
  const settings = { AUTHGEAR_ENDPOINT: simulator.url, ...audit, CACHE_TTL: '10m', REDIS_URL: redis.url }
  const replicas = await Promise.all([1, 2].map(() => startInProcess(t, settings)))
  await until('one reads, and both follow', async () => await polls(replicas) > 1 && replicas.every(isFollowing))
  const { cookie } = simulator.controls.signIn('bob')
  const before = await polls(replicas)
  await until('the sign-in is read', async () => await polls(replicas) > before + 1)
  for (const replica of replicas) await until('remembered', () => isRemembered(replica, cookie))
  const asked = simulator.counters.of(cookie)

  for (const [round, { how, begin, end }] of [FROZEN, PAUSED, FROZEN].entries()) {
    await t.test(`time ${round + 1}: ${how}`, async (t) => {
      await begin(redis)
      const behind = (): Promise<readonly number[]> =>
        Promise.all(replicas.map((replica) => metricOf(replica, 'forward_auth_audit_behind_seconds')))
      await until('nobody has read for too long', async () => Math.min(...await behind()) > BEHIND_SECONDS)
      end(redis)
      const polled = await polls(replicas)
      await until('it is read again', async () => await polls(replicas) > polled)
      await until('both follow', () => replicas.every(isFollowing))
      t.same(await Promise.all(['everything', 'suppressed', 'expired'].map((one) => gaps(replicas, one))), [0, 0, 0])
      for (const replica of replicas) t.equal((await byCookie(replica, cookie)).status, 200)
      t.equal(simulator.counters.of(cookie), asked, 'Authgear is not asked about who was remembered')
    })
  }
  t.equal(await sumOf(replicas, 'forward_auth_audit_revocations_total{activity="gap"}'), 0)
  const told = replicas.flatMap(({ lines }) => lines).map(({ msg }) => String(msg))
  t.equal(told.filter((line) => line.startsWith('Redis did not answer in time, so that no replica')).length, 3)
  t.same(told.filter((line) => /may have been missed|the cache is discarded/.test(line)), [])
})
