import type { Test } from 'tap'
import type { RedisServers } from '../../src/base/redis/options.ts'
import { freePort } from './free-port.ts'
import { startRedis, type RedisOptions, type RedisServer } from './redis.ts'
import { until } from './until.ts'

export interface RedisCluster {
  /** The slots in equal parts. */
  readonly masters: readonly RedisServer[]
  /** One for each master, in the same order, where they were asked for. */
  readonly replicas: readonly RedisServer[]
  readonly servers: RedisServers
  /** The node that holds a key's slot by that node's own word. */
  ownerOf (key: string): Promise<RedisServer>
  slotOf (key: string): Promise<number>
  /** One master begins to give a slot to another: keys that are not there any more are at the other (ASK). */
  beginMove (slot: number, from: RedisServer, to: RedisServer): Promise<void>
  /** All its keys go over. */
  moveKeys (slot: number, from: RedisServer, to: RedisServer): Promise<void>
  /** The slot is the other's (MOVED). */
  endMove (slot: number, from: RedisServer, to: RedisServer): Promise<void>
}

export type ClusterOptions = RedisOptions & Readonly<{
  withReplicas?: boolean
  /** Further arguments of each node. */
  argsOf?: (index: number) => readonly string[]
}>

const SLOTS = 16_384
const MASTERS = 3
/** Milliseconds; a dead master is succeeded after about twice that. */
const NODE_TIMEOUT = 1000

/** Three real masters that serve their own slots whatever becomes of the others. */
export async function startCluster (
  t: Test,
  { withReplicas = false, argsOf = () => [], ...options }: ClusterOptions = {}
): Promise<RedisCluster> {
  const nodes = await Promise.all(
    Array.from({ length: withReplicas ? 2 * MASTERS : MASTERS }, (_, index) =>
      startNode(t, { ...options, args: [...(options.args ?? []), ...argsOf(index)] })
    )
  )
  const [masters, replicas] = [nodes.slice(0, MASTERS), nodes.slice(MASTERS)]
  await join(nodes, masters)
  await Promise.all(
    replicas.map(async (replica, index) => {
      await replica.cli('CLUSTER', 'REPLICATE', await idOf(at(masters, index)))
    })
  )
  await until('the cluster is whole', async () => {
    const states = await Promise.all(nodes.map((node) => node.cli('CLUSTER', 'INFO')))
    return states.every((state) =>
      /cluster_state:ok[\s\S]*cluster_slots_ok:16384[\s\S]*cluster_known_nodes:(3|6)/.test(String(state))
    )
  })
  await until(
    'replicas are linked',
    async () =>
      (await Promise.all(replicas.map((one) => one.cli('ROLE')))).every(
        (role) => Array.isArray(role) && role[3] === 'connected'
      )
  )
  const slotOf = async (key: string): Promise<number> => Number(await at(masters, 0).cli('CLUSTER', 'KEYSLOT', key))
  const servers: RedisServers = { kind: 'cluster', nodes: masters.map(({ port }) => ({ host: '127.0.0.1', port })) }
  return Object.freeze({
    servers,
    masters,
    replicas,
    slotOf,
    ownerOf: async (key: string) => at(masters, Math.floor(await slotOf(key) * MASTERS / SLOTS)),
    async beginMove (slot: number, from: RedisServer, to: RedisServer) {
      await to.cli('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', await idOf(from))
      await from.cli('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', await idOf(to))
    },
    async moveKeys (slot: number, from: RedisServer, to: RedisServer) {
      for (let keys = await keysIn(from, slot); keys.length > 0; keys = await keysIn(from, slot)) {
        await from.cli('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys)
      }
    },
    async endMove (slot: number, from: RedisServer, to: RedisServer) {
      const id = await idOf(to)
      for (const node of [to, from, ...masters]) await node.cli('CLUSTER', 'SETSLOT', String(slot), 'NODE', id)
    }
  })
}

/** With a bus port of its own, else it takes the port 10,000 above. */
async function startNode (t: Test, options: RedisOptions): Promise<RedisServer> {
  const bus = await freePort()
  return await startRedis(t, {
    ...options,
    args: [
      '--cluster-enabled',
      'yes',
      '--cluster-port',
      String(bus),
      '--cluster-node-timeout',
      String(NODE_TIMEOUT),
      '--cluster-require-full-coverage',
      'no',
      '--cluster-announce-ip',
      '127.0.0.1',
      '--repl-diskless-sync-delay',
      '0',
      ...(options.tls === undefined ? [] : ['--tls-cluster', 'yes']),
      ...(options.args ?? [])
    ]
  })
}

async function join (nodes: readonly RedisServer[], masters: readonly RedisServer[]): Promise<void> {
  for (const [index, node] of masters.entries()) {
    const [from, to] = [Math.ceil(index * SLOTS / MASTERS), Math.ceil((index + 1) * SLOTS / MASTERS) - 1]
    await node.cli('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to))
    await node.cli('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
  }
  const first = at(nodes, 0)
  for (const node of nodes.slice(1)) {
    const [, bus] = await node.cli('CONFIG', 'GET', 'cluster-port') as string[]
    await first.cli('CLUSTER', 'MEET', '127.0.0.1', String(node.port), bus ?? '')
  }
  await until(
    'all nodes know each other',
    async () =>
      (await Promise.all(nodes.map((node) => node.cli('CLUSTER', 'INFO')))).every((info) =>
        String(info).includes(`cluster_known_nodes:${nodes.length}`)
      )
  )
}

const idOf = async (node: RedisServer): Promise<string> => String(await node.cli('CLUSTER', 'MYID'))

async function keysIn (node: RedisServer, slot: number): Promise<string[]> {
  const keys = await node.cli('CLUSTER', 'GETKEYSINSLOT', String(slot), '100')
  return Array.isArray(keys) ? keys.map(String) : []
}

function at (nodes: readonly RedisServer[], index: number): RedisServer {
  const node = nodes[index]
  if (node === undefined) throw new Error(`no node ${index}`)
  return node
}
