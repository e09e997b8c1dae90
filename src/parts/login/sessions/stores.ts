import { PATIENCE_MS } from '../grants/token-calls.ts'
import { createSealer, type Sealing } from '../../../base/crypto/sealing.ts'
import type { CacheKey } from '../../../base/core/cache-key.ts'
import { credentialsOfCookie } from './cookie.ts'
import { createEndedGrants } from './ended-grants.ts'
import { createSessionLease } from './lease.ts'
import { createQueue } from './queue.ts'
import { createRecordStore, LIFE_MS } from './store.ts'
import { codesIn } from './used-codes.ts'
import { createListsInMemory, createListsInRedis, createUserSessions } from './users.ts'
import type { RevocationLog } from '../../../base/revocation/types.ts'
import type { Base } from '../../../base/parts/places.ts'

export type StoreDeps =
  & Pick<Base, 'clock' | 'keyer' | 'keysFor' | 'maxBytes' | 'redis'>
  & Readonly<{ revocations: RevocationLog, clientId: string, timeoutMs: number }>

/** The share of those bytes that lists of users' sessions take, where Redis does not keep them. */
const LISTS_SHARE = 0.1

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
    grants: createEndedGrants({ ...sealing, queue: createQueue(commands), keyPrefix, names }),
    isShared: true
  }
}

/** Sessions hold tokens: they are sealed under a key of their own. */
function sealingOf ({ keysFor }: Pick<Base, 'keysFor'>, { writesPrevious }: Sealing): Sealing {
  const { current, previous } = keysFor('own sessions')
  return { sealer: createSealer(current), previous: previous && createSealer(previous), writesPrevious }
}
