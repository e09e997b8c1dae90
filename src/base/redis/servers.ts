import type { Redis } from 'ioredis'
import { redisLibrary } from './connection.ts'
import { connectionOptions, nameOf, type RedisAddress, type RedisSettings } from './options.ts'

/**
 * One server of the configuration, asked directly; a Sentinel is asked for the master, a node of a Cluster for its
 * state.
 */
export type Named = Readonly<{ name: string, problem: Error | undefined, reply: string | undefined }>

/** For a single server. */
const ONE_WITHIN_MS = 3000

/** Asks each server that the configuration names, on a connection of its own that ends with the answer. */
export async function askServers (settings: RedisSettings, limitMs = ONE_WITHIN_MS): Promise<readonly Named[]> {
  return await Promise.all(addressesOf(settings).map((address) => askOne(settings, address, limitMs)))
}

function addressesOf ({ servers }: RedisSettings): readonly RedisAddress[] {
  switch (servers.kind) {
    case 'one': return [servers]
    case 'sentinel': return servers.sentinels
    case 'cluster': return servers.nodes
  }
}

/** The one query that a Sentinel, or a node of a Cluster, answers about the rest. */
async function stateOf (redis: Redis, { servers }: RedisSettings): Promise<unknown> {
  switch (servers.kind) {
    case 'one': return undefined
    case 'cluster': return await redis.cluster('INFO')
    case 'sentinel': return await redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', servers.name)
  }
}

/** A connection to that server alone, which begins with the first command. */
function openOne (settings: RedisSettings, { host, port }: RedisAddress, limitMs: number): Redis {
  const { servers } = settings
  const access = servers.kind === 'sentinel' ? { username: undefined, password: servers.password } : {}
  const alone = { kind: 'one', host, port, db: servers.kind === 'one' ? servers.db : 0 } as const
  const { Redis } = redisLibrary()
  return new Redis({
    ...connectionOptions({ ...settings, ...access, servers: alone }),
    lazyConnect: true,
    enableReadyCheck: servers.kind === 'one', // one round trip less: a Sentinel may be far, and has half a second
    retryStrategy: () => null,
    commandTimeout: limitMs
  })
}

async function askOne (settings: RedisSettings, address: RedisAddress, limitMs: number): Promise<Named> {
  const redis = openOne(settings, address, limitMs)
  const name = nameOf(address)
  let first: Error | undefined
  redis.on('error', (error: Error) => { first ??= error })
  const late = setTimeout(() => {
    first ??= Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })
    redis.disconnect()
  }, limitMs)
  try {
    await redis.connect()
    const reply = await stateOf(redis, settings)
    return {
      name,
      problem: undefined,
      reply: Array.isArray(reply) ? reply.join(':') : typeof reply === 'string' ? reply : undefined
    }
  } catch (error) {
    return { name, problem: first ?? (error instanceof Error ? error : new Error('unknown')), reply: undefined }
  } finally {
    clearTimeout(late)
    redis.disconnect()
  }
}
