import type { Test } from 'tap'
import { startCluster } from '../../helpers/redis-cluster.ts'
import type { RedisServer } from '../../helpers/redis.ts'
import { until } from '../../helpers/until.ts'
import { drop, type Packets } from '../firewall.ts'
import { call, isMaster, OPEN_TO_LOOPBACK, revive, roleOf } from './calls.ts'
import { splitFrom } from './split.ts'
import type { Topology } from './types.ts'

/** A node's connections to others come from an address of its own, so that a firewall knows them. */
const sourceOf = (index: number): string => `127.0.2.${index + 1}`

/** Three masters, each with a replica. `slotOf`: the slot of the revocation log. */
export async function startClusterTopology (t: Test, logKey: string): Promise<Topology> {
  const cluster = await startCluster(t, {
    withReplicas: true, args: OPEN_TO_LOOPBACK, argsOf: (index) => ['--bind-source-addr', sourceOf(index)]
  })
  const nodes = [...cluster.masters, ...cluster.replicas]
  const slot = await cluster.slotOf(logKey)
  const masters = async (): Promise<readonly RedisServer[]> => {
    const roles = await Promise.all(nodes.map(roleOf))
    return nodes.filter((_, index) => isMaster(roles[index] ?? []))
  }
  /** By the word of any node that is not cut off. */
  async function master (): Promise<RedisServer> {
    for (const node of nodes) {
      const slots = await call(node, 'CLUSTER', 'SLOTS').catch(() => [])
      const ranges = Array.isArray(slots) ? slots as [number, number, [string, number]][] : []
      const port = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1]
      const found = nodes.find((one) => one.port === port)
      if (found !== undefined && isMaster(await roleOf(found))) return found
    }
    throw new Error('nobody holds the slot of the log')
  }
  async function isWhole (): Promise<boolean> {
    const states = await Promise.all(nodes.map((node) => call(node, 'CLUSTER', 'INFO')))
    const roles = await Promise.all(nodes.map(roleOf))
    return states.every((state) => /cluster_state:ok[\s\S]*cluster_slots_ok:16384/.test(String(state))) &&
      roles.filter(isMaster).length === cluster.masters.length &&
      roles.every((role) => isMaster(role) || role[3] === 'connected')
  }
  async function packetsOf (node: RedisServer): Promise<readonly Packets[]> {
    const [, bus = ''] = await call(node, 'CONFIG', 'GET', 'cluster-port') as string[]
    const source = sourceOf(nodes.indexOf(node))
    return [
      ...[String(node.port), bus].flatMap((port) => [
        ['!', '-s', '127.0.1.0/24', '-d', '127.0.0.1', '--dport', port],
        ['-s', '127.0.0.1', '!', '-d', '127.0.1.0/24', '--sport', port]
      ]),
      ['-s', source],
      ['-d', source]
    ]
  }
  return {
    nodes,
    ports: nodes.map(({ port }) => port),
    env: () => ({ REDIS_CLUSTER: cluster.masters.map(({ port }) => `127.0.0.1:${port}`).join(',') }),
    servers: () => cluster.servers,
    master,
    masters,
    async failOver () {
      const { port } = await master()
      const roles = await Promise.all(nodes.map(roleOf))
      const successor = nodes[roles.findIndex((role) => role[0] === 'slave' && role[2] === port)]
      if (successor !== undefined) await call(successor, 'CLUSTER', 'FAILOVER')
    },
    async depose (replicas, { stays }) {
      const old = await master()
      splitFrom(replicas, stays, old.port)
      return await drop(await packetsOf(old))
    },
    silenceCopy: undefined,
    async heal () {
      await revive(nodes)
      await until('the cluster is whole', async () => await isWhole().catch(() => false))
    }
  }
}
