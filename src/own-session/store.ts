import { LRUCache } from 'lru-cache'
import type { CacheKey, CacheKeys } from '../core/cache-key.ts'
import type { Sealer } from '../crypto/sealing.ts'
import type { RedisCommands } from '../redis/commands.ts'
import { ownSessionKey } from '../redis/keys.ts'
import { decodeRecord, encodeRecord, type OwnRecord, recordBytes } from './record.ts'

/** `unreachable` is no answer: nobody is signed out for that. */
export type StoreRead =
  | Readonly<{ kind: 'found', record: OwnRecord, isUnderPrevious: boolean }>
  | Readonly<{ kind: 'none' }>
  | Readonly<{ kind: 'unreachable', error: unknown }>

/** `overtaken`: a newer one is there, or the session was ended. */
export type StoreWrite = 'stored' | 'overtaken' | 'unreachable'

/** Sessions by the keyed digest of their cookie. Never rejects. */
export type RecordStore = Readonly<{
  read: (keys: CacheKeys) => Promise<StoreRead>
  /** Only where it is newer than what is there. */
  write: (keys: CacheKeys, record: OwnRecord) => Promise<StoreWrite>
  /** In memory alone, while Redis cannot be reached: the next read that reaches it writes it there. */
  hold: (keys: CacheKeys, record: OwnRecord) => void
  /** For good: a write that comes late brings nothing back. */
  remove: (keys: CacheKeys) => Promise<'removed' | 'unreachable'>
  /** How many are in memory, and their bytes. */
  size: () => number
  bytes: () => number
}>

export type RedisRecords = Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'setIfNewer'>
  keyPrefix: string
  sealer: Sealer
  /** While CACHE_SECRET is rotated. */
  previous?: Sealer | undefined
  /** Whether a replica may be left that knows the previous secret alone. */
  writesPrevious: () => boolean
}>

/** From its last write on; Authgear's own idle time-out is 30 days, and a session that is lost costs a redirect. */
const LIFE_MS = 60 * 86_400_000
/** Longer than any refresh may be under way. */
const TOMBSTONE_MS = 15 * 60_000
const VERSION_DIGITS = 10
const ENDED_VERSION = '9'.repeat(VERSION_DIGITS)
const TOMBSTONE = Buffer.from(ENDED_VERSION)

/** @param maxBytes of CACHE_MAX_MEMORY */
export function createRecordStore (maxBytes: number, redis: RedisRecords | undefined): RecordStore {
  const memory = openMemory(maxBytes)
  const tier = redis === undefined ? memory.alone : createSharedStore(redis, memory)
  return Object.freeze({
    ...tier,
    hold: ({ current }: CacheKeys, record: OwnRecord) => { memory.keep(current, record) },
    size: memory.size,
    bytes: memory.bytes
  })
}

type Tier = Pick<RecordStore, 'read' | 'write' | 'remove'>
type Memory = ReturnType<typeof openMemory>

/** No record takes fewer: bounds the lists that are made at the start. */
const MIN_RECORD_BYTES = 1024

/** What this replica has seen last; without Redis that is all there is. */
function openMemory (maxBytes: number) {
  const max = Math.max(1, Math.floor(maxBytes / MIN_RECORD_BYTES))
  const records = new LRUCache<string, OwnRecord>({ max, maxSize: Math.max(1, Math.floor(maxBytes)) })
  /** Ended a short time ago: what is under way brings none of them back. */
  const ended = new LRUCache<string, true>({ max: 10_000 })
  function keep (key: CacheKey, record: OwnRecord): boolean {
    if (ended.has(key) || (records.peek(key)?.version ?? 0) >= record.version) return false
    records.set(key, record, { size: recordBytes(key, record) })
    return true
  }
  function drop (key: CacheKey): void {
    records.delete(key)
    ended.set(key, true)
  }
  const alone: Tier = {
    read: async ({ current }) => {
      const record = records.get(current)
      return record === undefined ? NONE : { kind: 'found', record, isUnderPrevious: false }
    },
    write: async ({ current }, record) => keep(current, record) ? 'stored' : 'overtaken',
    remove: async ({ current }) => { drop(current); return 'removed' }
  }
  return {
    alone,
    keep,
    drop,
    get: (key: CacheKey) => ended.has(key) ? undefined : records.get(key),
    forget: (key: CacheKey) => { records.delete(key) },
    size: () => records.size,
    bytes: () => records.calculatedSize
  }
}

const NONE: StoreRead = Object.freeze({ kind: 'none' })

type Opened = OwnRecord | 'ended' | undefined

/** What is kept under one secret: another name, another seal. */
type Place = Readonly<{ key: CacheKey, sealer: Sealer, isPrevious: boolean }>

/** Redis says what there is; memory stands in while it cannot be reached, and for a write that a failover lost. */
function createSharedStore (redis: RedisRecords, memory: Memory): Tier {
  const { commands, keyPrefix } = redis
  const nameOf = ({ key }: Place): string => ownSessionKey(keyPrefix, key)
  const placesOf = ({ current, previous }: CacheKeys): readonly Place[] => {
    const own: Place = { key: current, sealer: redis.sealer, isPrevious: false }
    return previous === undefined || redis.previous === undefined
      ? [own]
      : [own, { key: previous, sealer: redis.previous, isPrevious: true }]
  }

  async function readAt (place: Place): Promise<Opened> {
    const value = await commands.getBuffer(nameOf(place))
    return value === null ? undefined : openAt(place, value)
  }

  const writeAt = (place: Place, version: string, value: Buffer, lifeMs: number): Promise<boolean> =>
    commands.setIfNewer(nameOf(place), version, value, lifeMs)

  async function write (keys: CacheKeys, record: OwnRecord): Promise<StoreWrite> {
    const [own, older] = placesOf(keys)
    try {
      const place = older !== undefined && redis.writesPrevious() ? older : own
      if (place === undefined) return 'overtaken'
      if (!await writeAt(place, versionText(record.version), seal(place, record), LIFE_MS)) return 'overtaken'
      memory.keep(keys.current, record)
      // what is under the other name is older, and is read no more
      if (older !== undefined && place === own) await writeAt(older, ENDED_VERSION, TOMBSTONE, TOMBSTONE_MS)
      return 'stored'
    } catch {
      return 'unreachable'
    }
  }

  return {
    write,
    async read (keys) {
      const { current } = keys
      const known = memory.get(current)
      const places = placesOf(keys)
      try {
        const [own, older] = await Promise.all(places.map(readAt))
        if (own === 'ended') { memory.drop(current); return NONE }
        const [record, isUnderPrevious] = newest(own, older === 'ended' ? undefined : older)
        if (record === undefined) { memory.forget(current); return NONE }
        if (known !== undefined && known.version > record.version && known.sid === record.sid) {
          // a failover lost the newest write
          await write(keys, known)
          return { kind: 'found', record: known, isUnderPrevious: false }
        }
        memory.keep(current, record)
        return { kind: 'found', record, isUnderPrevious }
      } catch (error) {
        return known === undefined
          ? { kind: 'unreachable', error }
          : { kind: 'found', record: known, isUnderPrevious: false }
      }
    },
    async remove (keys) {
      memory.drop(keys.current)
      try {
        for (const place of placesOf(keys)) await writeAt(place, ENDED_VERSION, TOMBSTONE, TOMBSTONE_MS)
        return 'removed'
      } catch {
        return 'unreachable'
      }
    }
  }
}

const versionText = (version: number): string => String(version).padStart(VERSION_DIGITS, '0')
/** The key is a digest of host and cookie: a record opens for nothing else. */
const nameInSeal = ({ key }: Place): string => `session ${key}`

function seal (place: Place, record: OwnRecord): Buffer {
  const sealed = place.sealer.seal(nameInSeal(place), encodeRecord(record))
  return Buffer.concat([Buffer.from(versionText(record.version)), sealed])
}

/** What is there is hostile until it is opened: what does not open is nothing. */
function openAt (place: Place, value: Buffer): Opened {
  const version = value.subarray(0, VERSION_DIGITS).toString('latin1')
  if (version === ENDED_VERSION) return 'ended'
  const plain = place.sealer.open(nameInSeal(place), value.subarray(VERSION_DIGITS))
  const record = plain === undefined ? undefined : decodeRecord(plain)
  return record !== undefined && versionText(record.version) === version ? record : undefined
}

function newest (own: OwnRecord | undefined, older: OwnRecord | undefined): readonly [OwnRecord | undefined, boolean] {
  return older !== undefined && older.version > (own?.version ?? 0) ? [older, true] : [own, false]
}
