import t from 'tap'
import { startBadNetwork } from '../helpers/bad-network.ts'
import { user } from '../helpers/log-entry.ts'
import { startRedis } from '../helpers/redis.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { openLogReplica, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

const KEY = 'test:{log:project}'
const REVOCATIONS = 900
const REPLICAS = 3
const LATENCY_MS = 5

t.test('900 revocations are republished over a slow network while all follow', {
  skip: skipOrFail('redis-server')
}, async (t) => {
  const redis = await startRedis(t)
  const network = await startBadNetwork(t, redis.port)
  const open = () => openLogReplica(t, network.port, { keyPrefix: KEY })
  const replicas = Array.from({ length: REPLICAS }, open)
  const [a] = replicas
  if (a === undefined) throw new Error('no replica')
  await settled(...replicas)
  for (let from = 0; from < REVOCATIONS; from += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => a.log.revoke(user(`u${from + index}`))))
  }
  await settled(...replicas)
  network.become({ kind: 'slow', latencyMs: LATENCY_MS })
  const generation = a.generation()
  await redis.cli('FLUSHALL')
  await until('a new generation', () => replicas.every((one) => one.generation() !== generation), 20_000)
  const began = performance.now()
  let stoppedMs = 0
  const timer = setInterval(() => { if (replicas.some(({ log }) => !log.isFollowing())) stoppedMs += 10 }, 10)
  await a.log.revoke(user('new')) // a slow machine says pending
  const newMs = performance.now() - began
  await settled(...replicas)
  clearInterval(timer)
  const entries = Number(await redis.cli('XLEN', `${KEY}:stream`))
  t.comment(`new one ${Math.round(newMs)} ms, all ${Math.round(performance.now() - began)} ms, ${entries} entries`)
  t.equal(stoppedMs, 0, 'all follow all the time')
  const stream = await redis.cli('XRANGE', `${KEY}:stream`, '-', '+') as ReadonlyArray<[string, readonly string[]]>
  const names = stream.map(([, fields]) => fields[fields.indexOf('value') + 1])
  t.ok(names.indexOf('new') < REVOCATIONS / 2, `the new one is entry ${names.indexOf('new')}: it waits for no other`)
  t.ok(entries < 1.5 * REVOCATIONS, `${entries} entries: most were read back before a second copy was sent`)
})
