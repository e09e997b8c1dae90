import type { Config } from '../config/index.ts'
import type { BuildGrpcListener } from '../request/grpc/listener.ts'
import type { TlsMaterial } from '../request/http/tls.ts'

/** What one replica is made of: the configuration without the addresses to listen on, and what `serve` adds to it. */
export type ServiceSettings =
  & Omit<
    Config,
    'listen' | 'management' | 'managementHosts' | 'identify' | 'grpc' | 'events' | 'tls' | 'shutdownDelayMs' |
    'logFormat' | 'logLevel'
  >
  & Readonly<{
    version: string
    machine: string
    /** Its name among the others: the machine, and the port where it has one. */
    replica: string
    identify: boolean
    /** Whether apps are told of revocations. */
    hasEvents: boolean
    /** What listens for Envoy's gRPC; undefined: off. Handed over, since its library takes a tenth of a start. */
    grpc: BuildGrpcListener | undefined
    tls: TlsMaterial | undefined
  }>

/** A revocation is kept for longer than any entry lives. */
const RETENTION_MARGIN_MS = 5 * 60_000

/** For how long a revocation is kept: as long as it may matter to a session, or to a resource token. */
export function logRetentionOf (
  settings: Pick<Config, 'authgear' | 'cache' | 'profile' | 'resources' | 'resourceTokenMaxAgeMs'>
): number {
  const ofTokens = settings.resources.length === 0 ? 0 : settings.resourceTokenMaxAgeMs + RETENTION_MARGIN_MS
  return Math.max(retentionOf(settings), ofTokens)
}

/** For how long a revocation may matter to an entry of either tier, or to a profile. */
export function retentionOf ({ authgear, cache, profile }: Pick<Config, 'authgear' | 'cache' | 'profile'>): number {
  const entryMs = Math.max(cache.ttlMs, cache.negativeTtlMs) + cache.staleIfErrorMs
  return Math.max(entryMs, profile?.ttlMs ?? 0) + authgear.timeoutMs + RETENTION_MARGIN_MS
}
