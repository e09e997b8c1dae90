import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { redisLibrary } from './connection.ts'
import {
  commonOptions,
  connectionOptions,
  type RedisAddress,
  type RedisForm,
  type RedisSettings,
  socketTimeoutOf
} from './options.ts'
import { confirmMaster, type MasterVerdict } from './master-check.ts'
import { createReconnection, keepConnected } from './reconnection.ts'
import { createSlotTarget, slotConnector } from './slot-connector.ts'

/** One connection to the master that holds the revocations. */
export type LogConnection = Readonly<{
  redis: Redis
  /** Before each command or transaction: a node that a slot is moving to answers only after ASKING. */
  prepare: () => void
  /** Reconnects, to the server that is master now. */
  renew: () => void
  /** Returns when it is ready again, or after half a second. */
  ready: () => Promise<void>
  close: () => void
}>

export type LogConnections = Readonly<{
  follower: LogConnection
  publisher: LogConnection
  form: RedisForm
  /** True if the follower's server is the master, by those who decide it. */
  confirmMaster: () => Promise<MasterVerdict>
}>

/** The follower blocks for one second, and a server that says nothing for three is not followed. */
const FOLLOWER_SOCKET_TIMEOUT_MS = 3000
const READY_WITHIN_MS = 500

/** One connection that blocks, without a deadline for each command, and one that writes. */
export function openLogConnections (settings: RedisSettings): LogConnections {
  const follower = open(settings, { socketTimeout: FOLLOWER_SOCKET_TIMEOUT_MS })
  const answerMs = socketTimeoutOf(settings)
  return {
    follower,
    form: settings.servers.kind,
    confirmMaster: () => confirmMaster(settings, follower.redis),
    publisher: open(settings, { socketTimeout: answerMs, commandTimeout: answerMs })
  }
}

type Limits = Readonly<{ socketTimeout: number, commandTimeout?: number }>

function open (settings: RedisSettings, limits: Limits): LogConnection {
  return settings.servers.kind === 'cluster'
    ? toSlot(settings, settings.servers.nodes, limits)
    : toMaster(settings, limits)
}

function toMaster (settings: RedisSettings, limits: Limits): LogConnection {
  const { Redis } = redisLibrary()
  return connection(new Redis({ ...connectionOptions(settings), ...limits }), () => {})
}

function toSlot (settings: RedisSettings, nodes: readonly RedisAddress[], limits: Limits): LogConnection {
  const target = createSlotTarget(nodes)
  const { Redis } = redisLibrary()
  const redis = new Redis({
    ...commonOptions(settings),
    ...limits,
    Connector: slotConnector(target),
    retryStrategy: createReconnection(),
    reconnectOnError: ({ message }: Error) => target.follow(message) || message.includes('READONLY')
  })
  return connection(redis, () => { if (target.current()?.isAsking === true) redis.asking().catch(() => {}) })
}

function connection (redis: Redis, prepare: () => void): LogConnection {
  redis.on('error', () => {}) // every command that fails says it
  const close = keepConnected(redis)
  let waiting: Promise<void> | undefined
  const ready = async (): Promise<void> => {
    await once(redis, 'ready', { signal: AbortSignal.timeout(READY_WITHIN_MS) }).catch(() => {})
  }
  return Object.freeze({
    redis,
    prepare,
    close,
    // in any other state ioredis reconnects; a connection dropped while it connects it closes permanently
    renew: () => { if (redis.status === 'ready') redis.disconnect(true) },
    ready: () => {
      waiting ??= ready().finally(() => { waiting = undefined })
      return waiting
    }
  })
}

/** The most redirections that a command of the log follows. */
const MAX_TRIES = 3
const ELSEWHERE = /^(?:MOVED|ASK) |READONLY/

/** A command that was refused because the revocations are elsewhere was not run: it is sent again there. */
export async function withRedirects<T> (connection: LogConnection, command: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    if (connection.redis.status !== 'ready') await connection.ready()
    try {
      connection.prepare()
      return await command()
    } catch (error) {
      if (tries === MAX_TRIES || !(error instanceof Error) || !ELSEWHERE.test(error.message)) throw error
      await connection.ready()
    }
  }
}
