import type { Cluster, Redis } from 'ioredis'
import { systemClock } from '../clock.ts'
import { commandsOf } from './commands.ts'
import { type RedisConnection, type RedisEvents, redisLibrary } from './connection.ts'
import { commonOptions, connectionOptions, type RedisAddress, type RedisSettings, socketTimeoutOf } from './options.ts'
import { createReconnection, keepConnected, reconnectDelay } from './reconnection.ts'

/** Opens the connection in the background: Redis being down is never a reason not to start. */
export function connectRedis (settings: RedisSettings, events: RedisEvents): RedisConnection {
  let isClosed = false
  // the end that this side makes is no outage
  const told: RedisEvents = {
    up: () => { if (!isClosed) events.up() },
    down: (error) => { if (!isClosed) events.down(error) }
  }
  const connection = settings.servers.kind === 'cluster'
    ? openCluster(settings, settings.servers.nodes, told)
    : openSingle(settings, told)
  return Object.freeze({
    ...connection,
    async close () {
      isClosed = true
      await connection.close()
    }
  })
}

function openSingle (settings: RedisSettings, events: RedisEvents): RedisConnection {
  const { Redis } = redisLibrary()
  const redis = new Redis({ ...connectionOptions(settings), socketTimeout: socketTimeoutOf(settings) })
  watchSingle(redis, events)
  return connectionOver(redis, settings, () => redis.status === 'ready', keepConnected(redis))
}

function connectionOver (
  redis: Redis | Cluster,
  settings: RedisSettings,
  isUp: () => boolean,
  end: () => void
): RedisConnection {
  return Object.freeze({
    commands: commandsOf(redis, settings.timeoutMs),
    patient: commandsOf(redis, socketTimeoutOf(settings)),
    isUp,
    close: async () => end()
  })
}

/** Tells changes only. */
function createReporter (events: RedisEvents): (isUp: boolean, error?: Error) => void {
  let reported: boolean | undefined
  return (isUp, error) => {
    if (reported === isUp) return
    reported = isUp
    if (isUp) events.up()
    else events.down(error)
  }
}

function watchSingle (redis: Redis, events: RedisEvents): void {
  const report = createReporter(events)
  let last: Error | undefined
  redis.on('error', (error: Error) => {
    last = error
    if (redis.status === 'connecting') report(false, error) // no Sentinel answers: nothing was opened that could close
  })
  redis.on('ready', () => { last = undefined; report(true) })
  redis.on('close', () => report(false, last))
}

/**
 * Attempts, half a minute in all, after which a node is forgotten; when all are, the start-up nodes are looked up
 * again.
 */
const NODE_ATTEMPTS = 40
/** Between two queries for the slots' places; each takes a connection. */
const REFRESH_PAUSE_MS = 1000

/** The cache's commands, each to the master of its slot. */
function openCluster (
  settings: RedisSettings,
  nodes: readonly RedisAddress[],
  events: RedisEvents
): RedisConnection {
  const library = redisLibrary()
  const cluster: Cluster = new library.Cluster(
    nodes.map(({ host, port }) => ({ host, port })),
    {
      redisOptions: { ...commonOptions(settings), socketTimeout: socketTimeoutOf(settings) },
      enableOfflineQueue: false,
      // Nothing waits for better times: Authgear is asked. Only MOVED and ASK are followed.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      clusterRetryStrategy: createReconnection(),
      // A node that is lost stays known: otherwise each request for its slots would connect to it and query all
      // slots again.
      // Not before the cluster is ready: one that ioredis drops while it reconnects never ends, and the cluster with it
      // never reconnects.
      clusterNodeRetryStrategy: (attempt: number) =>
        attempt > NODE_ATTEMPTS || cluster.status !== 'ready' ? null : reconnectDelay(attempt, Math.random()),
      // names go into the connection, so that certificates are checked against them
      dnsLookup: (name, callBack) => callBack(null, name)
    }
  )
  const isUp = (): boolean =>
    cluster.status === 'ready' && cluster.nodes('master').every(({ status }) => status === 'ready')
  watchCluster(cluster, isUp, events)
  return connectionOver(cluster, settings, isUp, () => cluster.disconnect())
}

/** Connects to every node before it is needed, and learns where the slots of a lost one went. */
function watchCluster (cluster: Cluster, isUp: () => boolean, events: RedisEvents): void {
  const report = createReporter(events)
  let last: Error | undefined
  let refreshed = -Infinity
  const refresh = (): void => {
    const now = systemClock.monotonic()
    if (now - refreshed < REFRESH_PAUSE_MS || !cluster.nodes().some(({ status }) => status === 'ready')) return
    refreshed = now
    cluster.refreshSlotsCache()
  }
  const look = (): void => {
    if (!isUp()) return
    last = undefined
    report(true)
  }
  const attend = (node: Redis): void => {
    node.on('ready', look)
    node.on('close', () => { if (cluster.status === 'ready' && !isUp()) report(false, last) })
    node.on('reconnecting', refresh)
    // not at once: the command that found it goes first, and connects it
    setImmediate(() => connect(cluster, node))
  }
  cluster.on('+node', attend)
  cluster.on('ready', () => {
    for (const node of cluster.nodes()) connect(cluster, node)
    look() // one node is ready before its cluster
  })
  cluster.on('node error', (error: Error, node: string) => {
    last = new Error(`node ${node}: ${error.message}`, { cause: error })
  })
  cluster.on('error', (error: Error) => { last ??= error })
  cluster.on('close', () => report(false, last))
}

/** The start-up nodes are asked for slots on connections of their own, and may be known by other names afterwards. */
function connect (cluster: Cluster, node: Redis): void {
  if (cluster.status === 'ready' && node.status === 'wait') node.connect().catch(() => {})
}
