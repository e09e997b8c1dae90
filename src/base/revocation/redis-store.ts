import { readFileSync } from 'node:fs'
import { type LogConnection, type LogConnections, withRedirects } from '../redis/log-connections.ts'
import type { MasterVerdict } from '../redis/master-check.ts'
import type { Fields } from './codec.ts'
import { createFailoverCheck } from './failover-check.ts'
import { createSnapshots } from './redis-snapshot.ts'
import type { LogStore, Snapshot, Written } from './store.ts'
import type { StreamId } from './types.ts'

/**
 * How long one XREAD may block. Redis replicas acknowledge once a second, and must be seen to within three; where they
 * are gone, a revocation is acknowledged within a second on the word of others.
 */
const BLOCK_MS = 1000
const BLOCK_WITH_REPLICAS_MS = 500
/** Deadline for Redis replicas to acknowledge an append: a round trip to another region. */
const WAIT_MS = 200

/** Found from here, and from the build's `chunks`. */
const SCRIPT = readFileSync(new URL('../revocation/log.lua', import.meta.url), 'utf8')

export type RedisLogSettings = LogConnections & Readonly<{
  /** Ends before the colon of the two keys; with a hash tag, so that both are in one slot. */
  keyPrefix: string
}>

/** The log's two keys in a real Redis. The follower blocks most of the time, so that nothing else may use it. */
export function createRedisLogStore (
  { follower, publisher, keyPrefix, form, confirmMaster }: RedisLogSettings
): LogStore {
  const keys = [`${keyPrefix}:stream`, `${keyPrefix}:head`] as const
  const reader = watchServer(follower)
  const failoverCheck = createFailoverCheck({ follower, publisher }, watchServer(publisher).known)
  const snapshots = createSnapshots(follower, keys, `${keyPrefix}:mark`)
  let replicas = 0
  publisher.redis.on('ready', () => {
    // a Cluster may answer that the slot is elsewhere: better now than to the first append
    publisher.prepare()
    publisher.redis.hmget(keys[1], 'gen').catch(() => {})
  })
  const run = (...args: readonly string[]): Promise<unknown> =>
    withRedirects(publisher, () => publisher.redis.eval(SCRIPT, 2, ...keys, ...args))
  async function write (args: readonly string[], entries: readonly Fields[]): Promise<Written> {
    const written = writtenOf(await run(...args, ...entries.flatMap(argumentsOf)))
    const last = entries.at(-1)
    if (last !== undefined) failoverCheck.answered(written, last)
    // without one it would hold up the next append for all of that time
    if (written.kind !== 'written' || replicas === 0) return written
    return { ...written, replicated: countCopies(publisher, form === 'one' ? 1 : replicas) }
  }
  return Object.freeze({
    form,
    async wait (after: StreamId): Promise<void> {
      follower.prepare()
      const blockMs = snapshots.hadReplicas() ? BLOCK_WITH_REPLICAS_MS : BLOCK_MS
      await follower.redis.xread('COUNT', 1, 'BLOCK', blockMs, 'STREAMS', keys[0], after)
    },
    async snapshot (after: StreamId, count: number): Promise<Snapshot> {
      const server = await reader.name()
      const expectation = failoverCheck.expect()
      const snapshot = { ...await snapshots.take(after, count), server }
      replicas = snapshot.acknowledged.length
      failoverCheck.check(snapshot, expectation, after, count)
      return snapshot
    },
    append: (generation: string, previous: string, retentionMs: number, entries: readonly Fields[]) =>
      write(['append', generation, String(retentionMs), previous], entries),
    change: (from: string, fields: Fields) => write(['change', from, '', ''], [fields]),
    async trim (retentionMs: number): Promise<void> { await run('trim', '', String(retentionMs)) },
    async confirmHistory (generation: string, nonce: string): Promise<void> { await run('confirm', generation, nonce) },
    async confirmMaster (): Promise<MasterVerdict> {
      const verdict = await confirmMaster()
      if (verdict === 'other') failoverCheck.renew()
      return verdict
    },
    async close (): Promise<void> { follower.close(); publisher.close() }
  })
}

/** @returns number of Redis replicas that have the writes of this connection; undefined if our user lacks the right */
async function countCopies ({ redis }: LogConnection, wanted: number): Promise<number | undefined> {
  try {
    return await redis.wait(wanted, WAIT_MS)
  } catch (error) {
    return error instanceof Error && error.name === 'ReplyError' ? undefined : 0
  }
}

/** An entry as log.lua takes it. */
function argumentsOf (fields: Fields): readonly string[] {
  const texts = Object.entries(fields).flat()
  return [String(texts.length), ...texts]
}

function writtenOf (reply: unknown): Written {
  const [kind, value]: unknown[] = Array.isArray(reply) ? reply : []
  switch (kind) {
    case 0: return { kind: 'behind', generation: String(value) }
    case 1: return { kind: 'written', id: String(value) }
    case 2: return { kind: 'conflict', nonce: String(value) }
    case 3: return { kind: 'unusable' }
    default: throw new Error('the script of the revocation log gave an unexpected answer')
  }
}

/** The random name of the process at the other end, asked for once a connection. */
function watchServer ({ redis }: LogConnection) {
  let known: string | undefined
  const name = async (): Promise<string> => {
    known ??= await readServer(redis)
    return known
  }
  redis.on('close', () => { known = undefined })
  redis.on('ready', () => { name().catch(() => {}) })
  return { name, known: () => known } // undefined while it is not known
}

/** @returns the server's random name; empty if our user lacks the right to ask */
async function readServer (redis: LogConnection['redis']): Promise<string> {
  const info = await redis.info('server').catch((error: unknown) => {
    if (error instanceof Error && error.name === 'ReplyError') return ''
    throw error
  })
  return /^run_id:(\w+)/m.exec(info)?.[1] ?? ''
}
