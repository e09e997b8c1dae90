import { PATIENCE_MS } from '../authgear/token-calls.ts'
import type { Clock } from '../clock.ts'
import type { Sealing } from '../crypto/sealing.ts'
import type { CacheKey, Keyer } from '../core/cache-key.ts'
import { credentialsOfCookie } from '../core/credentials.ts'
import type { EpochMs } from '../core/token-expiry.ts'
import type { SharedCodes } from '../own-login/used-codes.ts'
import { createEndedGrants } from '../own-session/ended-grants.ts'
import { createSessionLease } from '../own-session/lease.ts'
import { createRecordStore, LIFE_MS, type RecordStore } from '../own-session/store.ts'
import { createListsInMemory, createListsInRedis, createUserSessions } from '../own-session/user-sessions.ts'
import type { RedisCommands } from '../redis/commands.ts'
import { usedCodeKey } from '../redis/keys.ts'
import type { RevocationLog } from '../revocation/types.ts'
import { type ServiceSettings, sessionBytes } from './settings.ts'
import type { Shared } from './shared.ts'
import type { Waits } from '../timing.ts'

export type StoreDeps = Pick<Waits, 'leaseMs'> & Readonly<{
  shared: Shared
  /** Of sessions, which hold tokens: under a key of their own. */
  sessionSealing: Sealing
  keyer: Keyer
  revocations: RevocationLog
  clock: Clock
}>

/** Of the bytes of records: which sessions a user has, where Redis does not say it. */
const LISTS_SHARE = 0.1

export type Losses = ReturnType<typeof createLosses>

/** How long the other replicas take to give back what Redis lost. */
const UNSETTLED_MS = 10_000
/** A failover loses the last seconds. */
const FAILOVER_MS = 60_000

/** What Redis may have lost, this replica gives back as far as it has it. */
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

/** What is kept of sessions: in Redis, where there is one. */
export function openStores (settings: ServiceSettings, deps: StoreDeps) {
  const { keyer: { userKey }, clock, shared: { redis } } = deps
  const nameOf = (userId: string, host: string): CacheKey => userKey('user', userId, host)
  const { own: bytes } = sessionBytes(settings)
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
  const { keyPrefix, connection: { patient: commands } } = redis
  const { sessionSealing: sealing, revocations: log, leaseMs, keyer } = deps
  const { authgear: { timeoutMs }, login } = settings
  const names = keyer.cacheKeys(credentialsOfCookie(`ended-grants ${login?.clientId ?? ''}`))
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

const USED = 'used'

function codesIn (commands: RedisCommands, keyPrefix: string): SharedCodes {
  const nameOf = (code: string): string => usedCodeKey(keyPrefix, code as CacheKey)
  return {
    setIfAbsent: (code, lifeMs) => commands.setIfAbsent(nameOf(code), USED, lifeMs),
    release: async (code) => { await commands.deleteIfEquals(nameOf(code), USED) }
  }
}
