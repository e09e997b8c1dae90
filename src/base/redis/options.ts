import { isIP } from 'node:net'
import type { RedisOptions } from 'ioredis'
import { createReconnection, reconnectDelay } from './reconnection.ts'

export type RedisAddress = Readonly<{ host: string, port: number }>

/** Which servers there are, in one of the three forms. */
export type RedisServers =
  | Readonly<{ kind: 'one', host: string, port: number, db: number }>
  | Readonly<{ kind: 'sentinel', sentinels: readonly RedisAddress[], name: string, password: string | undefined }>
  | Readonly<{ kind: 'cluster', nodes: readonly RedisAddress[] }>

export type RedisForm = RedisServers['kind']

export type RedisSettings = Readonly<{
  servers: RedisServers
  username: string | undefined
  password: string | undefined
  tls: Readonly<{ ca: string | undefined }> | undefined
  /** Milliseconds a command may take (REDIS_TIMEOUT). */
  timeoutMs: number
  /** Milliseconds for a command that has time; tests of a busy machine give more. */
  patienceMs?: number | undefined
}>

export const nameOf = ({ host, port }: RedisAddress): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** For a person; holds no secret. */
export function describeServers (servers: RedisServers): string {
  switch (servers.kind) {
    case 'one': return nameOf(servers)
    case 'sentinel': return `${servers.name} of the Sentinels ${servers.sentinels.map(nameOf).join(', ')}`
    case 'cluster': return `the Cluster ${servers.nodes.map(nameOf).join(', ')}`
  }
}

/** A frozen server holds its connections open: we leave it after this long without an answer. */
const SOCKET_TIMEOUT_MS = 500
const CONNECT_TIMEOUT_MS = 2000
/** Deadline for the server to close a connection that we end: a frozen server never does. */
const DISCONNECT_TIMEOUT_MS = 200
/** Before we listen again to a Sentinel that was lost; the others are heard meanwhile. */
const SENTINEL_RECONNECT_MS = 10_000

/** The options that every connection to a Redis server has in common. */
export function commonOptions ({ username, password, tls, servers }: RedisSettings) {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: { ...serverName(servers), ...(tls.ca === undefined ? {} : { ca: tls.ca }) } }),
    // an answer from Authgear is better than a queue: fail at once while it is down (ioredis' defaults hold one GET for
    // 73 s)
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    maxLoadingRetryTime: 1000,
    disableClientInfo: true // one right less for our user, one line less in the server's ACL LOG
  } satisfies RedisOptions
}

/** Idle time-out of a connection; never shorter than the deadline of a command that waits on it. */
export function socketTimeoutOf (
  { timeoutMs, patienceMs = SOCKET_TIMEOUT_MS }: Pick<RedisSettings, 'timeoutMs' | 'patienceMs'>
): number {
  return Math.max(patienceMs, timeoutMs)
}

/** One connection to the server, or to the master that Sentinel names; in a Cluster the caller says which node. */
export function connectionOptions (settings: RedisSettings) {
  return {
    ...commonOptions(settings),
    ...targetOf(settings),
    retryStrategy: createReconnection(),
    // a master that became a replica keeps its connections: what is master now has to be asked for
    reconnectOnError: ({ message }: Error) => message.includes('READONLY')
  } satisfies RedisOptions
}

function targetOf ({ servers, tls }: RedisSettings) {
  switch (servers.kind) {
    case 'one': return { host: servers.host, port: servers.port, db: servers.db } satisfies RedisOptions
    case 'cluster': return {}
    case 'sentinel': return {
      sentinels: servers.sentinels.map(({ host, port }) => ({ host, port })),
      name: servers.name,
      failoverDetector: true,
      sentinelCommandTimeout: SOCKET_TIMEOUT_MS,
      sentinelRetryStrategy: (attempt: number) => reconnectDelay(attempt, Math.random()),
      sentinelReconnectStrategy: () => SENTINEL_RECONNECT_MS,
      ...(servers.password === undefined ? {} : { sentinelPassword: servers.password }),
      ...(tls === undefined
        ? {}
        : { enableTLSForSentinelMode: true, sentinelTLS: tls.ca === undefined ? {} : { ca: tls.ca } })
    } satisfies RedisOptions
  }
}

/** Node sends no server name (SNI) by default; where addresses come from Sentinel or Cluster there is none to send. */
function serverName (servers: RedisServers): Readonly<{ servername?: string }> {
  return servers.kind === 'one' && isIP(servers.host) === 0 ? { servername: servers.host } : {}
}
