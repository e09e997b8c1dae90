import { randomBytes } from 'node:crypto'
import type { CacheKey, CacheKeys } from '../../core/cache-key.ts'
import type { Sealer } from '../../crypto/sealing.ts'
import { asGarbage, type RedisCommands } from '../redis/commands.ts'
import { ownRefreshKey, ownSessionKey } from '../redis/keys.ts'
import { type Memory, openMemory, type RevocationReader } from './memory.ts'
import { type CookieNames, decodeRecord, encodeRecord, type OwnRecord } from './record.ts'

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
  commands: Pick<RedisCommands, 'getBuffer' | 'setIfNewer' | 'setSmallIfNewer' | 'setIfAbsent'>
  keyPrefix: string
  sealer: Sealer
  /** While CACHE_SECRET is rotated. */
  previous?: Sealer | undefined
  /** Whether a replica may be left that knows the previous secret alone. */
  writesPrevious: () => boolean
  log: RevocationReader
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
  const tier = redis === undefined ? createLocalStore(memory) : createSharedStore(redis, memory)
  return Object.freeze({
    ...tier,
    hold: ({ keys }: CookieNames, record: OwnRecord) => { memory.keep(keys.current, record) },
    size: memory.size,
    bytes: memory.bytes
  })
}

type Tier = Pick<RecordStore, 'read' | 'write' | 'remove' | 'claimRefresh'>

const NONE: StoreRead = Object.freeze({ kind: 'none' })
const found = (record: OwnRecord, { isToReseal = false, isRedisAway = false } = {}): StoreRead =>
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
    claimRefresh: async () => 'ours'
  }
}

type Opened = OwnRecord | 'ended' | undefined

/** What is kept under one secret: another name, another seal. */
type Place = Readonly<{ key: CacheKey, sealer: Sealer }>

/** Redis says what there is; memory stands in while it cannot be reached, and for a write that a failover lost. */
function createSharedStore (redis: RedisRecords, memory: Memory): Tier {
  const { commands, keyPrefix, log } = redis
  const me = randomBytes(12).toString('base64url')
  const nameOf = ({ key }: Place): string => ownSessionKey(keyPrefix, key)
  const placesOf = ({ current, previous }: CacheKeys): readonly [own: Place, ...older: Place[]] => {
    const own = { key: current, sealer: redis.sealer }
    return previous === undefined || redis.previous === undefined
      ? [own]
      : [own, { key: previous, sealer: redis.previous }]
  }

  async function readAt (place: Place): Promise<Opened> {
    const value = await commands.getBuffer(nameOf(place)).catch(asGarbage)
    return value === null ? undefined : openAt(place, value)
  }

  const bury = (place: Place): Promise<boolean> =>
    commands.setSmallIfNewer(nameOf(place), ENDED_VERSION, TOMBSTONE, TOMBSTONE_MS)

  async function buryAll (keys: CacheKeys): Promise<void> {
    for (const place of placesOf(keys)) await bury(place)
  }

  async function write ({ keys }: CookieNames, record: OwnRecord): Promise<StoreWrite> {
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
