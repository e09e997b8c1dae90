import t, { type Test } from 'tap'
import type { RedisServers } from '../../src/base/redis/options.ts'
import { SECRET } from '../helpers/in-process.ts'
import { addPrintedUser, PASSWORD, USERNAME } from '../helpers/redis-acl.ts'
import { startCluster } from '../helpers/redis-cluster.ts'
import { startSentinelGroup } from '../helpers/redis-sentinel.ts'
import type { RedisServer } from '../helpers/redis.ts'
import { startProcess } from '../helpers/process.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import { until } from '../helpers/until.ts'

const listOf = (servers: RedisServers): string =>
  (servers.kind === 'one' ? [] : servers.kind === 'cluster' ? servers.nodes : servers.sentinels)
    .map(({ host, port }) => `${host}:${port}`)
    .join(',')

/** Two replicas as users start them: what one learned the other finds in Redis. */
async function checkEnvironment (
  t: Test,
  nodes: readonly RedisServer[],
  env: Readonly<Record<string, string>>
): Promise<void> {
  const simulator = await startSimulator(t)
  const all = {
    AUTHGEAR_ENDPOINT: simulator.url,
    CACHE_SECRET: SECRET,
    REDIS_USERNAME: USERNAME,
    REDIS_PASSWORD: PASSWORD,
    REDIS_TLS: 'true',
    ...env
  }
  const [first, second] = [await startProcess(t, all), await startProcess(t, all)]
  const verify = async (url: string): Promise<string | null> =>
    (await fetch(`${url}/verify`, { headers: { Authorization: `Bearer ${demo.alice.accessToken}` } })).headers.get(
      'x-forward-auth-source'
    )
  for (const { managementUrl } of [first, second]) {
    await until('readyz says that Redis is up',
      async () => JSON.stringify(await (await fetch(`${managementUrl}/readyz`)).json()).includes('"redis":"up"'))
    t.match(await (await fetch(`${managementUrl}/metrics`)).text(), /^forward_auth_redis_up 1$/m)
  }
  t.equal(await verify(first.url), 'authgear')
  await until(
    'it is stored',
    async () =>
      (await Promise.all(nodes.map((node) => node.cli('KEYS', '*:entry') as Promise<string[]>))).flat().length > 0
  )
  t.equal(await verify(second.url), 'redis')
  t.equal(simulator.counters.resolutions, 1)
  const logs = first.logs() + second.logs()
  t.notMatch(logs, PASSWORD)
  t.notMatch(logs, /"level":"(?:warn|error)"/)
}

t.test('REDIS_CLUSTER with TLS and the user of docs/redis.md', async (t) => {
  const tls = makeTls(t)
  const cluster = await startCluster(t, { tls })
  for (const node of cluster.masters) await addPrintedUser(node, { isCluster: true })
  await checkEnvironment(t, cluster.masters, {
    REDIS_CLUSTER: listOf(cluster.servers), REDIS_CA_FILE: tls.caFile, REDIS_TIMEOUT: '1s'
  })
})

t.test('REDIS_SENTINELS with TLS, a password of theirs and the user of docs/redis.md', async (t) => {
  const tls = makeTls(t)
  const { nodes, servers } = await startSentinelGroup(t, { tls, sentinelPassword: 'of-the-sentinels' })
  for (const node of nodes) await addPrintedUser(node)
  await checkEnvironment(t, nodes, {
    REDIS_SENTINELS: listOf(servers),
    REDIS_SENTINEL_NAME: 'mymaster',
    REDIS_SENTINEL_PASSWORD: 'of-the-sentinels',
    REDIS_CA_FILE: tls.caFile,
    REDIS_TIMEOUT: '1s'
  })
})
