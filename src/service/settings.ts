import type { AuditSettings } from '../audit/open.ts'
import type { TlsMaterial } from '../listener/tls.ts'
import type { LoginSettings } from '../login/settings.ts'
import type { RedisSettings } from '../redis/settings.ts'
import type { AbsentHeaders } from '../routes/answer.ts'

/** What one replica is made of; `main` fills it in from the configuration, tests from their tables. */
export type ServiceSettings = Readonly<{
  version: string
  authgear: Readonly<{
    endpoint: Readonly<{ origin: string, host: string, scheme: 'http' | 'https' }>
    resolverUrl: string
    cookiePrefix: string
    timeoutMs: number
    maxConcurrency: number
    maxQueue: number
    failuresPerMinute: number
    ca: string | undefined
    webhookSecret: string | undefined
    appId: string | undefined
  }>
  /** Undefined: Authgear's audit log is not followed. */
  audit: AuditSettings | undefined
  cache: Readonly<{
    ttlMs: number
    negativeTtlMs: number
    degradedTtlMs: number
    refreshAhead: number
    staleIfErrorMs: number
    maxEntries: number
    /** Bytes of heap for what is remembered. */
    maxBytes: number
    secret: string | undefined
  }>
  redis: (RedisSettings & Readonly<{ keyPrefix: string }>) | undefined
  trustedProxies: readonly string[]
  /** Undefined: nobody is sent to log in. */
  login: LoginSettings | undefined
  absentHeaders: AbsentHeaders
  preflight: 'deny' | 'allow'
  identify: boolean
  managementToken: string | undefined
  tls: TlsMaterial | undefined
}>
