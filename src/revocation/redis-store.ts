import { readFileSync } from 'node:fs'
import { type LogConnection, type LogConnections, withRedirects } from '../redis/log-connections.ts'
import type { Fields } from './codec.ts'
import { createFailoverCheck } from './failover-check.ts'
import type { LogStore, Snapshot, Written } from './store.ts'
import type { StreamId } from './types.ts'

/** How long one XREAD may block. */
const BLOCK_MS = 1000
/** How long an append waits for a Redis replica to have it; best effort. */
const WAIT_MS = 50

const SCRIPT = readFileSync(new URL('log.lua', import.meta.url), 'utf8')

/**
 * KEYS: stream, head. ARGV: the id to read after, how many. A script, since an append between two commands would look
 * like a broken chain, and since a server that is out of memory refuses MULTI and runs a script that only reads.
 */
const READ = `return {
  redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2]),
  redis.call('HMGET', KEYS[2], 'gen', 'nonce'),
  redis.call('XLEN', KEYS[1]),
  redis.call('TIME')
}`

export type RedisLogSettings = LogConnections & Readonly<{
  /** Ends before the colon of the two keys; with a hash tag, so that both are in one slot. */
  keyPrefix: string
}>

/** The log's two keys in a real Redis. The follower blocks most of the time, so that nothing else may use it. */
export function createRedisLogStore ({ follower, publisher, keyPrefix }: RedisLogSettings): LogStore {
  const keys = [`${keyPrefix}:stream`, `${keyPrefix}:head`] as const
  const reader = watchServer(follower)
  const failoverCheck = createFailoverCheck({ follower, publisher }, watchServer(publisher).known)
  let replicas = 0
  publisher.redis.on('ready', () => {
    // a Cluster may answer that the slot is elsewhere: better now than to the first append
    publisher.prepare()
    publisher.redis.hmget(keys[1], 'gen').catch(() => {})
  })
  async function write (
    operation: 'append' | 'change',
    generation: string,
    retentionMs: number,
    fields: Fields
  ): Promise<Written> {
    const reply: unknown = await withRedirects(publisher, () =>
      publisher.redis.eval(
        SCRIPT,
        2,
        ...keys,
        operation,
        generation,
        String(retentionMs),
        ...Object.entries(fields).flat()
      )
    )
    if (!Array.isArray(reply)) throw new Error('the script of the revocation log answered something else')
    const written: Written =
      reply[0] === 1 ? { kind: 'written', id: String(reply[1]) } : { kind: 'behind', generation: String(reply[1]) }
    failoverCheck.answered(written, fields)
    // without one it would hold up the next append for all of that time
    if (written.kind === 'written' && replicas > 0) publisher.redis.wait(1, WAIT_MS).catch(() => {})
    return written
  }
  return Object.freeze({
    async wait (after: StreamId): Promise<void> {
      follower.prepare()
      await follower.redis.xread('COUNT', 1, 'BLOCK', BLOCK_MS, 'STREAMS', keys[0], after)
    },
    async snapshot (after: StreamId, count: number): Promise<Snapshot> {
      const server = await reader.name()
      const expectation = failoverCheck.expect()
      const snapshot = { ...await readSnapshot(follower, keys, after, count), server }
      replicas = snapshot.replicas
      failoverCheck.check(snapshot, expectation, after, count)
      return snapshot
    },
    append: (generation: string, retentionMs: number, fields: Fields) =>
      write('append', generation, retentionMs, fields),
    change: (from: string, fields: Fields) => write('change', from, 0, fields),
    async trim (retentionMs: number): Promise<void> {
      await withRedirects(publisher, () => publisher.redis.eval(SCRIPT, 2, ...keys, 'trim', '', String(retentionMs)))
    },
    async close (): Promise<void> { follower.close(); publisher.close() }
  })
}

type ServerName = Readonly<{
  name: () => Promise<string>
  /** Undefined while it is not known. */
  known: () => string | undefined
}>

/** The random name of the process at the other end, asked for once a connection. */
function watchServer ({ redis }: LogConnection): ServerName {
  let known: string | undefined
  const name = async (): Promise<string> => {
    known ??= await readServer(redis)
    return known
  }
  redis.on('close', () => { known = undefined })
  redis.on('ready', () => { name().catch(() => {}) })
  return { name, known: () => known }
}

/** Where our user may not ask for it, it has none. */
async function readServer (redis: LogConnection['redis']): Promise<string> {
  const info = await redis.info('server').catch((error: unknown) => {
    if (error instanceof Error && error.name === 'ReplyError') return ''
    throw error
  })
  return /^run_id:(\w+)/m.exec(info)?.[1] ?? ''
}

type Keys = readonly [stream: string, head: string]

/** No script may call ROLE. It is answered after it: a master was one when the log was read, or became one since. */
async function readSnapshot (connection: LogConnection, keys: Keys, after: StreamId, count: number): Promise<Snapshot> {
  const { redis, prepare } = connection
  prepare()
  const [reply, role] = await Promise.all([redis.eval(READ, 2, ...keys, after, count), redis.role()])
  const [entries, headFields, length, time]: unknown[] = Array.isArray(reply) ? reply : []
  if (!Array.isArray(entries) || !Array.isArray(headFields) || !Array.isArray(role) || !Array.isArray(time)) {
    throw new Error('Redis answered no snapshot of the revocation log')
  }
  const [generation, nonce]: unknown[] = headFields
  const [seconds, micros]: unknown[] = time
  return {
    entries: entries.map(readEntry),
    length: Number(length),
    head: typeof generation === 'string' && typeof nonce === 'string' ? { generation, nonce } : undefined,
    isMaster: role[0] === 'master',
    replicas: Array.isArray(role[2]) ? role[2].length : 0,
    now: Number(seconds) * 1000 + Number(micros) / 1000
  }
}

function readEntry (entry: unknown): readonly [StreamId, Readonly<Record<string, string>>] {
  const [id, flat]: unknown[] = Array.isArray(entry) ? entry : []
  const texts = Array.isArray(flat) ? flat.map(String) : []
  return [
    String(id),
    Object.fromEntries(texts.flatMap((name, index) => (index % 2 === 0 ? [[name, texts[index + 1] ?? '']] : [])))
  ]
}
