import type { KeySetObserver } from '../../base/authgear/key-set.ts'
import type { SharedCache } from '../../base/cache/coalescing.ts'
import type { CacheKey } from '../../base/core/cache-key.ts'
import type { Credentials } from '../../base/core/credentials.ts'
import { createSealer, type Sealing } from '../../base/crypto/sealing.ts'
import type { KeysUnavailable } from '../../base/errors.ts'
import { describe, type Log } from '../../base/logging/log.ts'
import type { Given } from '../../base/parts/given.ts'
import type { RevocationLog } from '../../base/revocation/types.ts'
import { onceAMinute, tellChanges, throttle } from '../../base/timing.ts'
import { dropGrant } from './flow/sign-in.ts'
import { createOwnReader, createSites } from './flow/sites.ts'
import type { Counts, RefreshOutcome, SessionEnd } from './metrics.ts'
import { codesIn, createCodeLimits, createUsedCodes } from './oidc/codes.ts'
import { createGrantQueue, createEndedGrants, type GrantQueue, type EndedGrants } from './oidc/ended-grants.ts'
import { createQueue } from './oidc/queue.ts'
import { PATIENCE_MS } from './oidc/token-calls.ts'
import { openTokenEndpoint, type TokenEndpoint } from './oidc/token-endpoint.ts'
import { credentialsOfCookie } from './sessions/cookie.ts'
import { createSessionLease } from './sessions/lease.ts'
import type { SessionRecord } from './sessions/record.ts'
import { createRefresh, type Refresh } from './sessions/renewal.ts'
import { createLend, createResolveOwn } from './sessions/resolve.ts'
import { createOwnSessions } from './sessions/sessions.ts'
import { createSignOuts, SIGNING_OUT_MS } from './sessions/sign-out-budget.ts'
import { createLosses, createRecordStore, LIFE_MS, type Losses } from './sessions/store.ts'
import { createListsInMemory, createListsInRedis, createUserSessions, MAX_SESSIONS } from './sessions/users.ts'
import type { LoginSettings } from './variables.ts'

export type OwnSessionsGiven = Readonly<{ revocations: RevocationLog, sharedCache: Pick<SharedCache, 'read'> }>

type Deps = Given & OwnSessionsGiven & Readonly<{ count: Counts }>
type OwnSettings = NonNullable<LoginSettings['own']>

/** Opens all that LOGIN_SESSION=own needs. */
export function openOwnSessions ({ clientId, path }: LoginSettings, { origins, sso }: OwnSettings, deps: Deps) {
  const { keyer, count, clock, authgear: { issuer, timeoutMs, ca }, log, trustProxy } = deps
  const sites = createSites(origins, path, trustProxy)
  const tokens = openTokenEndpoint({ endpoint: { origin: issuer }, timeoutMs, ca, clientId }, clock)
  const keySet = deps.openKeySet(tellKeys(log))
  const stores = openStores({ ...deps, clientId, timeoutMs })
  const { store, users, lease } = stores
  const endedGrants = endedGrantsOf(tokens, stores.grants, deps)
  const losses = createLosses(store, clock)
  const refresh = refreshOf(stores, tokens, { ...deps, endedGrants, losses, sso })
  // one budget for all that ends a cookie: it bounds what a person takes of the log
  const signOuts = createSignOuts({ revocations: deps.revocations, clock, quietMs: deps.ttlMs + SIGNING_OUT_MS })
  const sessions = createOwnSessions({
    store,
    refresh,
    lease,
    users,
    keyer,
    clock,
    signOuts,
    timeoutMs,
    wasTaken: endings(deps, 'another_user', TAKEN),
    hadTooMany: hadTooMany(sso, tokens, deps)
  })
  return {
    read: createOwnReader(sites),
    resolve: createResolveOwn(sessions),
    lend: createLend(sessions, keyer),
    login: {
      sites,
      sessions,
      signOuts,
      sharedUser: sharedUserOf(deps),
      refresh,
      tokens,
      keySet,
      issuer,
      codeLimits: createCodeLimits(clock.monotonic),
      usedCodes: createUsedCodes(stores.codes),
      endedGrants,
      stepped: count.steps.add
    },
    size: store.size,
    mayHaveLost: losses.mayHaveLost,
    async close (): Promise<void> {
      await refresh.settled()
      await endedGrants.close()
      await tokens.close()
    }
  }
}

function refreshOf (
  { store, lease, isShared }: Pick<ReturnType<typeof openStores>, 'store' | 'lease' | 'isShared'>,
  tokens: TokenEndpoint,
  {
    count, clock, log, endedGrants: { add }, losses: { isUnsettled }, authgear: { timeoutMs }, sso
  }: Deps & Readonly<{ endedGrants: EndedGrants, losses: Losses, sso: boolean }>
): Refresh {
  const rotates = throttle(clock, Infinity, () => log.warn(ROTATES))
  // with SSO it would end the browser's other sessions, where a new login took this one's place
  const discarded = (refreshToken: string): void => { if (!sso) add(refreshToken).catch(() => {}) } // it never rejects
  const refreshed = (outcome: RefreshOutcome, seconds: number): void => {
    count.refreshes.add(outcome)
    if (outcome !== 'adopted') count.seconds(seconds)
  }
  return createRefresh({
    store, lease, tokens, clock, timeoutMs, isShared, refreshed, rotates, discarded, isUnsettled
  })
}

function endedGrantsOf (
  { revoke }: TokenEndpoint,
  grants: GrantQueue | undefined,
  { clock, log }: Deps
): EndedGrants {
  let newest: unknown
  const warn = onceAMinute(clock, () => log.warn({ error: describe(newest) }, NOT_REVOKED))
  return createEndedGrants({ revoke, grants, failed: (error) => { newest = error; warn() } })
}

/** Finds the user as whom the shared cache has these credentials. */
function sharedUserOf ({ sharedCache, keyer }: Deps): (credentials: Credentials) => Promise<string | undefined> {
  return async (credentials) => {
    const { resolution } = (await sharedCache.read(keyer.cacheKeys(credentials), () => true))?.entry ?? {}
    return resolution?.kind === 'valid' ? resolution.userId : undefined
  }
}

const ROTATES =
  'the client of LOGIN_CLIENT_ID rotates refresh tokens: each lost answer of Authgear then costs a ' +
    'sign-in; turn rotation off in the portal (docs/login.md)'
const NOT_REVOKED =
  'the session of a sign-out could not be ended at Authgear: replicas retry it for a day'
const NO_KEYS = "Authgear's keys cannot be fetched: nobody can sign in until they are"

const TOO_MANY =
  `a user signed in more than ${MAX_SESSIONS} times at one host: the oldest of these sessions ended (docs/login.md)`
const TAKEN =
  "Authgear's resolver says that the access tokens of a session are another user's than its ID token: the session " +
    'ended; check that AUTHGEAR_RESOLVER_URL and AUTHGEAR_ENDPOINT are of one project, and each proxy between'

/** A session that gave way to newer ones ends at Authgear, as a replaced one does. */
function hadTooMany (
  sso: boolean, tokens: TokenEndpoint, deps: Deps
): (oldest: SessionRecord | undefined) => void {
  const ended = endings(deps, 'too_many', TOO_MANY)
  return (oldest) => {
    ended()
    if (oldest !== undefined) dropGrant({ sso, tokens }, oldest)
  }
}

/** Each is counted, and told once a minute. */
function endings (
  { count, clock, log }: Deps, reason: SessionEnd, text: string
): () => void {
  const warn = onceAMinute(clock, () => log.warn(text))
  return () => {
    count.ends.add(reason)
    warn()
  }
}

const tellKeys = (log: Log): KeySetObserver['fetched'] => tellChanges<KeysUnavailable>(
  (error) => log.warn({ error: describe(error), check: error.check }, NO_KEYS),
  () => {}
)

export type StoreDeps =
  & Pick<Given, 'clock' | 'keyer' | 'keysFor' | 'maxBytes' | 'redis'>
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
    grants: createGrantQueue({ ...sealing, queue: createQueue(commands), keyPrefix, names }),
    isShared: true
  }
}

/** Sessions hold tokens: they are sealed under a key of their own. */
function sealingOf ({ keysFor }: Pick<Given, 'keysFor'>, { writesPrevious }: Sealing): Sealing {
  const { current, previous } = keysFor('own sessions')
  return { sealer: createSealer(current), previous: previous && createSealer(previous), writesPrevious }
}
