import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { credential } from '../helpers/log-entry.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { openLogReplica } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

const USERS = 48

// as fast as a flood, and as seldom as sign-outs are while CACHE_SECRET is rotated, with an Authgear that is slower
for (const { everyMs, latencyMs } of [{ everyMs: 20, latencyMs: 200 }, { everyMs: 250, latencyMs: 600 }]) {
  t.test(`a foreign entry every ${everyMs} ms is load and no outage`, async (t) => {
    const redis = await startRedis(t)
    const simulator = await startSimulator(t)
    simulator.controls.latency = latencyMs
    const users = Array.from({ length: USERS }, (_, index) => `T${String(index).padStart(31, '0')}`)
    users.forEach((token, index) => {
      simulator.controls.addUser({ id: `u${index}`, name: `u${index}`, sessions: [{ accessTokens: [token] }] })
    })
    const adapter = await startInProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url, CACHE_DEGRADED_TTL: '1s'
    })
    await until('it follows', () => adapter.service.redisState() === 'up')
    const [key = ''] = (await redis.cli('KEYS', '*:head')) as string[]
    const other = openLogReplica(t, redis.port, { keyPrefix: key.replace(/:head$/, ''), key: Buffer.alloc(32, 9) })
    await until('the other follows', () => other.log.trustsShared())
    const stop = new AbortController()
    const flood = (async () => {
      while (!stop.signal.aborted) {
        await other.log.revoke(credential('nobody'))
        await sleep(everyMs)
      }
    })()
    await until('the flood runs', async () => Number(await redis.cli('XLEN', key.replace(/:head$/, ':stream'))) > 10)
    const answers = await Promise.all(
      users.map((token) => ask(adapter.port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`]] }))
    )
    stop.abort()
    await flood
    const refused = answers.filter(({ status }) => status !== 200).length
    t.comment(`${refused} of ${USERS} not 200`)
    t.equal(refused, 0)
  })
}
