import { setImmediate as turn } from 'node:timers/promises'
import { createAuthenticator } from '../base/authenticate/authenticator.ts'
import { createWaitingBudget } from '../base/authenticate/waiting-budget.ts'
import type { CertificateLife } from '../base/core/certificate.ts'
import { NO_RULES } from '../base/core/policy.ts'
import { buildListener, type Listener } from '../base/http/listener.ts'
import { PLAIN_TEXT } from '../base/http/pages.ts'
import type { HandlerDeps } from '../base/http/types.ts'
import { createPresenter } from '../base/identity/presenter.ts'
import type { Profiles } from '../base/identity/profile.ts'
import type { Log } from '../base/logging/log.ts'
import type { RevocationsDeps } from '../base/management/revocations.ts'
import type { Metrics } from '../base/metrics/metrics.ts'
import type { ManagementRoutes, PublicDocument } from '../base/parts/feature.ts'
import type { Given, Replica } from '../base/parts/given.ts'
import { UNTRACED, type Wrappers } from '../base/tracing/wrappers.ts'
import { verifyRoutes } from '../base/verify/verify.ts'
import { byName, type PartsOn } from '../parts/index.ts'
import { type Closers, createClosers } from './closers.ts'
import { type Foundation, givenOf, openFoundation, type Seams } from './foundation.ts'
import {
  identityNamesOf, listenerDepsOf, type ListenerOfPart, listenersOf, routeOf, verifyHandlers
} from './listeners.ts'
import { untilLogFollowed, webhookOf } from './revocations.ts'
import { presentedShareOf, type ServiceSettings } from './settings.ts'
import { reporting } from './shared.ts'

export type { Seams } from './foundation.ts'
export type { ServiceSettings } from './settings.ts'

export type Service = Readonly<{
  app: Listener
  /** The listeners of parts, by the variables that hold their addresses. */
  ofParts: readonly ListenerOfPart[]
  metrics: Metrics
  /** Undefined: no part knows users. */
  profiles: Profiles | undefined
  /** For `POST /revocations`, where there is a token for it. */
  revocations: RevocationsDeps | undefined
  /** Up: it answers and its revocation log is followed. */
  redisState: () => 'up' | 'down' | 'none'
  /** Before it takes requests: the revocation log is followed, or need not be waited for. */
  logFollowed: () => Promise<void>
  /** Before it takes requests: the parts have what they need, or need not wait for it. */
  partsReady: () => Promise<void>
  /** The documents that parts publish on the management listener, and their own routes there. */
  documents: readonly PublicDocument[]
  management: readonly ManagementRoutes[]
  /** Logs a defect. */
  unexpectedError: (error: unknown) => void
  authgearState: () => Replica['authgear']
  /** Resolutions under way and waiting. */
  authgearQueue: () => Readonly<{ inFlight: number, queued: number }>
  certificateRenewed: (life: CertificateLife) => void
  /** The parts open their files again. */
  reopen: () => void
  /** The parts hear that this replica is about to end. */
  leave: () => void
  /** Closes what was opened, in reverse order; idempotent. */
  close: () => Promise<void>
}>

/**
 * One replica: it connects in the background and listens nowhere yet; nothing being down stops it.
 * @throws {ServiceError} where a part cannot be opened; what was open is closed then
 */
export function createService (settings: ServiceSettings, log: Log, seams: Seams = {}): Service {
  const closers = createClosers()
  try {
    return compose(settings, log, closers, seams)
  } catch (error) {
    closers.close().catch(() => {}) // the first error counts
    throw error
  }
}

/** A replica from top to bottom, in the order in which one thing needs another. It is closed from bottom to top. */
function compose (settings: ServiceSettings, log: Log, closers: Closers, seams: Seams): Service {
  const foundation = openFoundation(settings, log, closers, seams)
  const { features, metrics, authgear, shared, revocations, unfinished, self } = foundation
  const { open } = features
  const on = byName(settings.parts)
  const given = givenOf(settings, foundation)
  const { managementToken: token } = settings

  // what needs nothing else
  const wraps = open(on.tracing, given)?.wraps ?? UNTRACED
  const pages = open(on.pages, given)?.pages ?? PLAIN_TEXT
  const status = open(on.status, { ...given, figures: settings.parts })
  const assertion = open(on.assertion, given)
  const events = open(on.events, given)
  const tokenHeader = settings.parts.map(({ sends }) => sends?.token).find((name) => name !== undefined)
  const record = open(on['access-record'], { ...given, tokenHeader })
  // closing the resolver ends what waits for it; a turn later that is answered, and still recorded
  closers.add(async () => { await turn() })
  closers.add(authgear.resolver.close)
  closers.add(foundation.keySet.close)

  // who asks
  const { login, profiles, handlerDeps } = openPeople(settings, on, { ...foundation, given, wraps })
  const signIn = login?.signIn({
    handlerDeps, revocations, pages, traced: (handler) => wraps.handler('login', handler)
  })
  const judging = verifyHandlers(settings, { handlerDeps, clock: given.clock, pages, signIn, wraps })
  const clients = open(on.clients, given)
  const tokens = open(on.tokens, {
    ...given, ...judging, handlerDeps, revocations, clients: clients?.judge, replicas: () => status?.replicas() ?? 1
  })
  open(on['audit-log'], { ...given, clientDeleted: clients?.judge.deleted ?? NOBODY_TO_TELL })

  // what is answered
  const listenerDeps = listenerDepsOf(settings, {
    metrics, log, handlerDeps, features, unfinished, pages, veto: record?.vetoes
  })
  const verify = judging.traced(judging.verify)
  const handlers = { verify, ...tokens?.endpoints.handlers }
  const serving = {
    listenerDeps, handlerDeps, traced: wraps.handler, identityNames: identityNamesOf(settings), counted: metrics.request
  }
  const identify = open(on.identify, given)?.listener({ ...serving, handlers })
  const grpc = open(on.grpc, given)?.listener({ ...serving, handlers: { ...handlers, ...identify?.handlers } })
  const documents = assertion?.documents ?? []
  const app = buildListener(listenerDeps, [
    ...verifyRoutes(verify, tokens?.endpoints.extAuthz ?? judging.traced(judging.extAuthz)),
    ...tokens?.endpoints.routes ?? [],
    ...documents.map(routeOf),
    ...signIn?.routes ?? []
  ], webhookOf(settings, { ...foundation, connection: shared.redis?.connection }))
  features.mustBeOpen()
  return Object.freeze({
    app,
    ofParts: listenersOf(settings.parts, { identify, grpc, events: events?.listener(serving) }),
    metrics,
    profiles,
    revocations: token === undefined ? undefined : { ...handlerDeps, token, revocations, log },
    redisState: () =>
      shared.redis === undefined ? 'none' : shared.redis.connection.isUp() && revocations.isFollowing() ? 'up' : 'down',
    logFollowed: () => untilLogFollowed({ isFollowing: revocations.isFollowing, isRedisDown: shared.isDown }),
    partsReady: features.ready,
    documents,
    management: [status?.management, clients?.management].flatMap((routes) => routes ?? []),
    unexpectedError: reporting(log).unexpectedError,
    authgearState: () => self().authgear,
    authgearQueue: authgear.queue,
    certificateRenewed: foundation.certificateRenewed,
    reopen: () => features.tell(({ reopen }) => reopen?.()),
    leave: () => features.tell(({ leave }) => leave?.()),
    close: closers.close
  } satisfies Service)
}

/** No part judges clients. */
const NOBODY_TO_TELL = async (): Promise<boolean> => true

type PeopleDeps = Foundation & Readonly<{ given: Omit<Given, 'maxBytes'>, wraps: Wrappers }>

/** Sessions of this service, then whom Authgear knows, then what is known of them. */
function openPeople (settings: ServiceSettings, on: PartsOn, deps: PeopleDeps) {
  const { features, given, shared, revocations, clock, names, secrets: { keyer } } = deps
  const { cache, authgear: { endpoint: { origin }, waitingBytes } } = settings
  const login = features.open(on.login, { ...given, revocations, sharedCache: shared.cache })
  const authenticator = authenticatorOf(settings, deps, login?.sessions?.resolve)
  const loans = login?.sessions && { lend: login.sessions.lend, doubt: authenticator.confirm }
  const profiles = features.open(on.profile, { ...given, revocations, loans })?.profiles
  const rules = features.open(on['access-rules'], given)?.rules
  const presenter = createPresenter({
    settings: settings.identity,
    profiles,
    contributors: features.headers(),
    clock,
    maxBytes: Math.floor(cache.maxBytes * presentedShareOf(settings))
  })
  const handlerDeps: HandlerDeps = {
    authenticator,
    keyer,
    cookieNames: names,
    readOwn: login?.sessions?.read,
    absentHeaders: settings.absentHeaders,
    presenter,
    rules: rules ?? NO_RULES,
    facts: profiles,
    waiting: createWaitingBudget(waitingBytes),
    realm: origin
  }
  return { login, profiles, handlerDeps }
}

type ResolveOwn = Parameters<typeof createAuthenticator>[0]['resolveOwn']

function authenticatorOf (
  { authgear: { endpoint, timeoutMs, waitingBytes }, cache, refreshAhead }: ServiceSettings,
  deps: PeopleDeps,
  resolveOwn: ResolveOwn
) {
  const { memory, shared, wraps, authgear, clock, secrets: { keyer }, revocations, metrics, log } = deps
  return createAuthenticator({
    memory,
    sharedCache: shared.redis === undefined ? shared.cache : wraps.sharedCache(shared.cache),
    resolveOwn,
    clock,
    observer: { ...metrics.authenticate, ...reporting(log) },
    resolver: wraps.resolver(authgear.resolver),
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
