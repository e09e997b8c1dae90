import type { FastifyInstance } from 'fastify'

/** Seconds since 1970, as Authgear writes them. */
type UnixSeconds = number
type Milliseconds = number

/** One signed-in session; every credential of it identifies the same user. */
export interface SessionEntry {
  readonly accessTokens?: readonly string[]
  /** Opaque ones of a third-party client, which the resolver says no to: they are for `/oauth2/userinfo` alone. */
  readonly thirdPartyTokens?: readonly string[]
  /** value of the cookie `session` */
  readonly cookie?: string
  /** value of the cookie `app_session` */
  readonly appSession?: string
  readonly authenticatedAt?: UnixSeconds
  readonly amr?: readonly string[]
}

/** A user of the users file. What is left out: no roles, not verified, not anonymous, may re-authenticate, active. */
export interface UserEntry {
  readonly id: string
  readonly name: string
  readonly roles?: readonly string[]
  readonly verified?: boolean
  readonly anonymous?: boolean
  readonly canReauthenticate?: boolean
  readonly disabled?: boolean
  /** past `account_valid_until`: sessions live on, but every answer is `session-valid: false` */
  readonly outsideValidity?: boolean
  readonly sessions?: readonly SessionEntry[]
  /** as the Admin API's `standardAttributes` has them; `name` also is the `formattedName` */
  readonly attributes?: Attributes
  readonly groups?: readonly string[]
}

/** OpenID Connect's standard claims. */
export type Attributes = Readonly<Record<string, unknown>>

/** A user as the simulator keeps it: complete and changeable. */
export interface User {
  id: string
  name: string
  roles: readonly string[]
  verified: boolean
  anonymous: boolean
  canReauthenticate: boolean
  disabled: boolean
  outsideValidity: boolean
  attributes: Attributes
  groups: readonly string[]
}

export interface Session {
  readonly user: User
  /** changes where the same person signs in again */
  authenticatedAt: UnixSeconds
  readonly amr: readonly string[]
  /** a token of a third-party client: `session-valid: false` to the resolver */
  readonly isThirdParty: boolean
  /** for the lock and the counters only */
  readonly key: string
}

/** What a request brings; undefined where it brings none. */
export interface SentCredentials {
  readonly bearer: string | undefined
  readonly appSession: string | undefined
  readonly appAccessToken: string | undefined
  readonly session: string | undefined
}

export interface IssuedCredentials {
  readonly accessToken: string
  readonly cookie: string
  readonly appSession: string
}

export type Verdict =
  | { readonly kind: 'valid', readonly session: Session }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'nobody' }

export type FailureMode =
  | 'error' | 'not-found' | 'method-not-allowed' | 'redirect' | 'silent' | 'no-user-id'
  | 'reset' | 'half-answer' | 'hang' | 'not-http' | 'garbage-header' | 'huge-headers' | 'endless-body'

export type Outage = 'none' | 'redis' | 'redis-frozen' | 'database' | 'database-frozen'

/** Holds resolutions; tests wait for `arrived(n)`, an event, instead of for time. */
export interface Gate {
  readonly waiting: number
  arrived (count: number): Promise<void>
  release (): void
}

/** How the Admin API may fail; `unavailable`: the audit database is not there, or not configured, under status 200. */
export type AuditFailure = 'unavailable' | 'error' | 'forbidden' | 'not-found' | 'garbage' | 'reset' | 'hang'

export interface AuditEvent {
  /** as in the enum, e.g. `USER_SIGNED_OUT` */
  readonly activityType: string
  readonly payload: object
  readonly userId?: string
  /** of a dynamic client, in the entry's context */
  readonly clientId?: string
  readonly triggeredBy?: 'user' | 'admin_api' | 'system'
  /** default: now, in whole seconds */
  readonly createdAt?: UnixSeconds
  /** how long it cannot be seen yet: a slow insert */
  readonly lateness?: Milliseconds
}

/** The audit log of the Admin API. Entries of one second come in no order, as at Authgear. */
export interface AuditControls {
  append (event: AuditEvent): void
  /** What is written from here on is seen so much later, with its own date. */
  late (ms: Milliseconds): void
  /** The next so many entries are never written: what they are about happens all the same. */
  lose (count: number): void
  /** Answers the next `times` queries of the log (default: all, until `recover`) in this way. */
  fail (mode: AuditFailure, times?: number): void
  recover (): void
  /** added to each answer; default 0 */
  slow (ms: Milliseconds): void
  /** Activity types that this Authgear does not know. */
  hide (types: readonly string[]): void
  /** Holds every query of the log. */
  hold (): Gate
  /** queries of the log that arrived */
  readonly queries: number
}

/** Queries of users by the Admin API. */
export interface ProfileControls {
  /** Answers the next `times` queries (default: all, until `recover`) in this way. */
  fail (mode: AuditFailure, times?: number): void
  recover (): void
  /** added to each answer; default 0 */
  slow (ms: Milliseconds): void
  /** Holds every query of users. */
  hold (): Gate
  /** the user ids of each query that arrived */
  readonly queries: ReadonlyArray<readonly string[]>
}

/** How the token endpoint may fail; `lost`: all is done, and the answer never arrives. */
export type TokenFailure = 'error' | 'rate-limited' | 'redirect' | 'hang' | 'reset' | 'lost'

/** The token endpoint. */
export interface TokenControls {
  /** Answers the next `times` calls (default: all, until `recover`) in this way. */
  fail (mode: TokenFailure, times?: number): void
  recover (): void
  /** added to each answer; default 0 */
  slow (ms: Milliseconds): void
  /** Authgear's limits hold from now on: 120 calls a minute and address, 60 a minute and user. */
  limit (): void
  /** Holds every call. */
  hold (): Gate
  /** that arrived */
  readonly calls: number
  readonly refreshes: number
  /** answered 400 */
  readonly refused: number
  /** refresh tokens that were taken, and whose answer never arrived */
  readonly lost: readonly string[]
}

/** How userinfo may fail; `foreign`: it names another user; `refused`: as of a token that ended. */
export type UserinfoFailure = 'error' | 'hang' | 'reset' | 'redirect' | 'garbage' | 'endless' | 'foreign' | 'refused'

/** A call of userinfo; `user`: undefined of a token that is nobody's. */
export interface UserinfoCall {
  readonly user: string | undefined
  readonly address: string
  readonly userAgent: string
  readonly hasCookie: boolean
}

export interface UserinfoControls {
  /** Answers the next `times` calls (default: all, until `recover`) in this way. */
  fail (mode: UserinfoFailure, times?: number): void
  recover (): void
  /** added to each answer; default 0 */
  slow (ms: Milliseconds): void
  /** Holds every call. */
  hold (): Gate
  /** Whether the project keeps e-mail addresses from bearers; of a user who is cached it counts after 300 s. */
  hideEmail (hides: boolean): void
  /** that arrived */
  readonly calls: readonly UserinfoCall[]
}

export interface Controls {
  /** added to every resolution; default 0 */
  latency: Milliseconds
  /** Authgear's lock per session: 5 tries, 50-250 ms apart, then 500; default off */
  sessionLock: boolean
  outage: Outage
  /** how long a frozen Redis keeps a resolution before it is a 500; Authgear: 3000 */
  frozenRedisDelay: Milliseconds
  /** Answers the next `times` resolutions (default: all, until `recover`) in this way. */
  fail (mode: FailureMode, times?: number): void
  recover (): void
  /** Holds every resolution `before` it looks at the sessions (default), or `after` it has, with its answer already fixed. */
  hold (point?: 'before' | 'after'): Gate
  addUser (entry: UserEntry): void
  /** As at Authgear, the user's sessions end with this and do not come back by `enable`. */
  disable (name: string): void
  enable (name: string): void
  setRoles (name: string, roles: readonly string[]): void
  setAttributes (name: string, attributes: Attributes): void
  setGroups (name: string, groups: readonly string[]): void
  /** As an administrator does: the Admin API knows it at once, userinfo up to 300 s later. */
  verifyEmail (name: string, verified: boolean): void
  setVerified (name: string, verified: boolean): void
  setOutsideValidity (name: string, outside: boolean): void
  readonly audit: AuditControls
  readonly profiles: ProfileControls
  readonly tokens: TokenControls
  readonly userinfo: UserinfoControls
  /** Ends all access tokens of apps' sessions at once; the sessions go on. */
  expireAccessTokens (): void
  /** Ends an app's session, as the Admin API's revokeSession does. @param id the UUID that its `sid` names */
  endGrant (id: string): void
  /** Ends a browser's session and those of the apps that it began, as revokeSession does. @param id as the audit log has it */
  endSession (id: string): void
  /** As in the portal: nobody signs in to this dynamic client any more, and its tokens go on until they end. */
  deleteClient (id: string): void
  /** The browser's session ends by its own idle time-out. */
  expireCookie (cookie: string): void
  /** Another key signs from now on. */
  addSigningKey (): void
  /** What older keys signed is not read any more. */
  dropOldSigningKeys (): void
  /** A new session of this user. */
  signIn (name: string): IssuedCredentials
  /** Ends the session of this cookie, as its browser does. */
  signOut (cookie: string): void
  revokeSessions (name: string): void
  /** Ends one credential (an access token or the value of a cookie). */
  revoke (credential: string): void
}

export interface Counters {
  readonly resolutions: number
  /** resolutions that carried this access token or cookie value */
  of (credential: string): number
  readonly parallel: number
  readonly maxParallel: number
  readonly maxParallelPerSession: number
  /** connections accepted */
  readonly connections: number
  readonly lastUrl: string
  /** name, value, name, value … as they came over the wire */
  readonly lastRawHeaders: readonly string[]
  reset (): void
}

export interface AdminApiOptions {
  readonly appId: string
  /** the key's `kid` */
  readonly keyId: string
  /** PEM */
  readonly publicKey: string
}

export interface OAuthClient {
  readonly id: string
  readonly name?: string
  /** A dynamic client: registered, or its id is the URL of its document. Only these get tokens for a resource. */
  readonly source?: 'dcr' | 'cimd'
  /** Compared exactly. */
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  /** default `traditional_webapp` */
  readonly type?: 'spa' | 'traditional_webapp' | 'confidential' | 'third_party_app' | 'm2m'
  readonly secret?: string
  /** Full access is refused; default: as to the type. No type of Authgear's without a secret is refused it. */
  readonly refusesFullAccess?: boolean
  /** Access tokens are JWTs; default: opaque. */
  readonly jwt?: boolean
  /** Refresh token rotation; default off. */
  readonly rotation?: boolean
  /** default 300 */
  readonly accessTokenSeconds?: number
  /** From the sign-in on; default 52 weeks. */
  readonly refreshTokenSeconds?: number
  /** default 30 days */
  readonly idleSeconds?: number
  /** Authgear's `x_max_concurrent_session: 1`. */
  readonly isAlone?: boolean
}

/** What a client says of itself where its id is a URL. */
export interface ClientDocument {
  readonly client_id: string
  readonly redirect_uris: readonly string[]
  readonly client_name?: string
}

/** An API or MCP server of the project's. */
export interface ResourceEntry {
  readonly uri: string
  readonly scopes: readonly string[]
}

/** A client of the type machine to machine. */
export interface MachineClient {
  readonly id: string
  readonly secret: string
  readonly scopes: readonly string[]
}

export interface SimulatorOptions {
  /** opens dynamic registration, and what `clients` opens; default: 404 */
  readonly resources?: readonly ResourceEntry[]
  readonly machines?: readonly MachineClient[]
  /** Authgear's dynamic registration; `by-token` needs an initial access token, and none is known; default: off */
  readonly registration?: 'off' | 'by-token' | 'open'
  /** Client ID metadata documents by their URLs, which nobody fetches; opens clients by URL; default: closed */
  readonly clientDocuments?: Readonly<Record<string, ClientDocument>>
  /** opens `/oauth2/authorize`, `/oauth2/end_session` and their pages, discovery and the token endpoint; default: 404 */
  readonly clients?: readonly OAuthClient[]
  /** default: users.json beside this file */
  readonly users?: readonly UserEntry[]
  /** Authgear's `http.cookie_prefix`; default none */
  readonly cookiePrefix?: string
  /** Authgear's `http.cookie_domain`; default none: host-only cookies */
  readonly cookieDomain?: string
  /** the token endpoint and discovery send who asks by another origin there (307); default: any origin is its own */
  readonly publicOrigin?: string
  /** epoch milliseconds, for what ends; default: this machine's clock */
  readonly now?: () => number
  /** Authgear's TRUST_PROXY; default true */
  readonly trustProxy?: boolean
  /** names (no port) of the one project; others are 404; default: any host is this project's */
  readonly hosts?: readonly string[]
  /** anyone can register, which is Authgear's own default; default false */
  readonly publicSignUp?: boolean
  /** where the login page is; default `/login` */
  readonly loginPath?: string
  /** opens the Admin API at `/graphql` and `/_api/admin/graphql`; default: 404 */
  readonly adminApi?: AdminApiOptions
  /** where webhooks are sent; default: none is */
  readonly webhook?: { readonly url: string, readonly secret: string, readonly appId: string }
  /** opens `/__simulator/…`; default false */
  readonly control?: boolean
  /** PEM; with it the simulator speaks https */
  readonly tls?: { readonly key: string, readonly cert: string }
}

export interface Simulator {
  readonly app: FastifyInstance
  readonly controls: Controls
  readonly counters: Counters
  /** Resolves to the base URL; defaults: 127.0.0.1, a free port. */
  listen (address?: { readonly host?: string, readonly port?: number }): Promise<string>
  close (): Promise<void>
}
