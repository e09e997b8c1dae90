import type { Test } from 'tap'
import { startSentinelGroup } from '../../helpers/redis-sentinel.ts'
import type { RedisServer } from '../../helpers/redis.ts'
import { until } from '../../helpers/until.ts'
import { drop } from '../firewall.ts'
import { call, isConnectedTo, isMaster, OPEN_TO_LOOPBACK, revive, roleOf } from './calls.ts'
import { splitFrom } from './split.ts'
import type { Topology } from './types.ts'

/** Where a Redis replica comes from: among our replicas, which a partition leaves with the old master. */
const sourceOf = (index: number): string => `127.0.1.${200 + index}`

/** A master, two Redis replicas, three Sentinels. */
export async function startSentinel (t: Test): Promise<Topology> {
  const argsOf = (index: number) => ['--bind-source-addr', sourceOf(index), '--replica-announce-ip', '127.0.0.1']
  const group = await startSentinelGroup(t, { args: OPEN_TO_LOOPBACK, replicas: 2, argsOf })
  const { nodes, servers } = group
  const sentinels = servers.kind === 'sentinel' ? servers.sentinels.map(({ port }) => port) : []
  async function master (): Promise<RedisServer> {
    const port = await group.masterPort()
    const found = nodes.find((node) => node.port === port)
    if (found === undefined) throw new Error(`the Sentinels name ${port}, which is none of ours`)
    return found
  }
  /** A server that starts again has the role that it began with; Sentinels take ten seconds to tell it another. */
  async function isWhole (): Promise<boolean> {
    const chosen = await master()
    if (!isMaster(await roleOf(chosen))) {
      await call(chosen, 'REPLICAOF', 'NO', 'ONE').catch(() => {})
      return false
    }
    const states = await Promise.all(nodes.filter((node) => node !== chosen).map(async (node) => {
      const role = await roleOf(node)
      if (isConnectedTo(role, chosen.port)) return true
      if (isMaster(role)) await call(node, 'REPLICAOF', '127.0.0.1', String(chosen.port)).catch(() => {})
      return false
    }))
    return states.every(Boolean)
  }
  return {
    nodes,
    ports: [...nodes.map(({ port }) => port), ...sentinels],
    env: () => ({
      REDIS_SENTINELS: sentinels.map((port) => `127.0.0.1:${port}`).join(','), REDIS_SENTINEL_NAME: 'mymaster'
    }),
    servers: () => servers,
    master,
    masters: async () => [await master()],
    failOver: group.failOver,
    async depose (replicas, { stays }) {
      const old = await master()
      const [near, far] = nodes.filter((node) => node !== old)
      splitFrom(replicas, stays, old.port)
      const fromFar = far === undefined ? '' : sourceOf(nodes.indexOf(far))
      return await drop([
        ...[old, near].flatMap((node) => node === undefined
          ? []
          : [
              ['!', '-s', '127.0.1.0/24', '-d', '127.0.0.1', '--dport', String(node.port)],
              ['-s', '127.0.0.1', '!', '-d', '127.0.1.0/24', '--sport', String(node.port)]
            ]),
        ['-s', fromFar, '-d', '127.0.0.1', '--dport', String(old.port)],
        ['-s', '127.0.0.1', '-d', fromFar, '--sport', String(old.port)]
      ])
    },
    silenceCopy: undefined,
    async heal () {
      await revive(nodes)
      await until('one master with its replicas', async () => await isWhole().catch(() => false))
    }
  }
}
