import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { startRedis } from '../../../helpers/redis.ts'
import { isUp, tokenFleet, untilAll } from '../../../helpers/token-fleet.ts'
import { until } from '../../../helpers/until.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

/** Each answer comes so much later; longer than REDIS_TIMEOUT, and no reason to believe that Redis is away. */
const DELAY_MS = 120

async function slowly (t: Test, target: number): Promise<number> {
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const [one, other] of [[client, upstream], [upstream, client]] as const) {
      one.on('error', () => {}).once('close', () => other.destroy())
    }
    client.pipe(upstream)
    upstream.on('data', (bytes) => setTimeout(() => client.destroyed || client.write(bytes), DELAY_MS))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

t.test('a Redis that is slow, whose log is followed, refuses nobody', async (t) => {
  const redis = await startRedis(t)
  const fleet = await tokenFleet(t, { REDIS_URL: `redis://127.0.0.1:${await slowly(t, redis.port)}`, REDIS_TIMEOUT: '50ms' })
  const replica = await fleet.start()
  await until('it follows the log', () => isUp(replica))
  await untilAll([replica], 'dcrc_1', 200)
})

t.test('a Redis that is full takes no block, and nobody else is refused', async (t) => {
  const redis = await startRedis(t)
  const clock = manualClock()
  const fleet = await tokenFleet(t, { REDIS_URL: redis.url, clock })
  const replica = await fleet.start()
  await until('it follows the log', () => isUp(replica))
  await redis.cli('CONFIG', 'SET', 'maxmemory', '1mb')
  t.match(await replica.block('dcrc_1'), { status: 503, body: { status: 'pending' } })
  clock.advance(10_000)
  await until('it knows the list again', async () => {
    clock.advance(500)
    return await replica.statusOf('dcrc_2') === 200
  })
  t.equal(await replica.statusOf('dcrc_1'), 401)
  await redis.cli('CONFIG', 'SET', 'maxmemory', '0')
  await until('it is written', async () => (await replica.block('dcrc_1')).status === 200)
})
