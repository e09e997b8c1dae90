import { readFileSync } from 'node:fs'
import type { RedisClient } from '../cache/redis-connection.ts'
import type { Fields } from './log-entry.ts'
import type { LogStore, Snapshot, Written } from './log-store.ts'
import type { StreamId } from './position.ts'

/** Milliseconds that one XREAD may block. */
const BLOCK = 1000
/** Milliseconds that an append waits for a replica of Redis to have it; best effort. */
const WAIT = 50

const SCRIPT = readFileSync(new URL('log.lua', import.meta.url), 'utf8')

export type RedisLogSettings = Readonly<{
  /** Blocks most of the time, so that nothing else may use it. */
  follower: RedisClient
  publisher: RedisClient
  /** Ends before the colon of the two keys; with a hash tag, so that both are in one slot. */
  keyPrefix: string
}>

/** The log's two keys in a real Redis. */
export function createRedisLogStore ({ follower, publisher, keyPrefix }: RedisLogSettings): LogStore {
  const keys = [`${keyPrefix}:stream`, `${keyPrefix}:head`] as const
  let replicas = 0
  let server: string | undefined
  follower.on('close', () => { server = undefined })
  async function write (operation: 'append' | 'change', generation: string, retentionMs: number, fields: Fields): Promise<Written> {
    const reply: unknown = await publisher.eval(SCRIPT, 2, ...keys, operation, generation, String(retentionMs), ...Object.entries(fields).flat())
    if (!Array.isArray(reply)) throw new Error('the script of the revocation log answered something else')
    if (reply[0] !== 1) return { kind: 'behind', generation: String(reply[1]) }
    // without one it would hold up the next append for all of that time
    if (replicas > 0) publisher.wait(1, WAIT).catch(() => {})
    return { kind: 'written' }
  }
  return Object.freeze({
    async wait (after: StreamId): Promise<void> { await follower.xread('COUNT', 1, 'BLOCK', BLOCK, 'STREAMS', keys[0], after) },
    async snapshot (after: StreamId, count: number): Promise<Snapshot> {
      server ??= await readServer(follower)
      const snapshot = await readSnapshot(follower, keys, after, count)
      replicas = snapshot.replicas
      return { ...snapshot, server: server ?? '' }
    },
    append: (generation: string, retentionMs: number, fields: Fields) => write('append', generation, retentionMs, fields),
    change: (from: string, fields: Fields) => write('change', from, 0, fields),
    async close (): Promise<void> { follower.disconnect(); publisher.disconnect() }
  })
}

/** Its random name; where our user may not ask for it, it has none. */
async function readServer (redis: RedisClient): Promise<string> {
  const info = await redis.info('server').catch((error: unknown) => {
    if (error instanceof Error && error.name === 'ReplyError') return ''
    throw error
  })
  return /^run_id:(\w+)/m.exec(info)?.[1] ?? ''
}

/** In one transaction: an append between two of its commands would look like a broken chain. */
async function readSnapshot (redis: RedisClient, [stream, head]: readonly [string, string], after: StreamId, count: number): Promise<Snapshot> {
  const replies = await redis.multi().xrange(stream, `(${after}`, '+', 'COUNT', count).hmget(head, 'gen', 'nonce').role().time().exec()
  const [entries, headFields, role, time] = (replies ?? []).map(([error, reply]) => { if (error !== null) throw error; return reply })
  if (!Array.isArray(entries) || !Array.isArray(headFields) || !Array.isArray(role) || !Array.isArray(time)) throw new Error('Redis answered no snapshot of the revocation log')
  const [generation, nonce]: unknown[] = headFields
  const [seconds, micros]: unknown[] = time
  return {
    entries: entries.map(readEntry),
    head: typeof generation === 'string' && typeof nonce === 'string' ? { generation, nonce } : undefined,
    isMaster: role[0] === 'master',
    replicas: Array.isArray(role[2]) ? role[2].length : 0,
    now: Number(seconds) * 1000 + Number(micros) / 1000
  }
}

function readEntry (entry: unknown): readonly [StreamId, Readonly<Record<string, string>>] {
  const [id, flat]: unknown[] = Array.isArray(entry) ? entry : []
  const texts = Array.isArray(flat) ? flat.map(String) : []
  return [String(id), Object.fromEntries(texts.flatMap((name, index) => index % 2 === 0 ? [[name, texts[index + 1] ?? '']] : []))]
}
