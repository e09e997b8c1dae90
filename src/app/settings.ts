import type { Config } from '../base/config/index.ts'
import type { Configured, Loaded } from '../base/parts/part.ts'
import type { TlsMaterial } from '../base/http/tls.ts'

/** The settings of one replica: the configuration without the addresses to listen on, and what `serve` adds to it. */
export type ServiceSettings =
  & Omit<
    Config,
    'listen' | 'management' | 'managementHosts' | 'parts' | 'tls' | 'shutdownDelayMs' |
    'logFormat' | 'logLevel'
  >
  & Readonly<{
    version: string
    machine: string
    /** Its name among the others: the machine, and the port where it has one. */
    replica: string
    /** The parts that are on, with their code. */
    parts: ReadonlyArray<Loaded<never, object>>
    tls: TlsMaterial | undefined
    /** In tests: when entries are renewed; else REFRESH_AHEAD. */
    refreshAhead?: number | undefined
  }>

/** A revocation is kept for longer than any entry lives. */
const RETENTION_MARGIN_MS = 5 * 60_000

type Remembering =
  Pick<Config, 'authgear' | 'cache'> & Readonly<{ parts: ReadonlyArray<Pick<Configured, 'claims'>> }>

/** For how long a revocation is kept: as long as it may matter to a session, or to a resource token. */
export function logRetentionOf (
  settings: Remembering
): number {
  const tokenMs = tokenMaxAgeOf(settings)
  return Math.max(retentionOf(settings), tokenMs === undefined ? 0 : tokenMs + RETENTION_MARGIN_MS)
}

/** The longest life of tokens that the log judges; undefined where no part takes any. */
export const tokenMaxAgeOf = ({ parts }: Pick<Remembering, 'parts'>): number | undefined =>
  parts.map(({ claims }) => claims.tokenMaxAgeMs).find((ms) => ms !== undefined)

/** For how long a revocation may matter to an entry of either tier, or to what a part remembers. */
export function retentionOf ({ authgear, cache, parts }: Remembering): number {
  const entryMs = Math.max(cache.ttlMs, cache.negativeTtlMs) + cache.staleIfErrorMs
  const ofParts = parts.map(({ claims }) => claims.remembersMs ?? 0)
  return Math.max(entryMs, ...ofParts) + authgear.timeoutMs + RETENTION_MARGIN_MS
}

/** and for what goes out beside Authgear's headers. */
const PRESENTED_SHARE = 0.1

/** A route may name a set that no setting does: a tenth is little, and without it there is room for few. */
export function presentedShareOf (
  { identity, parts }: Pick<ServiceSettings, 'identity' | 'parts'>
): number {
  const ofParts = parts.some(({ sends }) => sends !== undefined)
  const isUsual = identity.headers.all.length > 0 || ofParts
  return isUsual ? PRESENTED_SHARE : PRESENTED_SHARE / 10
}

/** The share of CACHE_MAX_MEMORY that parts and what goes out leave. */
function restOf (settings: ServiceSettings): number {
  const ofParts = settings.parts.reduce((sum, { claims: { memoryShare = 0 } }) => sum + memoryShare, 0)
  return 1 - ofParts - presentedShareOf(settings)
}

/** Bytes of a part. */
export const bytesOf = (
  { claims: { memoryShare = 0, restShare = 0 } }: Pick<Configured, 'claims'>, settings: ServiceSettings
): number =>
  settings.cache.maxBytes * (memoryShare + restOf(settings) * restShare)

/** Bytes of what Authgear said: what all others leave of CACHE_MAX_MEMORY. */
export function resolutionBytes (settings: ServiceSettings): number {
  const ofParts = settings.parts.reduce((sum, { claims: { restShare = 0 } }) => sum + restShare, 0)
  return Math.floor(settings.cache.maxBytes * restOf(settings) * (1 - ofParts))
}
