import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { RedisServers } from '../../src/base/redis/options.ts'
import { startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { redisClient, startRedis, tlsSettings, type RedisOptions, type RedisServer } from './redis.ts'
import { mustFind } from './servers.ts'
import { tempDir } from './temp-dir.ts'
import type { TlsFiles } from './tls.ts'
import { until } from './until.ts'

export interface SentinelGroup {
  /** The first is master at the start, the others follow it. */
  readonly nodes: readonly RedisServer[]
  readonly servers: RedisServers
  /** The port of the master as the Sentinels have it now. */
  masterPort (): Promise<number>
  /** One command to the first Sentinel. */
  sentinel (...command: readonly [string, ...string[]]): Promise<unknown>
  /** Begins a planned failover once Sentinel knows that a Redis replica is well. */
  failOver (): Promise<void>
  /** All Sentinels have another master from now on, although a replica may follow the old one. */
  monitor (port: number): Promise<void>
}

export type SentinelOptions = RedisOptions & Readonly<{
  replicas?: number
  /** Of the server with that number, beside `args`. */
  argsOf?: (index: number) => readonly string[]
  /** Without spaces: it stands in a configuration file. */
  sentinelPassword?: string
}>

const NAME = 'mymaster'
const SENTINELS = 3

/** A master, its replicas, and three Sentinels that fail over within some two seconds. */
export async function startSentinelGroup (
  t: Test,
  { replicas = 1, sentinelPassword, argsOf = () => [], ...options }: SentinelOptions = {}
): Promise<SentinelGroup> {
  const args = ['--repl-diskless-sync-delay', '0', ...(options.args ?? [])]
  const master = await startRedis(t, { ...options, args: [...args, ...argsOf(0)] })
  const others = await Promise.all(
    Array.from({ length: replicas }, (_, index) => {
      const own = [...args, ...argsOf(index + 1)]
      return startRedis(t, { ...options, args: [...own, '--replicaof', '127.0.0.1', String(master.port)] })
    })
  )
  await until(
    'replicas are linked',
    async () =>
      (await Promise.all(others.map((one) => one.cli('ROLE')))).every(
        (role) => Array.isArray(role) && role[3] === 'connected'
      )
  )
  const ports = await Promise.all(
    Array.from({ length: SENTINELS }, () => startSentinel(t, master, sentinelPassword, options.tls))
  )
  const ask = async (port: number, ...command: readonly [string, ...string[]]): Promise<unknown> =>
    await redisClient(
      `redis${options.tls === undefined ? '' : 's'}://${sentinelPassword === undefined ? '' : `:${sentinelPassword}@`}127.0.0.1:${port}`,
      command,
      options.tls
    )
  await until(
    'the Sentinels know each other',
    async () =>
      (await Promise.all(ports.map((port) => ask(port, 'SENTINEL', 'CKQUORUM', NAME).catch(() => '')))).every(
        (answer) => String(answer).startsWith(`OK ${SENTINELS} usable`)
      )
  )
  await until(
    'they know the replicas',
    async () =>
      (await Promise.all(ports.map((port) => ask(port, 'SENTINEL', 'REPLICAS', NAME)))).every(
        (answer) => Array.isArray(answer) && answer.length === replicas
      )
  )
  const servers: RedisServers = {
    kind: 'sentinel',
    sentinels: ports.map((port) => ({ host: '127.0.0.1', port })),
    name: NAME,
    password: sentinelPassword
  }
  return Object.freeze({
    servers,
    nodes: [master, ...others],
    sentinel: (...command: readonly [string, ...string[]]) => ask(ports[0] ?? 0, ...command),
    async failOver () {
      const isBegun = async (): Promise<boolean> => await ask(ports[0] ?? 0, 'SENTINEL', 'FAILOVER', NAME).then(
        () => true, (error: unknown) => { if (String(error).includes('NOGOODSLAVE')) return false; throw error }
      )
      await until('a Redis replica can be promoted', isBegun)
    },
    async monitor (masterPort: number) {
      for (const port of ports) {
        await ask(port, 'SENTINEL', 'REMOVE', NAME)
        await ask(port, 'SENTINEL', 'MONITOR', NAME, '127.0.0.1', String(masterPort), '2')
      }
    },
    async masterPort () {
      const [, port] = await ask(ports[0] ?? 0, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME) as string[]
      return Number(port)
    }
  })
}

async function startSentinel (
  t: Test,
  { port: masterPort }: RedisServer,
  password: string | undefined,
  tls: TlsFiles | undefined
): Promise<number> {
  const port = await freePort()
  const folder = tempDir(t, 'sentinel')
  const file = join(folder, 'sentinel.conf')
  writeFileSync(
    file,
    [
      ...(tls === undefined
        ? [`port ${port}`]
        : ['port 0', `tls-port ${port}`, ...tlsSettings(tls).map((pair) => pair.join(' '))]),
      'bind 127.0.0.1',
      `dir ${folder}`,
      ...(password === undefined ? [] : [`requirepass ${password}`, `sentinel sentinel-pass ${password}`]),
      `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 2`,
      `sentinel down-after-milliseconds ${NAME} 500`,
      `sentinel failover-timeout ${NAME} 3000`,
      ''
    ].join('\n')
  )
  await startChild(t, {
    name: 'sentinel',
    command: mustFind('redis-server'),
    args: [file, '--sentinel'],
    ready: (output) => output.includes('+monitor master')
  })
  return port
}
