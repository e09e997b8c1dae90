import t from 'tap'
import { readCompose } from '../helpers/compose.ts'
import { startRedis } from '../helpers/redis.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { isUp, tokenFleet } from '../helpers/token-fleet.ts'
import { until } from '../helpers/until.ts'

const STACKS = ['docker-compose.yml', ...['caddy', 'nginx', 'https', 'https-caddy'].map((name) => `deploy/compose/${name}.yml`)]
const skip = skipOrFail('docker-compose') || skipOrFail('redis-server')
/** What is of the container: its access list, and the place of its volume. */
const OF_THE_CONTAINER = ['--aclfile', '--dir']

/** The options that the stack starts its Redis with, for a Redis of this machine. */
function optionsOf (file: string): readonly string[] {
  const [program, ...options] = readCompose(file, {})['redis']?.command ?? []
  t.equal(program, 'redis-server')
  return options.filter((option, at) =>
    !OF_THE_CONTAINER.includes(option) && !OF_THE_CONTAINER.includes(options[at - 1] ?? ''))
}

for (const file of STACKS) {
  t.test(`${file}: a block outlives a reboot of Redis and all replicas`, { skip }, async (t) => {
    const redis = await startRedis(t, { args: optionsOf(file) })
    const fleet = await tokenFleet(t, { REDIS_URL: redis.url })
    const before = await fleet.start()
    await until('it follows', () => isUp(before))
    await until('the client is blocked', async () => (await before.block('dcrc_1')).status === 200)
    await before.close()
    await redis.restart()
    const after = await fleet.start()
    await until('it follows again', () => isUp(after))
    t.equal(await after.statusOf('dcrc_1'), 401)
    t.equal(await after.statusOf('dcrc_2'), 200)
  })
}

t.test('every stack keeps Redis\' files in a volume', { skip }, async (t) => {
  for (const file of STACKS) {
    const { command, volumes = [] } = readCompose(file, {})['redis'] ?? {}
    const folder = command?.[command.indexOf('--dir') + 1]
    t.equal(volumes.find(({ target }) => target === folder)?.source, 'redis-data', file)
  }
})
