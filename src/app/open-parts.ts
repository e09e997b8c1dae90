import { setImmediate as turn } from 'node:timers/promises'
import { adminApiOf } from '../base/authgear/admin-api/account.ts'
import type { PartReadings } from '../base/metrics/gauges.ts'
import type { Metrics } from '../base/metrics/metrics.ts'
import { UNTRACED, type Wrappers } from '../base/tracing/wrappers.ts'
import type {
  Base, ClientJudge, Endpoints, EndpointsDeps, ManagementRoutes, Opened, OwnCredentials, OwnCredentialsDeps,
  PublicDocument, Serving, SharedRedis, SignIn, SignInDeps
} from '../base/parts/places.ts'
import { NO_RULES, type Rules, understood } from '../base/core/policy.ts'
import { readAudience } from '../base/core/audience.ts'
import { describe, type Log } from '../base/logging/log.ts'
import type { Loaded } from '../base/parts/part.ts'
import type { Report } from '../base/http/access-log.ts'
import { unlessKnown } from '../base/http/conditional.ts'
import type { Veto } from '../base/http/exchange.ts'
import type { AnyListener } from '../base/http/listener.ts'
import { NO_LINKS, PLAIN_TEXT, type PageMaker } from '../base/http/pages.ts'
import type { Route } from '../base/http/paths.ts'
import { createTrustProxy } from '../base/http/trusted-proxies.ts'
import type { HttpResponse } from '../base/http/types.ts'
import type { Loans, Profiles } from '../base/identity/profile.ts'
import { partKey } from '../base/redis/keys.ts'
import type { LogReader, Revocation, RevocationLog } from '../base/revocation/types.ts'
import type { Refusal } from '../base/verify/responses.ts'
import { bytesOf, type ServiceSettings } from './settings.ts'
import type { Shared } from './shared.ts'

/** A part that is open. */
type OpenedPart = Opened & Readonly<{ name: string, variable: string | undefined }>
export type OpenedParts = readonly OpenedPart[]

type OfSettings =
  | 'version' | 'figures' | 'authgear' | 'machine' | 'maxBytes' | 'openAdminApi' | 'tokenHeader' | 'trustProxy' | 'tls'
  | 'managementToken'
  | 'degradedTtlMs' | 'ttlMs' | 'lifetimeMs' | 'tellsDeletions' | 'clientDeleted' | 'replicas'
type OpenDeps =
  & Omit<Base, OfSettings>
  & Readonly<{ metrics: Metrics }>

/** Opens the parts that are on, in the order of the list. @throws {ServiceError} where one cannot be opened */
export function openAll (settings: ServiceSettings, { metrics, ...deps }: OpenDeps): OpenedParts {
  const { parts } = settings
  const opened: OpenedPart[] = []
  const replicas = (): number => firstOf(opened, 'replicas')?.() ?? 1
  const common = { ...deps, ...ofSettings(settings, deps.clock), clientDeleted: deletedBy(opened), replicas }
  try {
    for (const part of parts) {
      const open = part.register(metrics)
      const { name, claims: { listens } } = part
      const variable = listens?.variable
      const maxBytes = bytesOf(part, settings)
      const one = Object.freeze({ ...open({ ...common, maxBytes }), name, variable })
      opened.push(one)
      mustFit(part, one)
    }
  } catch (error) {
    stopAll(opened).catch(() => {}).then(() => closeAll(opened)).catch(() => {}) // the first error counts
    throw error
  }
  return opened
}

type Announced = Pick<Loaded, 'sends' | 'claims'>

/** @throws for a place that was plugged in and not announced, or the other way round: either is without effect */
export function mustFit ({ sends, claims: { reopens = false, listens } }: Announced, part: OpenedPart): void {
  const [added, announced] = [part.headers?.names ?? [], sends?.names ?? []]
    .map((names) => [...names].sort().join(', '))
  if (added !== announced) {
    throw new Error(
      `part ${part.name}: \`headers\` adds ${added || 'nothing'}, and \`sends\` names ${announced || 'nothing'}: ` +
        'proxies take from clients what `sends` names alone'
    )
  }
  const places = [['reopen', 'reopens', reopens], ['listener', 'listens', listens !== undefined]] as const
  for (const [place, announced, isAnnounced] of places) {
    if ((part[place] !== undefined) === isAnnounced) continue
    throw new Error(`part ${part.name}: \`${place}\` and \`${announced}\` go together, and it has one of them`)
  }
}

function ofSettings (settings: ServiceSettings, clock: Base['clock']) {
  const { version, parts, machine, trustedProxies, tls, managementToken, adminApi, authgear, cache } = settings
  const { waitingBytes, timeoutMs, ca } = authgear // no part needs its secrets
  return {
    version,
    figures: parts,
    machine,
    tls,
    managementToken,
    trustProxy: createTrustProxy(trustedProxies),
    authgear: { issuer: authgear.endpoint.origin, waitingBytes, timeoutMs, ca },
    openAdminApi: adminApi && adminApiOf(adminApi, authgear, clock),
    degradedTtlMs: cache.degradedTtlMs,
    ttlMs: cache.ttlMs,
    lifetimeMs: cache.ttlMs + cache.staleIfErrorMs,
    tokenHeader: parts.map(({ sends }) => sends?.token).find((name) => name !== undefined),
    tellsDeletions: parts.some(({ claims }) => claims.tellsDeletions === true)
  }
}

/** @param opened all parts, once one of them tells of a client */
const deletedBy = (opened: OpenedParts): ClientJudge['deleted'] =>
  async (clientId, at) => await clientJudgeOf(opened)?.deleted(clientId, at) ?? true

type SharedRedisDeps =
  & Pick<SharedRedis, 'sealing' | 'leaseMs' | 'leaseWaitMs' | 'settleMs'>
  & Readonly<{ shared: Shared, log: string }>

/** @param deps `log`: what the names of keys begin with. @returns undefined without Redis */
export function sharedRedisOf (
  { shared: { redis, isDown, reportOnce }, log, ...own }: SharedRedisDeps
): SharedRedis | undefined {
  if (redis === undefined) return undefined
  const { connection: { commands, patient }, keyPrefix, cacheError } = redis
  const keyOf = (purpose: string): string => partKey(log, purpose)
  return { ...own, commands, patient, keyPrefix, cacheError, keyOf, isDown, reportOnce }
}

/** The place of the first part that plugs in there. */
const firstOf = <Name extends keyof Opened>(opened: OpenedParts, name: Name): Opened[Name] | undefined =>
  opened.map((part) => part[name]).find((place) => place !== undefined)

/** The source of profiles; undefined where no part is one. */
export const profilesOf = (
  opened: OpenedParts, revocations: RevocationLog, loans: Loans | undefined
): Profiles | undefined => firstOf(opened, 'profiles')?.(revocations, loans)

/** The reader of credentials instead of Authgear's cookies; undefined where no part is one. */
export const ownCredentialsOf = (opened: OpenedParts, deps: OwnCredentialsDeps): OwnCredentials | undefined =>
  firstOf(opened, 'ownCredentials')?.(deps)

const NOWHERE: SignIn = Object.freeze({ routes: [], links: NO_LINKS, findLoginRedirect: undefined })

/** The way to sign in; there may be none. */
export const signInOf = (opened: OpenedParts, deps: SignInDeps): SignIn => firstOf(opened, 'signIn')?.(deps) ?? NOWHERE

/** Resolves when all parts can take requests. */
export async function allReady (opened: OpenedParts): Promise<void> {
  await Promise.all(opened.map(({ ready }) => ready?.()))
}

export const documentsOf = (opened: OpenedParts): readonly PublicDocument[] =>
  opened.flatMap(({ documents }) => documents ?? [])

export const managementOf = (opened: OpenedParts): readonly ManagementRoutes[] =>
  opened.flatMap(({ management }) => management ?? [])

export const wrappersOf = (opened: OpenedParts): Wrappers => firstOf(opened, 'wraps') ?? UNTRACED

export const pagesOf = (opened: OpenedParts): PageMaker => firstOf(opened, 'pages') ?? PLAIN_TEXT

/** Undefined where no part judges clients. */
export const clientJudgeOf = (opened: OpenedParts): ClientJudge | undefined => firstOf(opened, 'clients')

/** The endpoints of the first part that builds some. */
export const endpointsOf = (opened: OpenedParts, deps: EndpointsDeps): Endpoints | undefined =>
  firstOf(opened, 'endpoints')?.(deps)

/** A document's route on the main listener. */
export function routeOf ({ path, endpoint, read }: PublicDocument): Route {
  return {
    path,
    endpoint,
    methods: ['GET', 'HEAD'],
    handler ({ rawHeaders }) {
      const { response, reason } = read()
      return { response: unlessKnown(response, rawHeaders), reason, source: 'none', who: undefined }
    }
  }
}

/** Stops parts' background work. */
export async function stopAll (opened: OpenedParts): Promise<void> {
  await Promise.all(opened.map(({ stop }) => stop?.()))
}

/**
 * Closes what opened last first, whatever one of them says. What waits for a part is answered once that is closed, so
 * that parts which observe answers come last, and a turn later.
 */
export async function closeAll (opened: OpenedParts): Promise<void> {
  const ends: Array<PromiseSettledResult<void>> = []
  for (const { close } of opened.toReversed().toSorted((one, other) => observes(one) - observes(other))) {
    await turn()
    ends.push(...await Promise.allSettled([close?.()]))
  }
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

const observes = ({ decided }: OpenedPart): number => Number(decided !== undefined)

/** Hears what a part threw. */
type Failed = (part: string, error: unknown) => void

export const logFailed = (log: Pick<Log, 'error'>): Failed => (part, error) =>
  log.error({ part, error: describe(error) }, 'a part failed to handle a notification: please report it')

/** Tells each part. An error of one is logged: it keeps nothing from the base, nor from other parts. */
export function tellEach (opened: OpenedParts, failed: Failed, tell: (part: OpenedPart) => void): void {
  for (const part of opened) {
    try {
      tell(part)
    } catch (error) {
      failed(part.name, error)
    }
  }
}

/** The report of each decision, which parts observe after it. Without parts it is the report itself. */
export function reportOf (report: Report, opened: OpenedParts, failed: Failed): Report {
  return opened.reduce<Report>((before, { name, decided }) => decided === undefined
    ? before
    : (request, said) => {
        before(request, said)
        try {
          decided(request, said)
        } catch (error) {
          failed(name, error)
        }
      }, report)
}

/** The requirements of all parts on every person. */
export function rulesOf (opened: OpenedParts): Rules {
  const requirements = opened.flatMap(({ rules }) => rules?.requirements ?? [])
  return requirements.length === 0 ? NO_RULES : understood(requirements)
}

/** The veto of any part. @param refuse answers a person with a page, and a program with what is prepared */
export function vetoOf (opened: OpenedParts, refuse: (refusal: Refusal) => HttpResponse): Veto | undefined {
  const vetoes = opened.flatMap(({ vetoes }) => vetoes ?? [])
  if (vetoes.length === 0) return undefined
  return ({ rawHeaders, requestId: reference }) => {
    for (const veto of vetoes) {
      const reason = veto()
      if (reason === undefined) continue
      const audience = readAudience(rawHeaders)
      return { reason, response: refuse({ reason, bearer: false, audience, reference, rawHeaders }) }
    }
    return undefined
  }
}

/** The same log; parts are notified of what this replica takes. */
export function tellingAll (log: RevocationLog, opened: OpenedParts, failed: Failed): RevocationLog {
  return Object.freeze({
    ...log,
    async revoke (revocation: Revocation) {
      tellEach(opened, failed, ({ taken }) => taken?.(revocation))
      const outcome = await log.revoke(revocation)
      if (outcome === 'pending') tellEach(opened, failed, ({ pending }) => pending?.(revocation))
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
  return opened.flatMap(({ name, variable, listener: build }) => {
    if (variable === undefined || build === undefined) return []
    const listener = build({ ...serving, handlers })
    const twice = Object.keys(listener.handlers ?? {}).find((endpoint) => endpoint in handlers)
    if (twice !== undefined) throw new Error(`part ${name}: ${twice} has a handler already`)
    handlers = { ...handlers, ...listener.handlers }
    return [{ ...listener, variable }]
  })
}

/** For the status page and gauges. */
export const numbersOf = (opened: OpenedParts): PartReadings =>
  Object.fromEntries(opened.map(({ name, numbers }) => [name, numbers?.() ?? {}]))
