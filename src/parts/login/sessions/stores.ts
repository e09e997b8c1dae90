import { PATIENCE_MS } from '../grants/token-calls.ts'
import type { Clock } from '../../../base/clock.ts'
import { createSealer, type Sealing } from '../../../base/crypto/sealing.ts'
import type { CacheKey } from '../../../base/core/cache-key.ts'
import { credentialsOfCookie } from './credentials.ts'
import type { EpochMs } from '../../../base/core/token-expiry.ts'
import type { SharedCodes } from '../own/used-codes.ts'
import { createEndedGrants } from './ended-grants.ts'
import { createSessionLease } from './lease.ts'
import { createRecordStore, LIFE_MS, type RecordStore } from './store.ts'
import { createListsInMemory, createListsInRedis, createUserSessions } from './user-sessions.ts'
import type { RedisCommands } from '../../../base/redis/commands.ts'
import { usedCodeKey } from './keys.ts'
import type { RevocationLog } from '../../../base/revocation/types.ts'
import type { Base } from '../../../base/parts/places.ts'

export type StoreDeps =
  & Pick<Base, 'clock' | 'keyer' | 'keysFor' | 'maxBytes' | 'redis'>
  & Readonly<{ revocations: RevocationLog, clientId: string, timeoutMs: number }>

/** The share of those bytes that lists of users' sessions take, where Redis does not keep them. */
const LISTS_SHARE = 0.1

export type Losses = ReturnType<typeof createLosses>

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

/** Opens the stores of sessions: in Redis, where there is one. */
export function openStores (deps: StoreDeps) {
  const { keyer: { userKey }, clock, redis, maxBytes: bytes } = deps
  const nameOf = (userId: string, host: string): CacheKey => userKey('user', userId, host)
  if (redis === undefined) {
    const ofLists = bytes * LISTS_SHARE
    return {
      store: createRecordStore(Math.floor(bytes - ofLists), undefined),
      users: createUserSessions({ nameOf, lists: createListsInMemory(ofLists) }),
      lease: createSessionLease(clock, undefined),
      codes: undefined,
      grants: undefined,
      isShared: false
    }
  }
  // what is asked of records is answered late rather than not at all
  const { keyPrefix, patient: commands, leaseMs } = redis
  const { revocations: log, keyer, clientId, timeoutMs } = deps
  const sealing = sealingOf(deps, redis.sealing)
  const names = keyer.cacheKeys(credentialsOfCookie(`ended-grants ${clientId}`))
  // the wait for a place, the call, and what Redis takes
  const maxHoldMs = 2 * timeoutMs + Math.max(PATIENCE_MS, timeoutMs)
  const lists = createListsInRedis({ commands, keyPrefix, sealer: sealing.sealer, lifeMs: LIFE_MS })
  return {
    store: createRecordStore(Math.floor(bytes), { ...sealing, commands, keyPrefix, log }),
    users: createUserSessions({ nameOf, lists }),
    lease: createSessionLease(clock, { commands, keyPrefix, leaseMs, maxHoldMs }),
    codes: codesIn(commands, keyPrefix),
    grants: createEndedGrants({ ...sealing, commands, keyPrefix, names }),
    isShared: true
  }
}

/** Sessions hold tokens: they are sealed under a key of their own. */
function sealingOf ({ keysFor }: Pick<Base, 'keysFor'>, { writesPrevious }: Sealing): Sealing {
  const { current, previous } = keysFor('own sessions')
  return { sealer: createSealer(current), previous: previous && createSealer(previous), writesPrevious }
}

const USED = 'used'

function codesIn (commands: RedisCommands, keyPrefix: string): SharedCodes {
  const nameOf = (code: string): string => usedCodeKey(keyPrefix, code as CacheKey)
  return {
    setIfAbsent: (code, lifeMs) => commands.setIfAbsent(nameOf(code), USED, lifeMs),
    release: async (code) => { await commands.deleteIfEquals(nameOf(code), USED) }
  }
}
