import t from 'tap'
import { readCompose } from '../helpers/compose.ts'
import { APP, cookieOf, startOwnWorld } from '../helpers/own-world.ts'
import { type RedisServer, startRedis } from '../helpers/redis.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { isUp, tokenFleet } from '../helpers/token-fleet.ts'
import { until } from '../helpers/until.ts'

const STACKS = ['docker-compose.yml', ...['caddy', 'nginx', 'https', 'https-caddy'].map((name) => `deploy/compose/${name}.yml`)]
const skip = skipOrFail('docker-compose')
/** What is of the container: its access list, and the place of its volume. */
const OF_THE_CONTAINER = ['--aclfile', '--dir']

/** The options that the stack starts its Redis with, for a Redis of this machine. */
function optionsOf (file: string): readonly string[] {
  const [program, ...options] = readCompose(file, {})['redis']?.command ?? []
  t.equal(program, 'redis-server')
  return options.filter((option, at) =>
    !OF_THE_CONTAINER.includes(option) && !OF_THE_CONTAINER.includes(options[at - 1] ?? ''))
}

/**
 * `appendfsync everysec` keeps an acknowledged write for up to two seconds while the disk is busy with the one before:
 * a reboot, which ends Redis with SIGTERM, still writes it; `restart` kills.
 */
async function reboot (redis: RedisServer): Promise<void> {
  await until('Redis has handed all that it holds to the disk', async () =>
    /^aof_buffer_length:0\r?$/m.test(String(await redis.cli('INFO', 'persistence'))))
  await redis.restart()
}

for (const file of STACKS) {
  t.test(`${file}: a block outlives a reboot of Redis and all replicas`, { skip }, async (t) => {
    const redis = await startRedis(t, { args: optionsOf(file) })
    const fleet = await tokenFleet(t, { REDIS_URL: redis.url })
    const before = await fleet.start()
    await until('it follows', () => isUp(before))
    await until('the client is blocked', async () => (await before.block('dcrc_1')).status === 200)
    await before.close()
    await reboot(redis)
    const after = await fleet.start()
    await until('it follows again', () => isUp(after))
    t.equal(await after.statusOf('dcrc_1'), 401)
    t.equal(await after.statusOf('dcrc_2'), 200)
  })
}

for (const file of STACKS) {
  t.test(`${file}: a person stays signed in over a reboot of Redis and all replicas`, { skip }, async (t) => {
    const redis = await startRedis(t, { args: optionsOf(file) })
    const adapter = { REDIS_URL: redis.url, CACHE_SECRET: 'the secret of these replicas, 32 bytes' }
    const world = await startOwnWorld(t, { adapter })
    const cookie = cookieOf(await world.signedIn(), APP)
    await world.replicas[0]?.close()
    await reboot(redis)
    await world.add(adapter)
    const answer = () => world.verify(cookie, {}, 1)
    await until('it answers from what Redis kept', async () => (await answer()).status !== 503)
    t.match(await answer(), { status: 200, headers: { 'x-authgear-user-id': demo.alice.id } })
  })
}

t.test('every stack keeps Redis\' files in a volume', { skip }, async (t) => {
  for (const file of STACKS) {
    const { command, volumes = [] } = readCompose(file, {})['redis'] ?? {}
    const folder = command?.[command.indexOf('--dir') + 1]
    t.equal(volumes.find(({ target }) => target === folder)?.source, 'redis-data', file)
  }
})
