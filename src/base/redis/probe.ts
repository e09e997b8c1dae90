import type { Redis } from 'ioredis'
import { connectRedis } from './connect.ts'
import type { RedisConnection } from './connection.ts'
import { trialKey } from './keys.ts'
import { type LogConnection, type LogConnections, openLogConnections, withRedirects } from './log-connections.ts'
import type { RedisSettings } from './options.ts'
import { askServers, type Named } from './servers.ts'

export type { Named } from './servers.ts'

/**
 * Each command of the cache and of the revocation log that may stand in a script. KEYS: a value, a stream, a hash, all
 * in one slot; none is left behind. Returns name, refusal, name, refusal … of those that were refused.
 */
const TRIAL = `
local refused = {}
local function try(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    refused[#refused + 1] = (select(1, ...))
    refused[#refused + 1] = reply.err
  end
end

try('SET', KEYS[1], 'x', 'PX', '1000')
try('GET', KEYS[1])
try('PTTL', KEYS[1])
try('TIME')
try('XADD', KEYS[2], '*', 'a', 'b')
try('XLEN', KEYS[2])
try('XRANGE', KEYS[2], '-', '+', 'COUNT', '1')
try('XREVRANGE', KEYS[2], '+', '-', 'COUNT', '1')
try('XREAD', 'COUNT', '1', 'STREAMS', KEYS[2], '0')
try('XTRIM', KEYS[2], 'MINID', '0')
try('HSET', KEYS[3], 'a', 'b')
try('HGET', KEYS[3], 'a')
try('HMGET', KEYS[3], 'a')
for _, key in ipairs(KEYS) do try('DEL', key) end
return refused
`

/** A command that the server refused, and the word that its refusal begins with. */
export type Refusal = Readonly<{ command: string, refusal: string }>

export type RedisLook = ReturnType<typeof inspectRedis>

/** Several attempts, and a Cluster's masters one after the other. */
const CONNECTED_WITHIN_MS = 5000

/**
 * Redis as the service would see it, on its own kinds of connection: for `doctor`.
 * @param logKey what the keys of the revocations begin with
 */
export function inspectRedis (settings: RedisSettings, logKey: string) {
  const { connection, connected } = connecting(settings)
  let logs: LogConnections | undefined
  const log = async (): Promise<LogConnections> => {
    logs ??= openLogConnections(settings)
    await Promise.all([untilReady(logs.follower), untilReady(logs.publisher)])
    return logs
  }
  const ask = async <T>(command: (redis: Redis) => Promise<T>): Promise<T> => {
    const { publisher } = await log()
    return await withRedirects(publisher, () => command(publisher.redis))
  }
  return Object.freeze({
    /** The cache's connection. */
    connection,
    /** The revocations', opened by the first question; returns when both are ready, or are not for a while. */
    log,
    /** @returns what stands in the way; undefined once it is connected, in a Cluster to every master */
    connected: (): Promise<Error | undefined> => connected,
    /** Each server that is configured, since the library tells little of what Sentinel and Cluster are made of. */
    named: (): Promise<readonly Named[]> => askServers(settings),
    /** INFO, from the server that holds the revocations. */
    info: (): Promise<string> => ask((redis) => redis.info()),
    /** Tries, on keys of its own, what the cache and the revocations do; it leaves nothing behind. */
    async trial (): Promise<readonly Refusal[]> {
      const name = trialKey(logKey)
      return refusalsOf(await ask((redis) => redis.eval(TRIAL, 3, `${name}:entry`, `${name}:stream`, `${name}:head`)))
    },
    async close (): Promise<void> {
      logs?.follower.close()
      logs?.publisher.close()
      await connection.close()
    }
  })
}

/** Each wait is half a second long. */
async function untilReady ({ redis, ready }: LogConnection): Promise<void> {
  for (let waits = 0; waits < CONNECTED_WITHIN_MS / 500 && redis.status !== 'ready'; waits++) await ready()
}

function connecting (
  settings: RedisSettings
): Readonly<{ connection: RedisConnection, connected: Promise<Error | undefined> }> {
  let settle: (error: Error | undefined) => void = () => {}
  const connected = new Promise<Error | undefined>((resolve) => { settle = resolve })
  const late = setTimeout(
    () => settle(Object.assign(new Error('not connected'), { code: 'ETIMEDOUT' })),
    CONNECTED_WITHIN_MS
  )
  const connection = connectRedis(settings, {
    up: () => settle(undefined),
    down: (error) => settle(error ?? new Error('the connection was closed'))
  })
  return { connection, connected: connected.finally(() => clearTimeout(late)) }
}

function refusalsOf (reply: unknown): readonly Refusal[] {
  const texts = Array.isArray(reply) ? reply.map(String) : []
  return texts.flatMap((command, index) =>
    index % 2 === 0 ? [{ command, refusal: refusalOf(texts[index + 1] ?? '') }] : []
  )
}

/** Redis 7 says `ERR ACL failure in script`, or that the user cannot run the command, where 6 says NOPERM. */
function refusalOf (text: string): string {
  return /ACL failure|can't run this command|can't access/i.test(text) ? 'NOPERM' : /^[A-Z]+/.exec(text)?.[0] ?? 'ERR'
}
