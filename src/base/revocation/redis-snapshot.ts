import { systemClock } from '../clock.ts'
import type { LogConnection } from '../redis/log-connections.ts'
import type { Head, Snapshot } from './store.ts'
import type { StreamId } from './types.ts'

/** How long the first write over a connection may wait for a replica, which otherwise acknowledges once a second. */
const MARK_WAIT_MS = 100
/** Between two writes that show which Redis replicas are alive. */
const MARK_INTERVAL_MS = 400

/**
 * KEYS: stream, head. ARGV: the id to read after, how many. A script, since an append between two commands would look
 * like a broken chain, and since a server that is out of memory refuses MULTI and runs a script that only reads.
 * A key of another type is reported, since nothing else would repair it.
 */
const READ = `
local function read(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then return false end
  error(reply.err)
end
local entries = read('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
local head = read('HMGET', KEYS[2], 'gen', 'nonce', 'id', 'replid', 'since', 'first')
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

type Keys = readonly [stream: string, head: string]

/** No script may call ROLE. It is answered after it: a master was one when the log was read, or became one since. */
export function createSnapshots ({ redis, prepare }: LogConnection, keys: Keys, markKey: string) {
  /** It had some: that they are gone shows by writes that none acknowledges. */
  let hadReplicas = false
  /** True if one has acknowledged a write over this connection: until then each write waits for them. */
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
  return {
    /** True if the server listed Redis replicas once. */
    hadReplicas: () => hadReplicas,
    async take (after: StreamId, count: number): Promise<Omit<Snapshot, 'server'>> {
      prepare()
      const [reply, role] = await Promise.all([redis.eval(READ, 2, ...keys, after, count), look()])
      // the first look showed that there are replicas, the second one whether they are alive
      const isNew = role.offset === undefined && role.acknowledged.length > 0 && !isProven
      return { ...readReply(reply), ...(isNew ? await look() : role) }
    }
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

function readReply (reply: unknown): Omit<Snapshot, 'server' | keyof Role> {
  const [entries, headFields, length, time, isReadable, replicationId]: unknown[] = Array.isArray(reply) ? reply : []
  if (!Array.isArray(entries) || !Array.isArray(headFields) || !Array.isArray(time)) {
    throw new Error('Redis answered no snapshot of the revocation log')
  }
  const [seconds, micros]: unknown[] = time
  return {
    entries: entries.map(readEntry),
    length: Number(length),
    head: readHead(headFields),
    isReadable: isReadable === 1,
    replicationId: String(replicationId),
    now: Number(seconds) * 1000 + Number(micros) / 1000
  }
}

function readHead ([generation, nonce, id, replicationId, since, first]: readonly unknown[]): Head | undefined {
  if (typeof generation !== 'string' || generation === '') return undefined
  return {
    generation,
    nonce: String(nonce ?? ''),
    id: String(id),
    replicationId: String(replicationId ?? ''),
    since: Number(since ?? 0),
    first: String(first ?? '')
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
