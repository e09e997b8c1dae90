import type { AssertionSettings } from '../assertion/types.ts'
import type { AuditSettings } from '../authgear/audit-log/run.ts'
import type { ListenerBudget } from '../core/memory-budget.ts'
import type { AbsentHeaders } from '../http/types.ts'
import type { ProfileSettings } from '../profile/settings.ts'
import type { IdentitySettings } from '../identity/settings.ts'
import type { LoginSettings } from '../login/settings.ts'
import type { RedisSettings } from '../redis/options.ts'
import type { Resource } from '../resource/settings.ts'

/** Where a listener listens; port 0 lets the system choose one (tests). */
export type ListenAddress = Readonly<{ kind: 'tcp', host: string, port: number } | { kind: 'unix', path: string }>

/**
 * The project's public origin as Authgear compares it: lower case, no default port. `host` carries a port that is not
 * the default.
 */
export type Endpoint = Readonly<{ origin: string, host: string, scheme: 'http' | 'https' }>

/** An https origin on 443, or an http one of this very machine; `host` has no port. */
export type PublicOrigin = Readonly<{ origin: string, host: string }>

/** A key of Authgear's Admin API as its file says it: PKCS#8 in PEM. A JWK names its id, a PEM does not. */
export type AdminKeyFile = Readonly<{ pem: string, keyId: string | undefined }>

/**
 * Everything that the environment says, parsed, checked and deep-frozen. A part that one folder alone reads has its
 * type in that folder.
 */
export type Config = Readonly<{
  authgear: Readonly<{
    endpoint: Endpoint
    resolverUrl: string
    cookiePrefix: string
    timeoutMs: number
    maxConcurrency: number
    maxQueue: number
    failuresPerMinute: number
    /** Bytes that all requests that wait for a resolution may take together. */
    waitingBytes: number
    /** PEM text of extra authorities, beside the system's. */
    ca: string | undefined
    webhookSecret: string | undefined
    /** A webhook signed under it is taken too. */
    previousWebhookSecret: string | undefined
    appId: string | undefined
  }>
  /** undefined: the audit log is not followed */
  audit: AuditSettings | undefined
  /** undefined: off */
  profile: ProfileSettings | undefined
  listen: ListenAddress
  /** undefined: off */
  management: ListenAddress | undefined
  managementToken: string | undefined
  /** Lower case; `*.example.com` for every name below. */
  managementHosts: readonly string[]
  /** undefined: off */
  identify: ListenAddress | undefined
  /** Envoy's gRPC; undefined: off */
  grpc: ListenAddress | undefined
  /** Paths, since the files are read again when they change. */
  tls: Readonly<{ certFile: string, keyFile: string, clientCaFile: string | undefined }> | undefined
  /** What peers may make the listeners hold, by the machine's memory. */
  listeners: ListenerBudget
  /** Addresses, CIDRs and proxy-addr's names; empty for `none`. */
  trustedProxies: readonly string[]
  /** `secret` is undefined without Redis and for `none`. */
  cache: Readonly<{
    ttlMs: number
    negativeTtlMs: number
    degradedTtlMs: number
    /** Share of the life, 0 = off. */
    refreshAhead: number
    staleIfErrorMs: number
    maxEntries: number
    /** Bytes of heap for what is remembered. */
    maxBytes: number
    secret: string | undefined
    /** What was made under it is read too; undefined without Redis. */
    previousSecret: string | undefined
  }>
  /** undefined: memory only */
  redis: (RedisSettings & Readonly<{ keyPrefix: string }>) | undefined
  /** undefined: nobody is sent to log in */
  login: LoginSettings | undefined
  /** LOGIN_URL: the app's own login, which pages link to. */
  loginUrl: string | undefined
  /** undefined: off */
  assertion: AssertionSettings | undefined
  /** Empty where resource tokens are off. */
  resources: readonly Resource[]
  resourceTokenMaxAgeMs: number
  identity: IdentitySettings
  absentHeaders: AbsentHeaders
  extAuthzPolicy: 'optional' | 'required'
  extAuthzLocation: 'forwarded' | 'request'
  preflight: 'deny' | 'allow'
  shutdownDelayMs: number
  logFormat: 'json' | 'pretty'
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
}>

/** One variable as it counts: for `check`, with secrets already masked in `shown`. */
export type Setting = Readonly<{ name: string, shown: string, source: 'default' | 'set' | 'file' }>

export type LoadedConfig = Readonly<
  | { kind: 'ok', config: Config, warnings: readonly string[], settings: readonly Setting[] }
  | { kind: 'errors', errors: readonly string[] }
>
