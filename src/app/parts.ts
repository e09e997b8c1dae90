import { createAuthenticator } from '../base/authenticate/authenticator.ts'
import type { AuthenticateDeps, Authenticator } from '../base/authenticate/types.ts'
import { createWaitingBudget } from '../base/authenticate/waiting-budget.ts'
import type { MemoryCache } from '../base/cache/memory.ts'
import type { Clock } from '../base/clock.ts'
import { createKeyer, deriveKeys, type Keyer, secretBytes, secretIdOf } from '../base/core/cache-key.ts'
import { cookieNames } from '../base/core/credentials.ts'
import { createSealer, type Sealing } from '../base/crypto/sealing.ts'
import type { Unfinished } from '../base/http/unfinished.ts'
import type { HandlerDeps } from '../base/http/types.ts'
import { createPresenter } from '../base/identity/presenter.ts'
import type { Loans } from '../base/identity/profile.ts'
import type { Log, WritePiece } from '../base/logging/log.ts'
import type { PurposeKeys, Replica } from '../base/parts/places.ts'
import type { Metrics } from '../base/metrics/metrics.ts'
import { redisKeysOf } from '../base/redis/keys.ts'
import type { RevocationLog } from '../base/revocation/types.ts'
import type { Wrappers } from '../base/tracing/wrappers.ts'
import {
  closeAll, logFailed, openAll, type OpenedParts, ownCredentialsOf, profilesOf, readerOf, rulesOf, sharedRedisOf,
  stopAll, tellEach, tellingAll, wrappersOf
} from './open-parts.ts'
import { createAuthgearAccess, createSharedKeySet } from './authgear.ts'
import { openLog, webhookOf } from './revocations.ts'
import { presentedShareOf, type ServiceSettings } from './settings.ts'
import { openShared, reporting } from './shared.ts'
import type { Waits } from '../base/timing.ts'
import { randomBytes } from 'node:crypto'
import { createDigestForm, createRotatingKeyer, type DigestForm } from '../base/core/rotation.ts'
import { createEntryCodec, type EntryCodec } from '../base/revocation/codec.ts'

type PartsDeps = Waits & Readonly<{
  memory: MemoryCache
  metrics: Metrics
  log: Log
  clock: Clock
  state: () => Replica['state']
  stdout: WritePiece | undefined
  unfinished: Unfinished
}>
export type Parts = ReturnType<typeof openParts>

/** The base that all else is made of: nothing of it needs the revocation log. */
function openBase (settings: ServiceSettings, deps: PartsDeps & Readonly<{ reconnected: () => void }>) {
  const { metrics, log, clock } = deps
  const { endpoint: { origin }, cookiePrefix } = settings.authgear
  const names = cookieNames(cookiePrefix)
  const secrets = openSecrets(settings, () => shared.redis?.secretCheck.writesPrevious() === true)
  const { keyer, sealing } = secrets
  const keys = redisKeysOf(settings.redis?.keyPrefix ?? '', origin)
  const authgear = createAuthgearAccess(settings.authgear, {
    cookieNames: names, observer: metrics.resolver, clock, log
  })
  const shared = openShared(settings, sealing, { ...deps, keys })
  const keySet = createSharedKeySet(settings.authgear, clock)
  const self = (): Replica => ({
    name: settings.replica,
    state: deps.state(),
    authgear: authgear.resolver.state().circuitOpen ? 'failing' : 'ok'
  })
  return { ...deps, names, secrets, keyer, sealing, keys, authgear, shared, keySet, self }
}

type Base = ReturnType<typeof openBase>

/** The revocation log, its subscribers and its sources. */
function openRevocations (settings: ServiceSettings, base: Base, adopted: () => void) {
  const { secrets, memory, shared, sealing, keys, leaseMs, leaseWaitMs, settleMs } = base
  const later: { revocations?: RevocationLog } = {} // the log reads to the parts, so that they are there first
  const isFollowing = (): boolean => later.revocations?.isFollowing() === true
  const revoke: RevocationLog['revoke'] = (revocation) => {
    if (later.revocations === undefined) throw new Error('a part revokes before the revocation log is open')
    return later.revocations.revoke(revocation)
  }
  const redis = sharedRedisOf({ shared, log: keys.log, sealing, leaseMs, leaseWaitMs, settleMs })
  const opened = openAll(settings, { ...base, ...secrets, openKeySet: base.keySet.open, redis, isFollowing, revoke })
  const failed = logFailed(base.log)
  const webhookCame = (): void => tellEach(opened, failed, (part) => part.webhookCame?.())
  const log = openLog(settings, secrets.codec, {
    ...base, forget: () => { memory.clear(); adopted() }, reader: readerOf(opened), webhookCame
  })
  const revocations = tellingAll(log.revocations, opened, failed)
  later.revocations = revocations
  return { opened, revocations, webhookCame, closeLog: log.close, logEntries: log.entries }
}

/** All that a replica opens, in this order; `closeParts` closes it. */
export function openParts (settings: ServiceSettings, deps: PartsDeps) {
  let opened: OpenedParts = []
  const mayHaveLost = (what: 'connection' | 'log') => notTheFirst(() =>
    tellEach(opened, logFailed(deps.log), (part) => part.mayHaveLost?.(what)))
  const base = openBase(settings, { ...deps, reconnected: mayHaveLost('connection') })
  const log = openOrClose(base, () => openRevocations(settings, base, mayHaveLost('log')));
  ({ opened } = log)
  const { authgear, shared, keySet } = base
  const { revocations, webhookCame } = log
  const traced = wrappersOf(opened)
  const sources = { ...base, traced, revocations, webhookCame, connection: shared.redis?.connection }
  const own = ownCredentialsOf(opened, { revocations, sharedCache: shared.cache })
  const authenticator = authenticatorOf(settings, { ...sources, resolveOwn: own?.resolve })
  const profiles = profilesOf(opened, revocations, own && loansOf(own, authenticator))
  const presenter = createPresenter({
    settings: settings.identity,
    profiles,
    contributors: opened.flatMap(({ headers }) => headers ?? []),
    clock: deps.clock,
    maxBytes: Math.floor(settings.cache.maxBytes * presentedShareOf(settings))
  })
  return {
    ...log,
    traced,
    authgear,
    keySet,
    shared,
    profiles,
    self: base.self,
    webhook: webhookOf(settings, sources),
    handlerDeps: {
      authenticator,
      keyer: base.keyer,
      cookieNames: base.names,
      readOwn: own?.read,
      absentHeaders: settings.absentHeaders,
      presenter,
      rules: rulesOf(opened),
      facts: profiles,
      waiting: createWaitingBudget(settings.authgear.waitingBytes),
      realm: settings.authgear.endpoint.origin
    } satisfies HandlerDeps as HandlerDeps
  }
}

const loansOf = ({ lend }: Pick<Loans, 'lend'>, { confirm }: Authenticator): Loans => ({ lend, doubt: confirm })

function authenticatorOf (
  { authgear: { endpoint, timeoutMs, waitingBytes }, cache, refreshAhead }: ServiceSettings,
  base: Base & Readonly<{ resolveOwn: AuthenticateDeps['resolveOwn'], traced: Wrappers, revocations: RevocationLog }>
): Authenticator {
  const { memory, shared, traced, authgear, resolveOwn, clock, keyer, revocations, metrics, log } = base
  return createAuthenticator({
    memory,
    sharedCache: shared.redis === undefined ? shared.cache : traced.sharedCache(shared.cache),
    resolveOwn,
    clock,
    observer: { ...metrics.authenticate, ...reporting(log) },
    resolver: traced.resolver(authgear.resolver),
    failedCredentials: authgear.failedCredentials,
    sentDigests: keyer.sentDigests,
    audience: endpoint.origin,
    lifetimes: cache,
    refreshAhead,
    degradedTtlMs: cache.degradedTtlMs,
    timeoutMs,
    waitingBytes,
    log: revocations
  })
}

/** The first time is the start. */
function notTheFirst (act: () => void): () => void {
  let isFirst = true
  return () => {
    if (!isFirst) act()
    isFirst = false
  }
}

/** A part that cannot be opened leaves nothing behind: an open connection would keep the process. */
function openOrClose<T> (base: Base, open: () => T): T {
  try {
    return open()
  } catch (error) {
    closeBase(base).catch(() => {}) // the first error counts
    throw error
  }
}

async function closeBase ({ shared, authgear, keySet }: Base): Promise<void> {
  await keySet.close()
  await authgear.resolver.close()
  await closeRedis(shared)
}

async function closeRedis ({ redis }: Base['shared']): Promise<void> {
  redis?.secretCheck.close()
  await redis?.connection.close()
}

/** In reverse order of opening, but for the resolver: it ends waiting requests, and parts are notified of that. */
export async function closeParts (parts: Parts): Promise<void> {
  const { keySet, closeLog, shared, authgear, opened } = parts
  await stopAll(opened)
  await keySet.close()
  await closeLog()
  await authgear.resolver.close()
  await closeAll(opened)
  await closeRedis(shared)
}

/** All that CACHE_SECRET, and CACHE_SECRET_PREVIOUS while there is one, are for. */
export type Secrets = Readonly<{
  keyer: Keyer
  sealing: Sealing
  codec: EntryCodec
  digestForm: DigestForm
  keysFor: (purpose: string) => PurposeKeys
  /** Names CACHE_SECRET in what was made under it, and says nothing of it. */
  secretId: string
}>

/** @param writesPrevious whether a replica may be left that knows CACHE_SECRET_PREVIOUS alone */
export function openSecrets (settings: ServiceSettings, writesPrevious: () => boolean): Secrets {
  const { cache, redis } = settings
  // without Redis no other process has to know the secret
  const isShared = cache.secret !== undefined || redis !== undefined
  const current = deriveKeys(isShared ? secretBytes(cache.secret) : randomBytes(32))
  const previous = cache.previousSecret === undefined ? undefined : deriveKeys(secretBytes(cache.previousSecret))
  const keyer = keyerOf(settings, current.digest, previous?.digest, writesPrevious)
  const [secret, previousSecret] = [secretIdOf(current.log), previous && secretIdOf(previous.log)]
  return Object.freeze({
    keyer,
    secretId: secret,
    sealing: {
      sealer: createSealer(current.sealing),
      previous: previous && createSealer(previous.sealing),
      writesPrevious
    },
    codec: createEntryCodec(current.log, previous && { logKey: previous.log, isWritten: writesPrevious }),
    keysFor: (purpose: string) => ({ current: current.of(purpose), previous: previous?.of(purpose) }),
    digestForm: createDigestForm({ current: secret, previous: previousSecret })
  })
}

function keyerOf (
  { authgear: { endpoint, cookiePrefix }, parts }: ServiceSettings,
  digestKey: Uint8Array,
  previousKey: Uint8Array | undefined,
  writesPrevious: () => boolean
): Keyer {
  const under = (key: Uint8Array): Keyer => createKeyer(key, { endpoint: endpoint.origin, cookiePrefix })
  const current = under(digestKey)
  const namesSessions = parts.some(({ claims }) => claims.namesSessions === true)
  return previousKey === undefined
    ? current
    : createRotatingKeyer(current, under(previousKey), writesPrevious, namesSessions)
}
