import type { Test } from 'tap'
import { settingsFor } from '../../helpers/redis-settings.ts'
import { startRedis, type RedisServer, type RedisServerName } from '../../helpers/redis.ts'
import { until } from '../../helpers/until.ts'
import { OPEN, startLink } from '../link.ts'
import type { Links } from '../replica.ts'
import { call, isConnectedTo, OPEN_TO_LOOPBACK, revive, roleOf } from './calls.ts'
import type { Topology, Undo } from './types.ts'

const LOSES_FOR_MS = 500
const ARGS = { args: ['--repl-diskless-sync-delay', '0', ...OPEN_TO_LOOPBACK] }

/** One address that leads to the master of two servers. */
export async function startStandalone (t: Test, server: RedisServerName): Promise<Topology> {
  const nodes = await Promise.all([startRedis(t, { ...ARGS, server }), startRedis(t, { ...ARGS, server })])
  let [master, copy] = nodes as [RedisServer, RedisServer]
  const address = master.port
  const replication = await startLink(t, master.port, '127.0.0.1')
  /** The one way of each replica, wherever it leads. */
  const point = (replicas: readonly Links[]): void => {
    for (const links of replicas) links.get(address)?.to(master.port)
  }
  async function pair (): Promise<void> {
    replication.become(OPEN)
    replication.to(master.port)
    await call(master, 'REPLICAOF', 'NO', 'ONE')
    await call(copy, 'REPLICAOF', '127.0.0.1', String(replication.port))
    await until('it has a replica', async () => isConnectedTo(await roleOf(copy), replication.port))
  }
  await pair()
  return {
    nodes,
    ports: [address],
    env: () => ({ REDIS_URL: `redis://127.0.0.1:${address}` }),
    servers: () => settingsFor(master.port).servers,
    master: async () => master,
    masters: async () => [master],
    failOver: undefined,
    async depose (replicas, { stays, silent }): Promise<Undo> {
      if (silent) replication.become({ kind: 'silent', lost: 'both' })
      await call(copy, 'REPLICAOF', 'NO', 'ONE')
      await new Promise((resolve) => setTimeout(resolve, LOSES_FOR_MS))
      ;[master, copy] = [copy, master]
      point(replicas.filter((_, index) => !stays.includes(index)))
      return () => {}
    },
    silenceCopy () {
      replication.become({ kind: 'silent', lost: 'both' })
      return () => { replication.become(OPEN); replication.reset() }
    },
    async heal (replicas) {
      await revive(nodes)
      await pair()
      if (replicas.some((links) => links.get(address)?.target !== master.port)) point(replicas)
    }
  }
}
