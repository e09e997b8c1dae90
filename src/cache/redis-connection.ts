import { isIP } from 'node:net'
import { Redis, type RedisOptions } from 'ioredis'

/** What the Redis tier needs of a server: a command's keys are in one slot, so that Cluster stands in nobody's way. */
export interface RedisCommands {
  pttl (key: string): Promise<number>
  getBuffer (key: string): Promise<Buffer | null>
  setPx (key: string, value: Buffer, lifeMs: number): Promise<unknown>
  /** Only while the other key, in the same slot, still holds that value. */
  setPxWhile (fence: string, token: string, key: string, value: Buffer, lifeMs: number): Promise<unknown>
  /** @returns whether this call made the key */
  setIfAbsent (key: string, value: string, lifeMs: number): Promise<boolean>
  /** Compare and delete. */
  deleteIfEquals (key: string, value: string): Promise<unknown>
}

export interface RedisConnection {
  readonly commands: RedisCommands
  isUp (): boolean
  close (): Promise<void>
}

export type RedisSettings = Readonly<{
  host: string
  port: number
  db: number
  username: string | undefined
  password: string | undefined
  tls: Readonly<{ ca: string | undefined }> | undefined
  /** Milliseconds a command may take (REDIS_TIMEOUT). */
  timeoutMs: number
}>

export type RedisEvents = Readonly<{
  up: () => void
  /** Once for each loss, and for a first connection that fails; reconnection goes on by itself. */
  down: (error: Error | undefined) => void
}>

/** A server that is frozen holds its connections open: leave it after this long without an answer. */
const SOCKET_TIMEOUT = 500
const CONNECT_TIMEOUT = 2000
const MAX_RECONNECT_DELAY = 1000

const FENCED_SET = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('set', KEYS[2], ARGV[2], 'PX', ARGV[3]) end return 0"
const COMPARE_AND_DELETE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

export type RedisClient = Redis

/** Milliseconds: the follower blocks for one second, and a server that says nothing for three is not followed. */
const FOLLOWER_SOCKET_TIMEOUT = 3000
const PUBLISHER_TIMEOUT = 500

/** Connections of the revocation log: one that blocks, without a deadline a command, and one that writes. */
export function openLogConnections (settings: RedisSettings): Readonly<{ follower: RedisClient, publisher: RedisClient }> {
  const { commandTimeout: _none, ...base } = optionsOf(settings)
  const follower = new Redis({ ...base, enableAutoPipelining: false, socketTimeout: FOLLOWER_SOCKET_TIMEOUT })
  const publisher = new Redis({ ...base, enableAutoPipelining: false, commandTimeout: PUBLISHER_TIMEOUT })
  for (const redis of [follower, publisher]) redis.on('error', () => {}) // every command that fails says it
  return { follower, publisher }
}

/** Opens the connection in the background: Redis being down is never a reason not to start. */
export function connectRedis (settings: RedisSettings, events: RedisEvents): RedisConnection {
  const redis = new Redis(optionsOf(settings))
  watch(redis, events)
  return Object.freeze({
    commands: commandsOf(redis),
    isUp: () => redis.status === 'ready',
    close: async () => { redis.disconnect() }
  })
}

function optionsOf ({ host, port, db, username, password, tls, timeoutMs }: RedisSettings) {
  return {
    host,
    port,
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: { ...(isIP(host) === 0 ? { servername: host } : {}), ...(tls.ca === undefined ? {} : { ca: tls.ca }) } }),
    // an answer from Authgear is better than a queue: fail at once while it is down (ioredis' defaults hold one GET for 73 s)
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: timeoutMs,
    socketTimeout: SOCKET_TIMEOUT,
    connectTimeout: CONNECT_TIMEOUT,
    enableAutoPipelining: true,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY) * (0.5 + Math.random() / 2)
  } satisfies RedisOptions
}

function watch (redis: Redis, events: RedisEvents): void {
  let last: Error | undefined
  let reported: boolean | undefined
  const report = (up: boolean): void => {
    if (reported === up) return
    reported = up
    if (up) events.up()
    else events.down(last)
  }
  redis.on('error', (error: Error) => { last = error })
  redis.on('ready', () => { last = undefined; report(true) })
  redis.on('close', () => report(false))
}

function commandsOf (redis: Redis): RedisCommands {
  return Object.freeze({
    pttl: (key: string) => redis.pttl(key),
    getBuffer: (key: string) => redis.getBuffer(key),
    setPx: (key: string, value: Buffer, lifeMs: number) => redis.set(key, value, 'PX', lifeMs),
    setPxWhile: (fence: string, token: string, key: string, value: Buffer, lifeMs: number) => redis.eval(FENCED_SET, 2, fence, key, token, value, lifeMs),
    setIfAbsent: async (key: string, value: string, lifeMs: number) => await redis.set(key, value, 'PX', lifeMs, 'NX') === 'OK',
    deleteIfEquals: (key: string, value: string) => redis.eval(COMPARE_AND_DELETE, 1, key, value)
  })
}
