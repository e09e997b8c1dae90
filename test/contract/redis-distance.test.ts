import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { connectRedis } from '../../src/base/redis/connect.ts'
import { startRedis } from '../helpers/redis.ts'
import { settingsFor } from '../helpers/redis-settings.ts'
import { until } from '../helpers/until.ts'

const KEYS = Array.from({ length: 10 }, (_, n) => `key ${n}`)

/** The way to a server, on which answers may be held back. */
async function startHolding (t: Test, target: number) {
  let held: Array<() => void> | undefined
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    client.on('error', () => {}).on('close', () => upstream.destroy()).pipe(upstream)
    upstream.on('error', () => {}).on('data', (data: Buffer) => {
      if (held === undefined) client.write(data)
      else held.push(() => client.write(data))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const release = (): void => { for (const send of held ?? []) send(); held = undefined }
  return { port: (server.address() as AddressInfo).port, hold: () => { held = [] }, release }
}

t.test('a Redis that is far away', async (t) => {
  const redis = await startRedis(t)
  const network = await startHolding(t, redis.port)
  const connection = connectRedis(settingsFor(network.port, { timeoutMs: 60_000 }), { up () {}, down () {} })
  t.teardown(() => connection.close())
  await until('it is connected', () => connection.isUp())

  t.test('a command does not wait for the answers to earlier ones', async (t) => {
    network.hold()
    const answers = KEYS.map((key) => connection.commands.setPx(key, Buffer.from('x'), 60_000))
    await until('Redis has run all', async () => await redis.cli('EXISTS', ...KEYS) === KEYS.length)
    network.release()
    t.strictSame((await Promise.allSettled(answers)).filter(({ status }) => status === 'rejected'), [])
  })
})
