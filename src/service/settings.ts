import type { AuditSettings } from '../authgear/audit-log/run.ts'
import type { TlsMaterial } from '../http/tls.ts'
import type { LoginSettings } from '../login/settings.ts'
import type { RedisSettings } from '../redis/options.ts'
import type { AbsentHeaders } from '../http/types.ts'

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
    /** Bytes that all requests that wait for a resolution may take together. */
    waitingBytes: number
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

/** How much longer than any entry lives a revocation is kept, in milliseconds. */
const RETENTION_MARGIN_MS = 5 * 60_000

type Lives = Readonly<{
  authgear: Pick<ServiceSettings['authgear'], 'timeoutMs'>
  cache: Pick<ServiceSettings['cache'], 'ttlMs' | 'negativeTtlMs' | 'staleIfErrorMs'>
}>

/** Milliseconds for which a revocation may matter to an entry of either tier. */
export function retentionOf ({ authgear, cache }: Lives): number {
  return Math.max(cache.ttlMs, cache.negativeTtlMs) + cache.staleIfErrorMs + authgear.timeoutMs + RETENTION_MARGIN_MS
}
