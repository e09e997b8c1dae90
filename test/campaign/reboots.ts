import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisServer } from '../helpers/redis.ts'
import { until } from '../helpers/until.ts'
import type { Fault } from './schedule.ts'
import { call } from './topologies/calls.ts'
import type { Undo } from './topologies/types.ts'
import type { World } from './world.ts'

type Reboot = Extract<Fault, { kind: 'redis-kept' | 'redis-emptied' }>

/** For sign-outs, refreshes and blocks that the file has and no snapshot would. */
const WRITES_FOR_MS = 2500
const APPENDS = ['--appendonly', 'yes'] as const // each second, by default

const nothing = (): void => {}

/** A host that reboots: all begin again, from a snapshot that lacks the newest revocations. */
export async function restore ({ topology, replicas }: World): Promise<Undo> {
  await Promise.all(topology.nodes.map((node) => call(node, 'SAVE')))
  await sleep(WRITES_FOR_MS)
  await Promise.all(replicas.map((replica) => replica.kill()))
  await Promise.all(topology.nodes.map((node) => node.stop()))
  await Promise.all(topology.nodes.map((node) => node.restart()))
  await Promise.all(replicas.map((replica) => replica.start()))
  await forget(topology.nodes, 'dump.rdb')
  return nothing
}

/** All of Redis at once, and these replicas with it: they start again while it is empty, or has what was appended. */
export async function reboot ({ topology: { nodes }, replicas }: World, { kind, killed }: Reboot): Promise<Undo> {
  const keeps = kind === 'redis-kept'
  if (keeps) await append(nodes)
  const ended = replicas.filter((_, index) => killed.includes(index))
  await Promise.all([...nodes.map((node) => node.stop()), ...ended.map((replica) => replica.kill())])
  await Promise.all(nodes.map((node) => node.restart(...keeps ? APPENDS : [])))
  await Promise.all(ended.map((replica) => replica.start()))
  return async () => { if (keeps) await stopAppending(nodes) }
}

async function append (nodes: readonly RedisServer[]): Promise<void> {
  await Promise.all(nodes.map(async (node) => {
    await call(node, 'CONFIG', 'SET', 'appendonly', 'yes')
    await until('all is in the file', async () =>
      /aof_enabled:1[^]*aof_rewrite_in_progress:0[^]*aof_rewrite_scheduled:0/.test(String(await call(node, 'INFO', 'persistence'))))
  }))
  await sleep(WRITES_FOR_MS)
}

/** From now on it has no persistence again. */
async function stopAppending (nodes: readonly RedisServer[]): Promise<void> {
  await Promise.all(nodes.map((node) => call(node, 'CONFIG', 'SET', 'appendonly', 'no')))
  await forget(nodes, 'appendonlydir')
}

async function forget (nodes: readonly RedisServer[], name: string): Promise<void> {
  await Promise.all(nodes.map(async (node) => {
    const [, folder] = await call(node, 'CONFIG', 'GET', 'dir') as string[]
    if (folder !== undefined) await rm(join(folder, name), { recursive: true, force: true })
  }))
}
