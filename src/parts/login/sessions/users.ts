import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { CacheKey, CacheKeys } from '../../../base/core/cache-key.ts'
import type { Sealer } from '../../../base/crypto/sealing.ts'
import { asGarbage, type RedisCommands } from '../../../base/redis/commands.ts'
import { createTurns } from './lease.ts'
import { ownKey, type SessionRecord, VERSION_DIGITS, versionText } from './record.ts'

/**
 * The most sessions of one user at one host; one more ends the oldest. As many as Google keeps refresh tokens of an
 * account and a client:
 * https://developers.google.com/identity/protocols/oauth2#expiration
 */
export const MAX_SESSIONS = 100

type Owner = Pick<SessionRecord, 'userId' | 'host'>

export type UserSessions = ReturnType<typeof createUserSessions>

/** Newest last; as text, since each session of a process that has no Redis takes room for it. */
type List = Readonly<{ version: number, text: string, isForeign?: true }>

type Lists = Readonly<{
  read: (name: CacheKey) => Promise<List>
  /** @returns true if nobody else wrote it since it was read */
  write: (name: CacheKey, list: List) => Promise<boolean>
}>

export type UserSessionsDeps = Readonly<{
  nameOf: (userId: string, host: string) => CacheKey
  lists: Lists
}>

/** Other replicas write between a read and a write less often, whatever one person does at once. */
const MAX_TRIES = 100
/** Between two tries. */
const MAX_WAIT_MS = 10

/** The sessions of each user at each host, in the order of their beginning: what one person can make us keep. */
export function createUserSessions ({ nameOf, lists }: UserSessionsDeps) {
  const inTurn = createTurns()

  function change (owner: Owner, next: (sessions: readonly string[]) => readonly string[]): Promise<readonly string[]> {
    const name = nameOf(owner.userId, owner.host)
    return inTurn(name, async () => {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const list = await lists.read(name)
        const sessions = next(list.text.split(' ').filter((one) => one !== ''))
        const kept = sessions.slice(-MAX_SESSIONS)
        if (await lists.write(name, { ...list, version: list.version + 1, text: kept.join(' ') })) {
          return sessions.slice(0, -MAX_SESSIONS)
        }
        // replicas in step would lose to the same one each time
        await sleep(Math.random() * Math.min(tries, MAX_WAIT_MS))
      }
      throw new Error('the sessions of a user change all the time')
    })
  }

  return Object.freeze({
    /**
     * Before its record is written. @param instead the one whose place it takes
     * @returns those beyond the bound, which are to be removed; rejects where Redis does not take the list
     */
    async add (owner: Owner, keys: CacheKeys, instead?: CacheKeys): Promise<readonly CacheKeys[]> {
      const beyond = await change(owner, (sessions) => [...without(sessions, instead), textOf(keys)])
      return beyond.map(keysIn)
    },
    /** It has ended. Rejects as `add`. */
    async remove (owner: Owner, keys: CacheKeys): Promise<void> {
      await change(owner, (sessions) => without(sessions, keys))
    }
  })
}

/** A key is base64url. */
const textOf = ({ current, previous }: CacheKeys): string => previous === undefined ? current : `${current}~${previous}`

/** Takes a session out, listed while CACHE_SECRET was rotated or not: keys are of one length. */
const without = (sessions: readonly string[], keys: CacheKeys | undefined): readonly string[] =>
  keys === undefined ? sessions : sessions.filter((one) => !one.startsWith(keys.current))

function keysIn (text: string): CacheKeys {
  const [current = '', previous] = text.split('~')
  return { current: current as CacheKey, previous: previous as CacheKey | undefined }
}

const EMPTY: List = Object.freeze({ version: 0, text: '' })
/** The bytes of a list beside its text, and the least that one takes. */
const LIST_BYTES = 250

/** Without Redis: where there are too many, the lists that changed longest ago count from nought. */
export function createListsInMemory (maxBytes: number): Lists {
  const lists = new LRUCache<string, List>({
    max: Math.max(1, Math.floor(maxBytes / LIST_BYTES)), maxSize: Math.max(1, Math.floor(maxBytes))
  })
  return Object.freeze({
    read: async (name: CacheKey) => lists.get(name) ?? EMPTY,
    async write (name: CacheKey, list: List): Promise<boolean> {
      if ((lists.peek(name)?.version ?? 0) >= list.version) return false
      lists.set(name, list, { size: LIST_BYTES + list.text.length })
      return true
    }
  })
}

export type RedisLists = Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'setIfNewer' | 'setPx'>
  keyPrefix: string
  /** The sealer of the current secret: what was listed under another one counts from nought. */
  sealer: Sealer
  /** Milliseconds from its last change. */
  lifeMs: number
}>

export function createListsInRedis ({ commands, keyPrefix, sealer, lifeMs }: RedisLists): Lists {
  // nobody but us raises a version, so that each list can be written over
  const sealName = (name: CacheKey, digits: string): string => `user ${name} ${digits}`
  return Object.freeze({
    async read (name: CacheKey): Promise<List> {
      const value = await commands.getBuffer(ownKey(keyPrefix, name, 'user')).catch(asGarbage)
      if (value === null) return EMPTY
      const digits = value.subarray(0, VERSION_DIGITS).toString('latin1')
      const plain = sealer.open(sealName(name, digits), value.subarray(VERSION_DIGITS))
      const version = Number(digits)
      // garbage, which must not keep users from signing in
      if (plain === undefined || !Number.isSafeInteger(version)) return { ...EMPTY, isForeign: true }
      return { version, text: plain.toString('latin1') }
    },
    async write (name: CacheKey, { version, text, isForeign }: List): Promise<boolean> {
      const digits = versionText(version)
      const value = Buffer.concat([Buffer.from(digits), sealer.seal(sealName(name, digits), Buffer.from(text))])
      const key = ownKey(keyPrefix, name, 'user')
      if (isForeign !== true) return await commands.setIfNewer(key, digits, value, lifeMs)
      await commands.setPx(key, value, lifeMs)
      return true
    }
  })
}
