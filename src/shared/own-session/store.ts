import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { CacheKey, CacheKeys, SentDigests } from '../../core/cache-key.ts'
import type { Sealer } from '../../crypto/sealing.ts'
import type { RedisCommands } from '../redis/commands.ts'
import { ownRefreshKey, ownSessionKey } from '../redis/keys.ts'
import type { RevocationLog, RevocationSnapshot } from '../revocation/types.ts'
import { decodeRecord, encodeRecord, type OwnRecord, recordBytes } from './record.ts'

/** `unreachable` is no answer: nobody is signed out for that. */
type StoreRead =
  /**
   * `isToReseal`: it is under CACHE_SECRET_PREVIOUS, and every replica knows the new secret. `isRedisAway`: it is what
   * this replica remembers, and another one may have a newer one.
   */
  | Readonly<{ kind: 'found', record: OwnRecord, isToReseal: boolean, isRedisAway: boolean }>
  | Readonly<{ kind: 'none' }>
  | Readonly<{ kind: 'unreachable', error: unknown }>

/** `overtaken`: a newer one is there, or the session was ended. */
type StoreWrite = 'stored' | 'overtaken' | 'unreachable'

/** Of one cookie: the name of its record, and what a revocation may name. */
export type CookieNames = Readonly<{ keys: CacheKeys, digests: SentDigests }>

/** Sessions by the keyed digest of their cookie. Never rejects. */
export type RecordStore = Readonly<{
  read: (cookie: CookieNames) => Promise<StoreRead>
  /** Only where it is newer than what is there. */
  write: (cookie: CookieNames, record: OwnRecord) => Promise<StoreWrite>
  /**
   * Before Authgear is asked for tokens in the place of that version's. @returns `other`: a replica did so within the
   * last minute, and has not stored what it got
   */
  claimRefresh: (cookie: CookieNames, version: number) => Promise<'ours' | 'other' | 'unreachable'>
  /** In memory alone, while Redis cannot be reached: the next read that reaches it writes it there. */
  hold: (cookie: CookieNames, record: OwnRecord) => void
  /** For good: a write that comes late brings nothing back. */
  remove: (cookie: Pick<CookieNames, 'keys'>) => Promise<'removed' | 'unreachable'>
  /** How many are in memory, and their bytes. */
  size: () => number
  bytes: () => number
}>

export type RedisRecords = Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'setIfNewer' | 'setIfAbsent'>
  keyPrefix: string
  sealer: Sealer
  /** While CACHE_SECRET is rotated. */
  previous?: Sealer | undefined
  /** Whether a replica may be left that knows the previous secret alone. */
  writesPrevious: () => boolean
  /** What another replica ended is no session here either, while Redis cannot say so. */
  log: Pick<RevocationLog, 'snapshot' | 'isVoid'>
}>

/** From its last write on; Authgear's own idle time-out is 30 days, and a session that is lost costs a redirect. */
export const LIFE_MS = 60 * 86_400_000
/** Longer than any refresh may be under way. */
const TOMBSTONE_MS = 15 * 60_000
/** A replica that got tokens and lost Redis amid it has it back by then, or somebody signs in once more. */
const CLAIM_MS = 60_000
const VERSION_DIGITS = 10
const ENDED_VERSION = '9'.repeat(VERSION_DIGITS)
const TOMBSTONE = Buffer.from(ENDED_VERSION)

/** @param maxBytes of CACHE_MAX_MEMORY */
export function createRecordStore (maxBytes: number, redis: RedisRecords | undefined): RecordStore {
  const memory = openMemory(maxBytes, redis?.log)
  const tier = redis === undefined ? memory.alone : createSharedStore(redis, memory)
  return Object.freeze({
    ...tier,
    hold: ({ keys }: CookieNames, record: OwnRecord) => { memory.keep(keys.current, record) },
    size: memory.size,
    bytes: memory.bytes
  })
}

type Tier = Pick<RecordStore, 'read' | 'write' | 'remove' | 'claimRefresh'>
type Memory = ReturnType<typeof openMemory>

/** No record takes fewer: bounds the lists that are made at the start. */
const MIN_RECORD_BYTES = 1024
/** The least-recently-used lists take these from the start, for each record that may exist. */
const RESERVED_RECORD_BYTES = 40

type Slot = Readonly<{ record: OwnRecord, snapshot: RevocationSnapshot | undefined }>

/** What this replica has seen last; without Redis that is all there is. */
function openMemory (maxBytes: number, log: RedisRecords['log'] | undefined) {
  const max = Math.max(1, Math.floor(maxBytes / (MIN_RECORD_BYTES + RESERVED_RECORD_BYTES)))
  const maxSize = Math.max(1, Math.floor(maxBytes - RESERVED_RECORD_BYTES * max))
  const records = new LRUCache<string, Slot>({ max, maxSize })
  /** Ended a short time ago: what is under way brings none of them back. */
  const ended = new LRUCache<string, true>({ max: 10_000 })
  function keep (key: CacheKey, record: OwnRecord, snapshot = log?.snapshot()): boolean {
    if (ended.has(key) || (records.peek(key)?.record.version ?? 0) >= record.version) return false
    records.set(key, { record, snapshot }, { size: recordBytes(key, record) })
    return true
  }
  function drop (key: CacheKey): void {
    records.delete(key)
    ended.set(key, true)
  }
  const alone: Tier = {
    read: async ({ keys }) => {
      const slot = records.get(keys.current)
      return slot === undefined ? NONE : found(slot.record)
    },
    write: async ({ keys }, record) => keep(keys.current, record) ? 'stored' : 'overtaken',
    remove: async ({ keys }) => { drop(keys.current); return 'removed' },
    claimRefresh: async () => 'ours'
  }
  return {
    alone,
    keep,
    drop,
    /** What no revocation of the cookie has overtaken. */
    get ({ keys: { current }, digests: { all } }: CookieNames): OwnRecord | undefined {
      const slot = ended.has(current) ? undefined : records.get(current)
      const isVoid = slot?.snapshot !== undefined &&
        log?.isVoid({ userId: undefined, digests: all }, slot.snapshot) === true
      return isVoid ? undefined : slot?.record
    },
    /** Redis has it still. */
    seen (key: CacheKey, record: OwnRecord, snapshot: RevocationSnapshot): void {
      if (records.peek(key)?.record.version === record.version) records.delete(key)
      keep(key, record, snapshot)
    },
    forget: (key: CacheKey) => { records.delete(key) },
    size: () => records.size,
    bytes: () => records.calculatedSize
  }
}

const NONE: StoreRead = Object.freeze({ kind: 'none' })
const found = (record: OwnRecord, { isToReseal = false, isRedisAway = false } = {}): StoreRead =>
  ({ kind: 'found', record, isToReseal, isRedisAway })

type Opened = OwnRecord | 'ended' | undefined

/** What is kept under one secret: another name, another seal. */
type Place = Readonly<{ key: CacheKey, sealer: Sealer, isPrevious: boolean }>

/** Redis says what there is; memory stands in while it cannot be reached, and for a write that a failover lost. */
function createSharedStore (redis: RedisRecords, memory: Memory): Tier {
  const { commands, keyPrefix, log } = redis
  const me = randomBytes(12).toString('base64url')
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

  async function write ({ keys }: CookieNames, record: OwnRecord): Promise<StoreWrite> {
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
    async claimRefresh ({ keys: { current } }, version) {
      const name = ownRefreshKey(keyPrefix, current, version)
      try {
        if (await commands.setIfAbsent(name, me, CLAIM_MS)) return 'ours'
        return (await commands.getBuffer(name))?.toString() === me ? 'ours' : 'other'
      } catch {
        return 'unreachable'
      }
    },
    async read (cookie) {
      const { keys, keys: { current } } = cookie
      const known = memory.get(cookie)
      const places = placesOf(keys)
      const snapshot = log.snapshot()
      try {
        const [own, older] = await Promise.all(places.map(readAt))
        if (own === 'ended') { memory.drop(current); return NONE }
        const [record, isUnderPrevious] = newest(own, older === 'ended' ? undefined : older)
        if (record === undefined) { memory.forget(current); return NONE }
        if (known !== undefined && known.version > record.version && known.sid === record.sid) {
          // a failover lost the newest write
          await write(cookie, known)
          return found(known)
        }
        memory.seen(current, record, snapshot)
        return found(record, { isToReseal: isUnderPrevious && !redis.writesPrevious() })
      } catch (error) {
        return known === undefined ? { kind: 'unreachable', error } : found(known, { isRedisAway: true })
      }
    },
    async remove ({ keys }) {
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
