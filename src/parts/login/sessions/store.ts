import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../../base/clock.ts'
import type { CacheKey, CacheKeys } from '../../../base/core/cache-key.ts'
import type { EpochMs } from '../../../base/core/token-expiry.ts'
import type { Sealing } from '../../../base/crypto/sealing.ts'
import { asGarbage, type RedisCommands } from '../../../base/redis/commands.ts'
import type { RevocationLog, RevocationSnapshot } from '../../../base/revocation/types.ts'
import {
  type CookieNames, ENDED_VERSION, newest, openAt, ownKey, type SessionRecord, type Place, recordBytes, seal,
  type SealedRecord, TOMBSTONE, versionText
} from './record.ts'

/** `unreachable` is no answer: nobody is signed out for that. */
type StoreRead =
  /**
   * `isToReseal`: it is under CACHE_SECRET_PREVIOUS, and every replica knows the new secret. `isRedisAway`: it is what
   * this replica remembers, and another one may have a newer one.
   */
  | Readonly<{ kind: 'found', record: SessionRecord, isToReseal: boolean, isRedisAway: boolean }>
  | Readonly<{ kind: 'none' }>
  | Readonly<{ kind: 'unreachable', error: unknown }>

/** `overtaken`: a newer one is there, or the session was ended. */
type StoreWrite = 'stored' | 'overtaken' | 'unreachable'

/** Sessions by the keyed digest of their cookie. Never rejects. */
export type RecordStore = Readonly<{
  read: (cookie: CookieNames) => Promise<StoreRead>
  /** Only where it is newer than what is there. */
  write: (cookie: CookieNames, record: SessionRecord) => Promise<StoreWrite>
  /**
   * Before Authgear is asked for tokens in the place of that version's. @returns `other`: a replica did so within the
   * last minute, and has not stored what it got
   */
  claimRefresh: (cookie: CookieNames, version: number) => Promise<'ours' | 'other' | 'unreachable'>
  /** Keeps it in memory alone, while Redis cannot be reached: the next read that reaches it writes it there. */
  hold: (cookie: CookieNames, record: SessionRecord) => void
  /** Removes it permanently: a late write cannot restore it. */
  remove: (cookie: Pick<CookieNames, 'keys'>) => Promise<'removed' | 'unreachable'>
  /**
   * Redis may have lost writes: what this replica has that is newer than what is there, where an older refresh token is
   * worth nothing. A record that Redis has not at all may have ended, and stays away. @param since epoch milliseconds
   */
  giveBack: (since: EpochMs) => Promise<void>
  /** The number in memory, and their bytes. */
  size: () => number
  bytes: () => number
}>

export type RedisRecords = Sealing & Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'setIfNewer' | 'setSmallIfNewer' | 'setOverOlder' | 'setIfAbsent'>
  keyPrefix: string
  log: RevocationReader
}>

/**
 * The life of a record from its last write on; Authgear's own idle time-out is 30 days, and a session that is lost
 * costs a redirect.
 */
export const LIFE_MS = 60 * 86_400_000
/** Longer than any refresh may be under way. */
const TOMBSTONE_MS = 15 * 60_000
/** By then a replica that lost Redis while it got tokens is connected again, or the user signs in again. */
const CLAIM_MS = 60_000
/** Records that are given back together. */
const AT_ONCE = 64

/** @param maxBytes of CACHE_MAX_MEMORY */
export function createRecordStore (maxBytes: number, redis: RedisRecords | undefined): RecordStore {
  const memory = openMemory(maxBytes, redis?.log)
  const tier = redis === undefined ? createLocalStore(memory) : createSharedStore(redis, memory)
  return Object.freeze({
    ...tier,
    hold: ({ keys }: CookieNames, record: SessionRecord) => { memory.keep(keys.current, record) },
    size: memory.size,
    bytes: memory.bytes
  })
}

type Tier = Pick<RecordStore, 'read' | 'write' | 'remove' | 'claimRefresh' | 'giveBack'>

const NONE: StoreRead = Object.freeze({ kind: 'none' })
const found = (record: SessionRecord, { isToReseal = false, isRedisAway = false } = {}): StoreRead =>
  ({ kind: 'found', record, isToReseal, isRedisAway })

/** Without Redis. */
function createLocalStore (memory: Memory): Tier {
  return {
    async read (cookie) {
      const record = memory.get(cookie)
      return record === undefined ? NONE : found(record)
    },
    write: async ({ keys }, record) => memory.keep(keys.current, record) ? 'stored' : 'overtaken',
    async remove ({ keys }) {
      memory.drop(keys.current)
      return 'removed'
    },
    claimRefresh: async () => 'ours',
    giveBack: async () => {}
  }
}

/** Redis says what there is; memory stands in while it cannot be reached, and for a write that a failover lost. */
function createSharedStore (redis: RedisRecords, memory: Memory): Tier {
  const { commands, keyPrefix, log } = redis
  const me = randomBytes(12).toString('base64url')
  const nameOf = ({ key }: Place): string => ownKey(keyPrefix, key, 'session')
  const placesOf = ({ current, previous }: CacheKeys): readonly [own: Place, ...older: Place[]] => {
    const own = { key: current, sealer: redis.sealer }
    return previous === undefined || redis.previous === undefined
      ? [own]
      : [own, { key: previous, sealer: redis.previous }]
  }

  async function readAt (place: Place): Promise<SealedRecord> {
    const value = await commands.getBuffer(nameOf(place)).catch(asGarbage)
    return value === null ? undefined : openAt(place, value)
  }

  const bury = (place: Place): Promise<boolean> =>
    commands.setSmallIfNewer(nameOf(place), ENDED_VERSION, TOMBSTONE, TOMBSTONE_MS)

  async function buryAll (keys: CacheKeys): Promise<void> {
    for (const place of placesOf(keys)) await bury(place)
  }

  async function write ({ keys }: CookieNames, record: SessionRecord): Promise<StoreWrite> {
    const [own, older] = placesOf(keys)
    const place = older !== undefined && redis.writesPrevious() ? older : own
    const version = versionText(record.version)
    try {
      if (!await commands.setIfNewer(nameOf(place), version, seal(place, record), LIFE_MS)) return 'overtaken'
      memory.keep(keys.current, record)
      // what is under the other name is older, and is read no more
      if (older !== undefined && place === own) await bury(older)
      return 'stored'
    } catch {
      return 'unreachable'
    }
  }

  return {
    write,
    async claimRefresh ({ keys: { current } }, version) {
      const name = ownKey(keyPrefix, current, `refresh-${version}`)
      try {
        if (await commands.setIfAbsent(name, me, CLAIM_MS)) return 'ours'
        return (await commands.getBuffer(name).catch(asGarbage))?.toString() === me ? 'ours' : 'other'
      } catch {
        return 'unreachable'
      }
    },
    async read (cookie) {
      const { keys, keys: { current } } = cookie
      if (memory.isOver(cookie)) {
        // a failover or a restored snapshot brought it back for others
        await buryAll(keys).catch(() => {})
        return NONE
      }
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
    giveBack: createGivingBack(redis, memory),
    async remove ({ keys }) {
      memory.forget(keys.current)
      try {
        await buryAll(keys)
        memory.drop(keys.current)
        return 'removed'
      } catch {
        return 'unreachable'
      }
    }
  }
}

function createGivingBack ({ commands, keyPrefix, sealer }: RedisRecords, memory: Memory): RecordStore['giveBack'] {
  const isNeeded = ({ version, rotates, usedAt }: SessionRecord, since: number): boolean =>
    version > 1 && rotates !== false && usedAt >= since
  return async (since) => {
    const held = [...memory.entries()].filter(([, record]) => isNeeded(record, since))
    for (let at = 0; at < held.length; at += AT_ONCE) {
      await Promise.all(held.slice(at, at + AT_ONCE).map(async ([key, record]) => {
        const sealed = seal({ key, sealer }, record)
        await commands.setOverOlder(ownKey(keyPrefix, key, 'session'), versionText(record.version), sealed, LIFE_MS)
      }))
    }
  }
}

/** The time that other replicas take to give back what Redis lost. */
const UNSETTLED_MS = 10_000
/** A failover loses the last seconds. */
const FAILOVER_MS = 60_000

/** Gives back what Redis may have lost, as far as this replica has it. */
export function createLosses (store: Pick<RecordStore, 'giveBack'>, clock: Clock) {
  let newest = -Infinity
  return {
    isUnsettled: () => clock.monotonic() - newest < UNSETTLED_MS,
    /** @param what a `connection` is a failover at worst; another `log` an older copy of all */
    mayHaveLost (what: 'connection' | 'log'): void {
      newest = clock.monotonic()
      const since = what === 'log' ? 0 : clock.wall() - FAILOVER_MS
      store.giveBack(since as EpochMs).catch(() => {}) // the next connection is the next chance
    }
  }
}

export type Losses = ReturnType<typeof createLosses>

/** No record takes fewer: bounds the lists that are made at the start. */
const MIN_RECORD_BYTES = 1024
/** The least-recently-used lists take these from the start, for each record that may exist. */
const RESERVED_RECORD_BYTES = 40

type RevocationReader = Pick<RevocationLog, 'snapshot' | 'isVoid' | 'names'>

type Slot = Readonly<{ record: SessionRecord, snapshot: RevocationSnapshot | undefined }>

/** The records that this replica has seen last; without Redis there are no others. */
function openMemory (maxBytes: number, log: RevocationReader | undefined) {
  const max = Math.max(1, Math.floor(maxBytes / (MIN_RECORD_BYTES + RESERVED_RECORD_BYTES)))
  const maxSize = Math.max(1, Math.floor(maxBytes - RESERVED_RECORD_BYTES * max))
  const records = new LRUCache<string, Slot>({ max, maxSize })
  /** Ended a short time ago: what is under way brings none of them back. */
  const ended = new LRUCache<string, true>({ max: 10_000 })
  function keep (key: CacheKey, record: SessionRecord, snapshot = log?.snapshot()): boolean {
    if (ended.has(key) || (records.peek(key)?.record.version ?? 0) >= record.version) return false
    records.set(key, { record, snapshot }, { size: recordBytes(key, record) })
    return true
  }
  function drop (key: CacheKey): void {
    records.delete(key)
    ended.set(key, true)
  }
  return {
    keep,
    drop,
    /**
     * Permanently, whatever Redis has of it: this process saw it end, or a revocation names its cookie, which only a
     * session's end does.
     */
    isOver ({ keys: { current }, digests }: CookieNames): boolean {
      if (log?.names({ digests: digests.all }) === true) drop(current)
      return ended.has(current)
    },
    /** The record, unless a revocation of the cookie has overtaken it. */
    get ({ keys: { current }, digests: { all } }: CookieNames): SessionRecord | undefined {
      const slot = ended.has(current) ? undefined : records.get(current)
      const isVoid = slot?.snapshot !== undefined &&
        log?.isVoid({ userId: undefined, digests: all }, slot.snapshot) === true
      return isVoid ? undefined : slot?.record
    },
    /** Redis has it still. */
    seen (key: CacheKey, record: SessionRecord, snapshot: RevocationSnapshot): void {
      if (records.peek(key)?.record.version === record.version) records.delete(key)
      keep(key, record, snapshot)
    },
    forget: (key: CacheKey) => { records.delete(key) },
    /** Newest first. */
    * entries (): Generator<readonly [CacheKey, SessionRecord]> {
      for (const [key, { record }] of records.entries()) yield [key as CacheKey, record]
    },
    size: () => records.size,
    bytes: () => records.calculatedSize
  }
}

type Memory = ReturnType<typeof openMemory>
