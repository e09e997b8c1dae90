import type { Redis } from 'ioredis'
import { openCluster } from './cluster.ts'
import { commandsOf } from './commands.ts'
import { createReporter, type RedisConnection, type RedisEvents, redisLibrary } from './connection.ts'
import { connectionOptions, type RedisSettings, socketTimeoutOf } from './options.ts'
import { keepConnected } from './reconnection.ts'

/** Opens the connection in the background: Redis being down is never a reason not to start. */
export function connectRedis (settings: RedisSettings, events: RedisEvents): RedisConnection {
  return settings.servers.kind === 'cluster'
    ? openCluster(settings, settings.servers.nodes, events)
    : openSingle(settings, events)
}

function openSingle (settings: RedisSettings, events: RedisEvents): RedisConnection {
  const { Redis } = redisLibrary()
  const redis = new Redis({ ...connectionOptions(settings), socketTimeout: socketTimeoutOf(settings) })
  watch(redis, events)
  const end = keepConnected(redis)
  return Object.freeze({
    commands: commandsOf(redis, settings.timeoutMs),
    patient: commandsOf(redis, socketTimeoutOf(settings)),
    isUp: () => redis.status === 'ready',
    close: async () => end()
  })
}

function watch (redis: Redis, events: RedisEvents): void {
  const report = createReporter(events)
  let last: Error | undefined
  redis.on('error', (error: Error) => {
    last = error
    if (redis.status === 'connecting') report(false, error) // no Sentinel answers: nothing was opened that could close
  })
  redis.on('ready', () => { last = undefined; report(true) })
  redis.on('close', () => report(false, last))
}
