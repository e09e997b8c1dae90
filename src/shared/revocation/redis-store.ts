import { readFileSync } from 'node:fs'
import { systemClock } from '../../clock.ts'
import { type LogConnection, type LogConnections, withRedirects } from '../redis/log-connections.ts'
import type { MasterVerdict } from '../redis/master-check.ts'
import type { Fields } from './codec.ts'
import type { LogStore, Snapshot, Written } from './store.ts'
import type { StreamId } from './types.ts'

/**
 * How long one XREAD may block. Redis replicas acknowledge once a second, and must be seen to within three; where they
 * are gone, a revocation is acknowledged within a second on the word of others.
 */
const BLOCK_MS = 1000
const BLOCK_WITH_REPLICAS_MS = 500
/** How long is waited for Redis replicas to have what was appended: a round trip to another region. */
const WAIT_MS = 200

/** Found from here, and from the build's `chunks`. */
const SCRIPT = readFileSync(new URL('../revocation/log.lua', import.meta.url), 'utf8')

/** How long the first write over a connection may wait for a replica, which by itself acknowledges once a second. */
const MARK_WAIT_MS = 100
/** Between two writes that show which Redis replicas are alive. */
const MARK_INTERVAL_MS = 400

/**
 * KEYS: stream, head. ARGV: the id to read after, how many. A script, since an append between two commands would look
 * like a lost entry, and since a server that is out of memory refuses MULTI and runs a script that only reads.
 * A key of another type is told, since nothing else would heal it.
 */
const READ = `
local function read(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then return false end
  error(reply.err)
end
local entries = read('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
local head = read('HMGET', KEYS[2], 'log', 'replid', 'count', 'since')
local info = redis.pcall('INFO', 'replication')
return {
  entries or {},
  head or {},
  read('XLEN', KEYS[1]) or 0,
  redis.call('TIME'),
  entries and 1 or 0,
  type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
}`

/**
 * A write that Redis replicas have to acknowledge; it begins with XTRIM, as each that must go on out of memory, or with
 * DEL where a key of another type stands there.
 */
const MARK = `
local trimmed = redis.pcall('XTRIM', KEYS[1], 'MAXLEN', 0)
if type(trimmed) == 'table' and trimmed.err then
  if not string.find(trimmed.err, 'WRONGTYPE', 1, true) then return trimmed end
  redis.call('DEL', KEYS[1])
end
return redis.call('XADD', KEYS[1], '*', 'mark', '')`

export type RedisLogSettings = LogConnections & Readonly<{
  /** Ends before the colon of the two keys; with a hash tag, so that both are in one slot. */
  keyPrefix: string
}>

/** The log's two keys in a real Redis. The follower blocks most of the time, so that nothing else may use it. */
export function createRedisLogStore (
  { follower, publisher, keyPrefix, form, confirmMaster }: RedisLogSettings
): LogStore {
  const keys = [`${keyPrefix}:stream`, `${keyPrefix}:head`] as const
  const [reader, writer] = [watchServer(follower), watchServer(publisher)]
  const renew = createRenewal()
  const readSnapshot = createSnapshots(follower, keys, `${keyPrefix}:mark`)
  let replicas = 0
  let hadReplicas = false
  publisher.redis.on('ready', () => {
    // a Cluster may answer that the slot is elsewhere: better now than to the first append
    publisher.prepare()
    publisher.redis.hmget(keys[1], 'log').catch(() => {})
  })
  const run = (...args: readonly string[]): Promise<unknown> =>
    withRedirects(publisher, () => publisher.redis.eval(SCRIPT, 2, ...keys, ...args))
  async function write (args: readonly string[], entries: readonly Fields[]): Promise<Written> {
    const written = writtenOf(await run(...args, ...entries.flatMap((fields) => Object.entries(fields).flat())))
    // without one it would hold up the next append for all of that time
    if (written.kind !== 'written' || replicas === 0) return written
    return { ...written, replicated: countCopies(publisher, form === 'one' ? 1 : replicas) }
  }
  return Object.freeze({
    form,
    async wait (after: StreamId): Promise<void> {
      follower.prepare()
      const blockMs = hadReplicas ? BLOCK_WITH_REPLICAS_MS : BLOCK_MS
      await follower.redis.xread('COUNT', 1, 'BLOCK', blockMs, 'STREAMS', keys[0], after)
    },
    async snapshot (after: StreamId, count: number): Promise<Snapshot> {
      const server = await reader.name()
      const snapshot = await readSnapshot(after, count)
      const history = snapshot.replicationId === '' ? `connection ${reader.connections()}` : snapshot.replicationId
      replicas = snapshot.acknowledged.length
      hadReplicas ||= replicas > 0
      if (!snapshot.isMaster) renew([follower])
      else if (areApart(server, writer.known()) === true) renew([follower, publisher])
      return { ...snapshot, server, history }
    },
    append: (log: string, retentionMs: number, entries: readonly Fields[]) =>
      write(['append', log, String(retentionMs)], entries),
    begin: (from: string, log: string) => write(['begin', from, log], []),
    missed () { if (areApart(reader.known(), writer.known()) !== false) renew([follower, publisher]) },
    async trim (retentionMs: number): Promise<void> { await run('trim', '', String(retentionMs)) },
    async confirmMaster (): Promise<MasterVerdict> {
      const verdict = await confirmMaster()
      if (verdict === 'other') renew([follower, publisher])
      return verdict
    },
    async close (): Promise<void> { follower.close(); publisher.close() }
  })
}

/** How many Redis replicas have what was written over this connection; undefined where our user may not ask. */
async function countCopies ({ redis }: LogConnection, wanted: number): Promise<number | undefined> {
  try {
    return await redis.wait(wanted, WAIT_MS)
  } catch (error) {
    return error instanceof Error && error.name === 'ReplyError' ? undefined : 0
  }
}

function writtenOf (reply: unknown): Written {
  const [kind]: unknown[] = Array.isArray(reply) ? reply : []
  switch (kind) {
    case 0: return { kind: 'behind' }
    case 1: return { kind: 'written' }
    case 3: return { kind: 'unusable' }
    default: throw new Error('the script of the revocation log answered something else')
  }
}

/** Between two attempts to bring the connections together. */
const RENEW_INTERVAL_MS = 1000

type Renew = (connections: ReadonlyArray<Pick<LogConnection, 'renew'>>) => void

/** Reconnects: after a failover one of the two may be left on the old master, which does not know it yet. */
function createRenewal (): Renew {
  let renewedAt = -Infinity
  return (connections) => {
    const now = systemClock.monotonic()
    if (now - renewedAt < RENEW_INTERVAL_MS) return
    renewedAt = now
    for (const { renew } of connections) renew()
  }
}

/** Whether these are two servers; undefined where our user may not ask for their names (INFO). */
function areApart (one: string | undefined, other: string | undefined): boolean | undefined {
  return one === undefined || other === undefined || one === '' || other === '' ? undefined : one !== other
}

type ServerName = Readonly<{
  name: () => Promise<string>
  /** Undefined while it is not known. */
  known: () => string | undefined
  /** How many there were. */
  connections: () => number
}>

/** The random name of the process at the other end, asked for once a connection. */
function watchServer ({ redis }: LogConnection): ServerName {
  let known: string | undefined
  let connections = 0
  const name = async (): Promise<string> => {
    known ??= await readServer(redis)
    return known
  }
  redis.on('close', () => { known = undefined })
  redis.on('ready', () => { connections++; name().catch(() => {}) })
  return { name, known: () => known, connections: () => connections }
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
function createSnapshots (
  { redis, prepare }: LogConnection,
  keys: Keys,
  markKey: string
): (after: StreamId, count: number) => Promise<Omit<Snapshot, 'server' | 'history'>> {
  /** It had some: that they are gone shows by writes that none acknowledges. */
  let hadReplicas = false
  /** Whether one has acknowledged a write over this connection: until then each write waits for them. */
  let isProven = false
  let markedAt = -Infinity
  redis.on('close', () => { isProven = false })
  async function mark (): Promise<boolean> {
    const now = systemClock.monotonic()
    if (!hadReplicas || now - markedAt < MARK_INTERVAL_MS) return false
    markedAt = now
    prepare()
    const marking = redis.eval(MARK, 1, markKey)
    const waiting = isProven ? undefined : redis.wait(1, MARK_WAIT_MS).catch(() => {}) // our user may not wait
    return await Promise.all([marking, waiting]).then(() => true, () => false)
  }
  async function look (): Promise<Role> {
    const [isMarked, role] = await Promise.all([mark(), redis.role()])
    const { isMaster, acknowledged, offset } = readRole(role)
    hadReplicas ||= acknowledged.length > 0
    isProven ||= isMarked && acknowledged.some((one) => one >= offset)
    return { isMaster, acknowledged, offset: isMarked ? offset : undefined }
  }
  return async (after, count) => {
    prepare()
    const [reply, role] = await Promise.all([redis.eval(READ, 2, ...keys, after, count), look()])
    // the first look showed that there are replicas, the second one whether they are alive
    const isNew = role.offset === undefined && role.acknowledged.length > 0 && !isProven
    return { ...readReply(reply), ...(isNew ? await look() : role) }
  }
}

type Role = Pick<Snapshot, 'isMaster' | 'acknowledged' | 'offset'>

function readRole (role: unknown): Readonly<{ isMaster: boolean, acknowledged: readonly number[], offset: number }> {
  if (!Array.isArray(role)) throw new Error('Redis answered no role')
  const [kind, offset, replicas]: unknown[] = role
  if (kind !== 'master') return { isMaster: false, acknowledged: [], offset: 0 }
  const listed: unknown[] = Array.isArray(replicas) ? replicas : []
  const acknowledged = listed.map((one) => Number(Array.isArray(one) && one[2]))
  return { isMaster: true, acknowledged, offset: Number(offset) }
}

function readReply (reply: unknown): Omit<Snapshot, 'server' | 'history' | keyof Role> {
  const [entries, headFields, length, time, isReadable, replicationId]: unknown[] = Array.isArray(reply) ? reply : []
  if (!Array.isArray(entries) || !Array.isArray(headFields) || !Array.isArray(time)) {
    throw new Error('Redis answered no snapshot of the revocation log')
  }
  const [log, headReplicationId, count, since]: unknown[] = headFields
  const [seconds, micros]: unknown[] = time
  return {
    entries: entries.map(readEntry),
    length: Number(length),
    head:
      typeof log === 'string' && log !== ''
        ? {
            log,
            replicationId: String(headReplicationId ?? ''),
            count: Number(count),
            since: Number(since)
          }
        : undefined,
    isReadable: isReadable === 1,
    replicationId: String(replicationId),
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
