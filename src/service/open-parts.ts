import { openAdminApi } from '../authgear/admin-api/client.ts'
import { createTokens } from '../authgear/admin-api/token.ts'
import type { Clock } from '../clock.ts'
import type { PartReadings } from '../operate/metrics/gauges.ts'
import type { Metrics } from '../operate/metrics/metrics.ts'
import type {
  Base, ClientJudge, ManagementRoutes, Opened, PublicDocument, Serving, SharedRedis
} from '../parts/places.ts'
import type { AnyListener } from '../request/http/listener.ts'
import type { Route } from '../request/http/paths.ts'
import { createTrustProxy } from '../request/http/trusted-proxies.ts'
import type { Profiles } from '../request/identity/profile.ts'
import { partKey } from '../shared/redis/keys.ts'
import type { LogReader, Revocation, RevocationLog } from '../shared/revocation/types.ts'
import type { ServiceSettings } from './settings.ts'
import type { Shared } from './shared.ts'

type OpenedPart = Opened & Readonly<{ name: string, variable: string | undefined }>
export type OpenedParts = readonly OpenedPart[]

type OfSettings =
  | 'machine' | 'maxBytes' | 'openAdminApi' | 'tokenHeader' | 'trustProxy' | 'tls' | 'managementToken'
  | 'degradedTtlMs' | 'tellsDeletions'
type OpenDeps =
  & Omit<Base, OfSettings>
  & Readonly<{ metrics: Metrics }>

/** Opens the parts that are on, in the order of the list. @throws {ServiceError} where one cannot be opened */
export function openAll (settings: ServiceSettings, { metrics, ...deps }: OpenDeps): OpenedParts {
  const { parts, machine, trustedProxies, tls, cache, managementToken, audit } = settings
  const tokenHeader = parts.map((part) => part.tokenHeader).find((name) => name !== undefined)
  const { degradedTtlMs } = cache
  const trustProxy = createTrustProxy(trustedProxies)
  const tellsDeletions = audit !== undefined
  const openAdminApi = adminApiOf(settings, deps.clock)
  const common = {
    ...deps, openAdminApi, machine, tokenHeader, tls, managementToken, trustProxy, degradedTtlMs, tellsDeletions
  }
  const opened: OpenedPart[] = []
  try {
    for (const { name, variable, memoryShare, register } of parts) {
      const open = register(metrics)
      opened.push(Object.freeze({ ...open({ ...common, maxBytes: cache.maxBytes * memoryShare }), name, variable }))
    }
  } catch (error) {
    closeAll(opened).catch(() => {}) // the first error counts
    throw error
  }
  return opened
}

function adminApiOf (
  { adminApi, authgear: { endpoint, ca } }: ServiceSettings, clock: Clock
): Base['openAdminApi'] {
  if (adminApi === undefined) return undefined
  const { url, key, appId } = adminApi
  return (limits) => openAdminApi({ url, endpoint, ca, token: createTokens(key, appId, clock) }, limits)
}

type SharedRedisDeps =
  & Pick<SharedRedis, 'sealing' | 'leaseMs' | 'leaseWaitMs' | 'settleMs'>
  & Readonly<{ shared: Shared, log: string }>

/** @param deps `log`: what the names of keys begin with. @returns undefined without Redis */
export function sharedRedisOf (
  { shared: { redis, isDown, reportOnce }, log, ...own }: SharedRedisDeps
): SharedRedis | undefined {
  if (redis === undefined) return undefined
  const { connection: { commands }, keyPrefix, cacheError } = redis
  return { ...own, commands, keyPrefix, cacheError, keyOf: (purpose) => partKey(log, purpose), isDown, reportOnce }
}

/** The source of profiles; undefined where no part is one. */
export const profilesOf = (opened: OpenedParts, revocations: RevocationLog): Profiles | undefined =>
  opened.map(({ profiles }) => profiles).find((build) => build !== undefined)?.(revocations)

/** Resolves when all parts can take requests. */
export async function allReady (opened: OpenedParts): Promise<void> {
  await Promise.all(opened.map(({ ready }) => ready?.()))
}

export const documentsOf = (opened: OpenedParts): readonly PublicDocument[] =>
  opened.flatMap(({ documents }) => documents ?? [])

export const managementOf = (opened: OpenedParts): readonly ManagementRoutes[] =>
  opened.flatMap(({ management }) => management ?? [])

/** Undefined where no part judges clients. */
export const clientJudgeOf = (opened: OpenedParts): ClientJudge | undefined =>
  opened.find(({ clients }) => clients !== undefined)?.clients

/** A document's route on the main listener. */
export function routeOf ({ path, endpoint, read }: PublicDocument): Route {
  return {
    path,
    endpoint,
    methods: ['GET', 'HEAD'],
    handler: () => ({ ...read(), source: 'none', who: undefined })
  }
}

/** Closes what opened last first, whatever one of them says. */
export async function closeAll (opened: OpenedParts): Promise<void> {
  const ends: Array<PromiseSettledResult<void>> = []
  for (const { close } of opened.toReversed()) ends.push(...await Promise.allSettled([close?.()]))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

/**
 * One function for those that observe; undefined where nobody does, so that a decision pays nothing for it. Two
 * parameters and no rest: with `...args` a decision costs ten times as much.
 */
export function allOf<A, B> (
  observers: ReadonlyArray<((a: A, b: B) => void) | undefined>
): ((a: A, b: B) => void) | undefined {
  const [first, second, ...more] = observers.filter((one) => one !== undefined)
  if (first === undefined || second === undefined) return first
  if (more.length === 0) return (a, b) => { first(a, b); second(a, b) }
  return (a, b) => { first(a, b); second(a, b); for (const one of more) one(a, b) }
}

/** The veto of any part. */
export function vetoOf (opened: OpenedParts): (() => boolean) | undefined {
  const vetoes = opened.flatMap(({ refusesAll }) => refusesAll ?? [])
  return vetoes.length === 0 ? undefined : () => vetoes.some((refusesAll) => refusesAll())
}

/** The same log; the parts hear of what this replica takes. */
export function tellingAll (log: RevocationLog, opened: OpenedParts): RevocationLog {
  const taken = opened.flatMap((part) => part.taken ?? [])
  const pending = opened.flatMap((part) => part.pending ?? [])
  if (taken.length === 0 && pending.length === 0) return log
  return Object.freeze({
    ...log,
    async revoke (revocation: Revocation) {
      for (const hear of taken) hear(revocation)
      const outcome = await log.revoke(revocation)
      if (outcome === 'pending') for (const hear of pending) hear(revocation)
      return outcome
    }
  })
}

/** One reader of the log for all that read it; undefined where no part does. */
export function readerOf (opened: OpenedParts): LogReader | undefined {
  const readers = opened.flatMap(({ reads }) => reads ?? [])
  if (readers.length === 0) return undefined
  return {
    begins (log, since) { for (const one of readers) one.begins?.(log, since) },
    read (entry, at) { for (const one of readers) one.read?.(entry, at) },
    passed (id) { for (const one of readers) one.passed?.(id) },
    skipped (id) { for (const one of readers) one.skipped?.(id) },
    lost (at) { for (const one of readers) one.lost?.(at) }
  }
}

export type ListenerOfPart = AnyListener & Readonly<{ variable: string }>

/** The listeners of parts, by the variables that hold their addresses. Each gets the handlers of those before it. */
export function listenersOf (opened: OpenedParts, serving: Serving): readonly ListenerOfPart[] {
  let { handlers } = serving
  return opened.flatMap(({ variable, listener: build }) => {
    if (variable === undefined || build === undefined) return []
    const listener = build({ ...serving, handlers })
    handlers = { ...handlers, ...listener.handlers }
    return [{ ...listener, variable }]
  })
}

/** For the status page. */
export const numbersOf = (opened: OpenedParts): PartReadings =>
  Object.fromEntries(opened.map(({ name, numbers }) => [name, numbers?.() ?? {}]))
