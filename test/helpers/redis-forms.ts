import type { Test } from 'tap'
import type { RedisServers, RedisSettings } from '../../src/base/redis/options.ts'
import { addPrintedUser, PASSWORD, USERNAME } from './redis-acl.ts'
import { startCluster } from './redis-cluster.ts'
import { startSentinelGroup } from './redis-sentinel.ts'
import { settingsFor } from './redis-settings.ts'
import { startRedis } from './redis.ts'
import { IS_ALL } from './runs.ts'
import type { ServerName } from './servers.ts'
import { makeTls } from './tls.ts'

interface RunningForm {
  readonly servers: RedisServers
  readonly settings: Partial<RedisSettings>
}

export interface RedisForm {
  readonly name: string
  readonly server: ServerName
  /** Sentinel or Cluster: several servers. */
  readonly isGroup: boolean
  readonly start: (t: Test) => Promise<RunningForm>
}

const plain = (port: number): RedisServers => settingsFor(port).servers

/** In every form that users run it, beside one plain server. */
export const FORMS: readonly RedisForm[] = [
  {
    name: 'TLS with an authority of its own',
    server: 'redis-server',
    isGroup: false,
    async start (t) {
      const tls = makeTls(t)
      const { port } = await startRedis(t, { tls })
      return { servers: plain(port), settings: { tls: { ca: tls.ca } } }
    }
  },
  {
    name: 'the user of docs/redis.md',
    server: 'redis-server',
    isGroup: false,
    async start (t) {
      const redis = await startRedis(t)
      await addPrintedUser(redis)
      return { servers: plain(redis.port), settings: { username: USERNAME, password: PASSWORD } }
    }
  },
  {
    name: 'the user of docs/redis.md without INFO and WAIT',
    server: 'redis-server',
    isGroup: false,
    async start (t) {
      const redis = await startRedis(t)
      await addPrintedUser(redis, { without: ['info', 'wait'] })
      return { servers: plain(redis.port), settings: { username: USERNAME, password: PASSWORD } }
    }
  },
  {
    name: 'Sentinel, with TLS, a password of its own and the user of docs/redis.md',
    server: 'redis-server',
    isGroup: true,
    async start (t) {
      const tls = makeTls(t)
      const { nodes, servers } = await startSentinelGroup(t, { tls, sentinelPassword: 'of-the-sentinels' })
      for (const node of nodes) await addPrintedUser(node)
      return { servers, settings: { username: USERNAME, password: PASSWORD, tls: { ca: tls.ca } } }
    }
  },
  {
    name: 'Cluster, with TLS and the user of docs/redis.md',
    server: 'redis-server',
    isGroup: true,
    async start (t) {
      const tls = makeTls(t)
      const cluster = await startCluster(t, { tls })
      for (const node of cluster.masters) await addPrintedUser(node, { isCluster: true })
      return { servers: cluster.servers, settings: { username: USERNAME, password: PASSWORD, tls: { ca: tls.ca } } }
    }
  },
  {
    name: 'Redis 6.2, the oldest that is supported',
    server: 'redis-6.2',
    isGroup: false,
    async start (t) {
      const redis = await startRedis(t, { server: 'redis-6.2' })
      await addPrintedUser(redis)
      return { servers: plain(redis.port), settings: { username: USERNAME, password: PASSWORD } }
    }
  },
  {
    name: 'Valkey',
    server: 'valkey-server',
    isGroup: false,
    async start (t) {
      const { port } = await startRedis(t, { server: 'valkey-server' })
      return { servers: plain(port), settings: {} }
    }
  },
  {
    name: 'Valkey Cluster',
    server: 'valkey-server',
    isGroup: true,
    async start (t) {
      const { servers } = await startCluster(t, { server: 'valkey-server' })
      return { servers, settings: {} }
    }
  }
]

/** Where a command is most likely refused: keys in several slots, an old server; both with the rights of the page. */
const STRICTEST = FORMS.filter(({ name }) => /^(?:Cluster|Redis 6)/.test(name))

/** For a test that needs not show every form each time. */
export const TRIED = IS_ALL ? FORMS : STRICTEST
