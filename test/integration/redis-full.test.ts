import t from 'tap'
import { MANAGEMENT_TOKEN, startInProcess, type InProcess } from '../helpers/in-process.ts'
import { metricOf, sourceOf, sumOf, verify } from '../helpers/in-process-on-clock.ts'
import { managementOf } from '../helpers/management.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { jumpingClock } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'
import { disabledEvent, webhookOf, WEBHOOK_SECRET } from '../helpers/webhook.ts'

/** What a clock jumps so that no poll before it counts, milliseconds. */
const STALE_MS = 3000

t.test('replicas whose Redis is out of memory', async (t) => {
  const redis = await startRedis(t, { args: ['--maxmemory-policy', 'noeviction'] })
  const simulator = await startSimulator(t)
  const clock = jumpingClock()
  // longer than a test waits: Authgear's own refusal would hide a webhook that never came
  const cache = { CACHE_TTL: '10m', CACHE_DEGRADED_TTL: '10m' }
  const settings = { REDIS_URL: redis.url, AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET, ...cache, clock }
  const open = (): Promise<InProcess> => startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...settings })
  const [first, second] = [await open(), await open()]
  const source = async (adapter: InProcess, token: string): Promise<string> => sourceOf(await verify(adapter, token))
  const isFollowed = async (): Promise<boolean> =>
    (await sumOf([first, second], 'forward_auth_revocation_log_connected')) === 2
  await until('both follow', isFollowed)
  await redis.cli('CONFIG', 'SET', 'maxmemory', '1')
  await t.rejects(redis.cli('SET', 'a', 'b'), /^OOM/)

  t.test('follow the log and answer from memory', async (t) => {
    clock.jump(STALE_MS)
    await until('both follow', isFollowed)
    for (const adapter of [first, second]) {
      await verify(adapter, demo.bob.accessToken)
      t.equal(await source(adapter, demo.bob.accessToken), '200 memory')
    }
    const seen = async (one: InProcess): Promise<number> => await metricOf(one, 'forward_auth_replicas_seen')
    await until('both are seen by both', async () => await seen(first) === 2 && await seen(second) === 2)
  })

  t.test('take a purge (200) that holds on the other', async (t) => {
    for (const adapter of [first, second]) await verify(adapter, demo.alice.accessToken)
    const purge = { method: 'POST', url: '/revocations', headers: { authorization: `Bearer ${MANAGEMENT_TOKEN}` } } as const
    const { statusCode } = await managementOf(t, first.service).inject({
      ...purge, payload: { user_id: demo.alice.id }
    })
    t.equal(statusCode, 200)
    await until('the other has read it', async () => await source(second, demo.alice.accessToken) === '200 authgear')
  })

  t.test('take a webhook (204) that holds on the other', async (t) => {
    for (const adapter of [first, second]) await verify(adapter, demo.alice.accessToken)
    simulator.controls.disable('alice')
    t.equal((await ask(first.port, webhookOf(disabledEvent(demo.alice.id)))).status, 204)
    await until('the other has read it', async () => (await verify(second, demo.alice.accessToken)).status === 401)
    t.equal(await source(second, demo.bob.accessToken), '200 memory', 'nobody else is forgotten')
  })
})
