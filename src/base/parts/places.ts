import type { FastifyInstance, onRequestHookHandler } from 'fastify'
import type { AdminApi, AdminApiLimits } from '../authgear/admin-api/client.ts'
import type { KeySet, KeySetObserver } from '../authgear/key-set.ts'
import type { ResolveOwn } from '../authenticate/types.ts'
import type { SharedCache } from '../cache/coalescing.ts'
import type { Clock } from '../clock.ts'
import type { Keyer } from '../core/cache-key.ts'
import type { CredentialsRead } from '../core/credentials.ts'
import type { Rules } from '../core/policy.ts'
import type { Endpoint, UnavailableReason } from '../core/reason.ts'
import type { ResourceToken } from '../core/resource-token.ts'
import type { DigestForm } from '../core/rotation.ts'
import type { Sealing } from '../crypto/sealing.ts'
import type { Log, WritePiece } from '../logging/log.ts'
import type { Report } from '../http/access-log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { RequestCounts } from '../metrics/request-counts.ts'
import type { Wrappers } from '../tracing/wrappers.ts'
import type { AnyListener, ListenerDeps } from '../http/listener.ts'
import type { PageLinks, PageMaker } from '../http/pages.ts'
import type { Route } from '../http/paths.ts'
import type { TlsMaterial } from '../http/tls.ts'
import type { TrustProxy } from '../http/trusted-proxies.ts'
import type { Handler, HandlerDeps, HandlerResult, VerifyRequest } from '../http/types.ts'
import type { Unfinished } from '../http/unfinished.ts'
import type { HeaderContributor } from '../identity/presenter.ts'
import type { Loans, Profiles } from '../identity/profile.ts'
import type { SharedError } from '../cache/contention.ts'
import type { RedisCommands } from '../redis/commands.ts'
import type { LogReader, Revocation, RevocationLog } from '../revocation/types.ts'
import type { NamedFigures } from './figures.ts'
import type { Waits } from '../timing.ts'
import type { FindLoginRedirect } from '../verify/refuse.ts'

/** Keys of one purpose, derived from CACHE_SECRET, and from the previous one while it is rotated. */
export type PurposeKeys = Readonly<{ current: Uint8Array, previous: Uint8Array | undefined }>

/** Redis, as far as parts keep something there that replicas share. */
export type SharedRedis = Pick<Waits, 'leaseMs' | 'leaseWaitMs' | 'settleMs'> & Readonly<{
  commands: RedisCommands
  /** The same with half a second at least, for what no request waits for. */
  patient: RedisCommands
  sealing: Sealing
  /** REDIS_KEY_PREFIX, for entries of a cache. */
  keyPrefix: string
  /** The name of a part's own key, of this project alone. */
  keyOf: (purpose: string) => string
  /** True if the connection was lost, or the first one failed. */
  isDown: () => boolean
  /** Reports each kind of refusal once a connection. */
  reportOnce: (operation: string, error: unknown) => void
  /** Counts and reports errors of a cache. */
  cacheError: SharedError
}>

/** A replica, as it tells the others and people. */
export type Replica = Readonly<{
  /** Its machine's name, and its port where it has one. */
  name: string
  state: 'starting' | 'serving' | 'draining'
  /** `failing`: it does not ask Authgear after failures. */
  authgear: 'ok' | 'failing'
}>

/** The base, as each part gets it. */
export type Base = Readonly<{
  clock: Clock
  log: Log
  version: string
  /** Standard output, where it is a pipe that the log writes to. */
  stdout: WritePiece | undefined
  /** This machine's name. */
  machine: string
  /** This replica as it is now. */
  self: () => Replica
  /** How many there were when last counted, this one included; 1 where nobody counts them. */
  replicas: () => number
  /** Undefined without Redis. */
  redis: SharedRedis | undefined
  /** Opens Authgear's Admin API; undefined without AUTHGEAR_ADMIN_API_URL. */
  openAdminApi: ((limits: AdminApiLimits) => AdminApi) | undefined
  /**
   * `issuer`: the origin that its tokens name. `waitingBytes`: for all requests that wait for it together. `timeoutMs`:
   * AUTHGEAR_TIMEOUT.
   */
  authgear: Readonly<{ issuer: string, waitingBytes: number, timeoutMs: number, ca: string | undefined }>
  /** Authgear's signing keys, one set for all parts; the first part that opens it is notified of each fetch. */
  openKeySet: (fetched: KeySetObserver['fetched']) => KeySet
  keyer: Keyer
  keysFor: (purpose: string) => PurposeKeys
  /** Writes a digest for another replica, whichever secrets that has. */
  digestForm: DigestForm
  /** Names CACHE_SECRET in what was made under it, and says nothing of it. */
  secretId: string
  /** Bytes of its share of CACHE_MAX_MEMORY. */
  maxBytes: number
  trustProxy: TrustProxy
  /** A header of a 200 whose value is a token, if a part sends one. */
  tokenHeader: string | undefined
  /** True while the revocation log is followed. */
  isFollowing: () => boolean
  /** Revokes. @throws where a part calls it while it is opened: the log is open once all parts are */
  revoke: RevocationLog['revoke']
  /** MANAGEMENT_TOKEN */
  managementToken: string | undefined
  /** CACHE_DEGRADED_TTL: how long values read from Redis stay valid while it is down. */
  degradedTtlMs: number
  /** Figures of each enabled part, for the status page. */
  figures: readonly NamedFigures[]
  /** CACHE_TTL */
  ttlMs: number
  /** CACHE_TTL plus CACHE_STALE_IF_ERROR: the longest that any data of a session is remembered. */
  lifetimeMs: number
  /** True if a part tells of clients that are deleted at Authgear; */
  tellsDeletions: boolean
  /** it tells those that judge clients. */
  clientDeleted: ClientJudge['deleted']
  /** Milliseconds for one query, instead of a part's own bound; tests set it. */
  queryMs?: number | undefined
  /** Undefined: listeners speak no TLS. */
  tls: TlsMaterial | undefined
  /** The budget of unfinished requests, for all listeners together. */
  unfinished: Unfinished
}>

/** Handlers that answer a proxy, by endpoint; undefined: that one is off. */
export type Handlers = Readonly<{ [Name in Endpoint]?: Handler | undefined }>

/** A part's listener. `handlers` answer on listeners of parts behind it in the list, too; none stands for another's. */
type PartListener = AnyListener & Readonly<{ handlers?: Handlers }>

/** The materials of a part's listener, as of the main one; it exists once all parts are open. */
export type Serving = Readonly<{
  listenerDeps: ListenerDeps
  handlerDeps: HandlerDeps
  /** By endpoint; where the policy alone chooses, the one of `verify` judges resource tokens too. */
  handlers: Handlers
  /** Each header name that a 200 may have, whatever the route says. In lower case. */
  identityNames: readonly string[]
  /** The same handler, which makes a span of each request where traces are on. */
  traced: Wrappers['handler']
  /** Counts an answer that no handler gave. */
  counted: RequestCounts['request']
}>

/** A document that anybody may read, by any name: on the main listener and on that of management. */
export type PublicDocument = Readonly<{
  /** Exact. No verify route of any proxy may name it: its 200 admits no user. */
  path: string
  endpoint: Endpoint
  read: () => Pick<HandlerResult, 'response' | 'reason'>
}>

/** `unread`: nobody can say here, or not any more, whether the client is blocked. */
export type ClientStanding = 'free' | 'blocked' | 'unread'

/** Judges clients of resource tokens, and sees those that ask. */
export type ClientJudge = Readonly<{
  /** Asked before each 200 for a resource token. */
  standingOf: (clientId: string) => ClientStanding
  /** A token of this client was verified and judged. @param resource of the route */
  saw: (token: Pick<ResourceToken, 'clientId' | 'userId'>, resource: string | undefined, isAllowed: boolean) => void
  /** A client was deleted at Authgear then, whose id never comes back. @returns false: report it again */
  deleted: (clientId: string, at: number) => Promise<boolean>
}>

/** The materials of a part's endpoints; it exists once all parts are open. */
export type EndpointsDeps = Readonly<{
  handlerDeps: HandlerDeps
  revocations: Pick<RevocationLog, 'standingOf'>
  clients: ClientJudge | undefined
  verify: Handler
  /** The prefix of Envoy's ext_authz. */
  extAuthz: Handler
  extAuthzPolicy: 'optional' | 'required'
  /** CACHE_NEGATIVE_TTL */
  confirmAfterMs: number
  /** `/verify`, where the policy's requirements of tokens are left out. */
  sessions: Handler
  /** The same handler, which makes a span of each request where traces are on. */
  traced: (handler: Handler) => Handler
}>

/** Endpoints that judge requests by more than sessions. */
export type Endpoints = Readonly<{
  /** Instead of the base's. */
  extAuthz: Handler
  /** By name, beside the base's `verify` or instead of it, for listeners of parts. */
  handlers: Handlers
  /** On the main listener, beside `/verify` and the prefix. */
  routes: readonly Route[]
}>

/** A section of the status page, and its script, which runs after the page's own. */
type Section = Readonly<{ html: string, script: string }>

/** A replica's settings that people ask for. */
export type About = Readonly<{
  /** Its machine's name, and its port where it has one. */
  replica: string
  version: string
  /** AUTHGEAR_ENDPOINT */
  endpoint: string
  /** CACHE_TTL */
  ttlMs: number
  /** The sentence that everybody who registers may enter; undefined if the operator said who may. */
  entrance: string | undefined
}>

/** Dependencies of routes on the management listener; they exist once all parts are open. */
export type Managing = Readonly<{
  about: About
  reading: Metrics['reading']
  /** For pages that need no token: refuses a browser that came by a name which is not this machine's. */
  ownHostsOnly: onRequestHookHandler
  sections: readonly Section[]
}>

/** Routes on the management listener, a scope of Fastify's to themselves; a change asks for MANAGEMENT_TOKEN. */
export type ManagementRoutes = Readonly<{
  routes: (scope: FastifyInstance, managing: Managing) => void
  section?: Section
}>

/** Credentials of a part's own, instead of Authgear's cookies. */
export type OwnCredentials = Readonly<{
  read: (request: VerifyRequest) => CredentialsRead
  resolve: ResolveOwn
  lend: Loans['lend']
}>

export type OwnCredentialsDeps = Readonly<{ revocations: RevocationLog, sharedCache: Pick<SharedCache, 'read'> }>

export type SignInDeps = Readonly<{
  handlerDeps: HandlerDeps
  revocations: RevocationLog
  pages: PageMaker
  /** The same handler, which makes a span of each request where traces are on. */
  traced: (handler: Handler) => Handler
}>

/** Sign-in of people: routes, redirects and links. */
export type SignIn = Readonly<{
  /** On the main listener. */
  routes: readonly Route[]
  /** Links of the pages for people who are refused. */
  links: PageLinks
  /** Undefined: nobody is sent to log in. */
  findLoginRedirect: FindLoginRedirect | undefined
}>

/** The places in which a part that is open plugs in. */
export type Opened = Readonly<{
  /** Resolves when requests may be taken: what it needs is there, or need not be waited for. */
  ready?: () => Promise<void>
  documents?: readonly PublicDocument[]
  /** Observes each decision, once it is answered. */
  decided?: Report
  /** Vetoes each 200 that allows a request. @returns the reason of the 503 that replaces it */
  vetoes?: () => UnavailableReason | undefined
  /** Requirements on every person, on every endpoint; the route's policy is in addition. */
  rules?: Rules
  /** Adds headers to each 200. */
  headers?: HeaderContributor
  /** Builds endpoints; the first part that does so counts. */
  endpoints?: (deps: EndpointsDeps) => Endpoints
  /** Builds a reader of credentials; the first part that does so counts. */
  ownCredentials?: (deps: OwnCredentialsDeps) => OwnCredentials
  /** Builds what people sign in by; the first part that does so counts. */
  signIn?: (deps: SignInDeps) => SignIn
  /** Wraps in spans; the first part that does so counts. */
  wraps?: Wrappers
  /** Makes pages for people; the first part that does so counts. Without it they get plain text. */
  pages?: PageMaker
  /** Judges clients; the first part that does so counts. */
  clients?: ClientJudge
  management?: ManagementRoutes
  /**
   * Builds the source of profiles, of which there is one at most; the log exists once all parts are open.
   * @param loans of a part that has credentials of its own
   */
  profiles?: (revocations: RevocationLog, loans: Loans | undefined) => Profiles
  /** Hears that a signed webhook came, here or at another replica. */
  webhookCame?: () => void
  /** Called with a revocation that this replica takes, before the log has it. */
  taken?: (revocation: Revocation) => void
  /** Called with a revocation that Redis does not take yet. */
  pending?: (revocation: Revocation) => void
  /** Reads what the log says, in its order. */
  reads?: Partial<LogReader>
  /** Hears that Redis may have lost writes: a `connection` is a failover at worst, another `log` an older copy. */
  mayHaveLost?: (what: 'connection' | 'log') => void
  /** Builds what listens at the address that the part's `listens` names. */
  listener?: (serving: Serving) => PartListener
  /** Counts the replicas, or says how many there were; the first part that does so counts. */
  replicas?: () => number
  /** Numbers for people: since the start, or how things are now. */
  numbers?: () => Readonly<Record<string, number>>
  /** Opens its files again, on SIGHUP. */
  reopen?: () => void
  /** Hears that this replica is about to end. */
  leave?: () => void
  /** Stops background work, before the revocation log is closed. */
  stop?: () => Promise<void>
  close?: () => Promise<void> | void
}>
