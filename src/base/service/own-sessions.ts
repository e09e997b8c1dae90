import { createCodeLimits } from '../authgear/code-limits.ts'
import type { KeySet, KeySetObserver } from '../authgear/key-set.ts'
import { openTokenEndpoint, type TokenEndpoint } from '../authgear/token-endpoint.ts'
import { type Credentials, credentialsOfCookie } from '../core/credentials.ts'
import type { KeysUnavailable } from '../errors.ts'
import type { HandlerDeps } from '../http/types.ts'
import { createTrustProxy } from '../http/trusted-proxies.ts'
import { describe, type Log } from '../logging/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { createRevokeLater, type RevokeLater } from '../own-login/revoke-later.ts'
import { dropGrant } from '../own-login/sign-in.ts'
import { createOwnReader, createSites } from '../own-login/sites.ts'
import { createUsedCodes } from '../own-login/used-codes.ts'
import type { EndedGrants } from '../own-session/ended-grants.ts'
import { createSessionChanges } from '../own-session/changes.ts'
import type { OwnRecord } from '../own-session/record.ts'
import { createRefresh } from '../own-session/refresh.ts'
import { createRenewal, type Renewal } from '../own-session/renewal.ts'
import { createOwnSessions, type SessionEnd } from '../own-session/sessions.ts'
import { MAX_SESSIONS } from '../own-session/user-sessions.ts'
import { createSignOuts, SIGNING_OUT_MS } from '../revocation/sign-outs.ts'
import { createLosses, type Losses, openStores, type StoreDeps } from './own-stores.ts'
import type { ServiceSettings } from './settings.ts'
import { onceAMinute, tellChanges, throttle } from '../timing.ts'

type OwnSessionDeps = StoreDeps & Readonly<{
  openKeySet: (fetched: KeySetObserver['fetched']) => KeySet
  metrics: Pick<Metrics, 'ownSessions'>
  log: Log
}>

/** All that LOGIN_SESSION=own needs; undefined without. */
export function openOwnSessions (settings: ServiceSettings, deps: OwnSessionDeps) {
  const { login, authgear, trustedProxies } = settings
  if (login?.own === undefined) return undefined
  const { keyer, metrics: { ownSessions: { stepped } }, clock } = deps
  const { timeoutMs, endpoint: { origin: issuer } } = authgear
  const sites = createSites(login.own.origins, login.path, createTrustProxy(trustedProxies))
  const tokens = openTokenEndpoint({ ...authgear, clientId: login.clientId }, clock)
  const keySet = deps.openKeySet(tellKeys(deps.log))
  const stores = openStores(settings, deps)
  const { store, users, lease } = stores
  const revokeLater = revokeLaterOf(tokens, stores.grants, deps)
  const losses = createLosses(store, clock)
  const renewal = renewalOf(stores, tokens, { ...deps, revokeLater, losses, timeoutMs, sso: login.own.sso })
  const refresh = createRefresh({ renewal, lease, clock, timeoutMs })
  const { signOuts, forget } = signOutsOf(settings, deps)
  const wasTaken = endings(deps, 'another_user', TAKEN)
  const changes = createSessionChanges({
    store, lease, users, keyer, clock, signOuts, timeoutMs, hadTooMany: hadTooMany(login.own, tokens, deps)
  })
  return {
    sites,
    readOwn: createOwnReader(sites) satisfies HandlerDeps['readOwn'],
    sessions: createOwnSessions({ store, refresh, lease, keyer, clock, forget, wasTaken }),
    login: {
      sites,
      changes,
      signOuts,
      sharedUser: sharedUserOf(deps),
      refresh,
      tokens,
      keySet,
      issuer,
      codeLimits: createCodeLimits(clock.monotonic),
      usedCodes: createUsedCodes(stores.codes),
      revokeLater,
      stepped
    },
    size: store.size,
    mayHaveLost: losses.mayHaveLost,
    async close (): Promise<void> {
      await refresh.settled()
      await revokeLater.close()
      await tokens.close()
    }
  }
}

function renewalOf (
  { store, isShared }: Pick<ReturnType<typeof openStores>, 'store' | 'isShared'>,
  tokens: TokenEndpoint,
  {
    metrics: { ownSessions: { refreshed } }, clock, log, revokeLater: { add }, losses: { isUnsettled }, timeoutMs, sso
  }: OwnSessionDeps & Readonly<{ revokeLater: RevokeLater, losses: Losses, timeoutMs: number, sso: boolean }>
): Renewal {
  const rotates = throttle(clock, Infinity, () => log.warn(ROTATES))
  // with SSO it would end the browser's other sessions, where a new login took this one's place
  const discarded = (refreshToken: string): void => { if (!sso) add(refreshToken).catch(() => {}) } // it never rejects
  return createRenewal({ store, tokens, clock, timeoutMs, isShared, refreshed, rotates, discarded, isUnsettled })
}

function revokeLaterOf (
  { revoke }: TokenEndpoint,
  grants: EndedGrants | undefined,
  { clock, log }: OwnSessionDeps
): RevokeLater {
  let newest: unknown
  const warn = onceAMinute(clock, () => log.warn({ error: describe(newest) }, NOT_REVOKED))
  return createRevokeLater({ revoke, grants, failed: (error) => { newest = error; warn() } })
}

/** One budget for all that ends a cookie: it bounds what a person takes of the log. */
function signOutsOf ({ cache }: ServiceSettings, { revocations, keyer, clock }: OwnSessionDeps) {
  const signOuts = createSignOuts({ revocations, clock, quietMs: cache.ttlMs + SIGNING_OUT_MS })
  return {
    signOuts,
    async forget (own: string, userId: string): Promise<void> {
      const [digest] = keyer.revocable().wholeDigests(credentialsOfCookie(own))
      // beyond what the log takes others find out within CACHE_TTL
      await signOuts.end({ userId, digest })
    }
  }
}

/** As whom the shared cache has these credentials. */
function sharedUserOf ({ shared, keyer }: OwnSessionDeps): (credentials: Credentials) => Promise<string | undefined> {
  return async (credentials) => {
    const { resolution } = (await shared.cache.read(keyer.cacheKeys(credentials), () => true))?.entry ?? {}
    return resolution?.kind === 'valid' ? resolution.userId : undefined
  }
}

const ROTATES =
  'the client of LOGIN_CLIENT_ID rotates refresh tokens: an answer of Authgear that gets lost then costs a person a ' +
    'login; turn rotation off in the portal (docs/login.md)'
const NOT_REVOKED =
  'the session of a sign-out could not be ended at Authgear: it is tried again for a day, by any replica'
const NO_KEYS = "Authgear's keys cannot be fetched: nobody can sign in until they are"

const TOO_MANY =
  `a user signed in more than ${MAX_SESSIONS} times at one host: the oldest of these sessions ended (docs/login.md)`
const TAKEN =
  "Authgear's resolver says that the access tokens of a session are another user's than its ID token: the session " +
    'ended; check that AUTHGEAR_RESOLVER_URL and AUTHGEAR_ENDPOINT are of one project, and each proxy between'

/** What a replaced session costs at Authgear, one that gave way to newer ones costs too. */
function hadTooMany (
  { sso }: Readonly<{ sso: boolean }>,
  tokens: TokenEndpoint,
  deps: OwnSessionDeps
): (oldest: OwnRecord | undefined) => void {
  const ended = endings(deps, 'too_many', TOO_MANY)
  return (oldest) => {
    ended()
    if (oldest !== undefined) dropGrant({ sso, tokens }, oldest)
  }
}

/** Each is counted, and told once a minute. */
function endings (
  { metrics: { ownSessions }, clock, log }: OwnSessionDeps,
  reason: SessionEnd,
  text: string
): () => void {
  const warn = onceAMinute(clock, () => log.warn(text))
  return () => {
    ownSessions.ended(reason)
    warn()
  }
}

const tellKeys = (log: Log): KeySetObserver['fetched'] => tellChanges<KeysUnavailable>(
  (error) => log.warn({ error: describe(error), check: error.check }, NO_KEYS),
  () => {}
)
