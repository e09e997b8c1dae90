import { Gauge, type Registry } from 'prom-client'
import type { AuditGauges } from './audit.ts'

/** Read when somebody scrapes. */
export type Gauges = Readonly<{
  resolver: () => Readonly<{ inFlight: number, queued: number, circuitOpen: boolean }>
  cacheEntries: () => number
  /** Bytes accounted to them, and how many there may be (CACHE_MAX_MEMORY). */
  cacheBytes: () => number
  cacheMaxBytes: () => number
  /** Undefined where the service has no Redis. */
  redisUp: (() => boolean) | undefined
  /** Whether the revocation log is followed; undefined where the service has no Redis. */
  logFollowed: (() => boolean) | undefined
  /** Entries of the revocation log, and how many its retention may hold; undefined where the service has no Redis. */
  logEntries: (() => Readonly<{ now: number, most: number }>) | undefined
  /** Undefined where the service has no Redis. */
  replicasSeen: (() => number) | undefined
  /** The audit-log follower; undefined where it is off. */
  audit: AuditGauges | undefined
  /** Seconds since 1970; undefined where the listener speaks no TLS. */
  certificateExpiry: (() => number) | undefined
}>

/** How things are now. */
export type GaugeReading = Readonly<{
  inFlight: number
  queued: number
  circuitOpen: boolean
  cacheEntries: number
  /** The next three are undefined where the service has no Redis. */
  redisUp: boolean | undefined
  logFollowed: boolean | undefined
  replicasSeen: number | undefined
}>

export function readGauges ({ resolver, cacheEntries, redisUp, logFollowed, replicasSeen }: Gauges): GaugeReading {
  const { inFlight, queued, circuitOpen } = resolver()
  return { inFlight, queued, circuitOpen, cacheEntries: cacheEntries(), redisUp: redisUp?.(), logFollowed: logFollowed?.(), replicasSeen: replicasSeen?.() }
}

export function registerGauges (registry: Registry, gauges: Gauges): void {
  const { resolver, cacheEntries, cacheBytes, cacheMaxBytes, redisUp, logFollowed, logEntries, replicasSeen } = gauges
  const { certificateExpiry } = gauges
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({ registers: [registry], name, help, collect () { this.set(read()) } })
  gauge('forward_auth_authgear_in_flight', 'Resolutions under way.', () => resolver().inFlight)
  gauge('forward_auth_authgear_queued', 'Resolutions that wait for their turn.', () => resolver().queued)
  gauge('forward_auth_authgear_circuit_open', '1 while Authgear is left alone after repeated failures.', () => Number(resolver().circuitOpen))
  gauge('forward_auth_cache_entries', 'Entries in memory.', cacheEntries)
  gauge('forward_auth_cache_bytes', 'Bytes of heap accounted to the entries in memory, never fewer than they take.', cacheBytes)
  gauge('forward_auth_cache_max_bytes', 'How many of them there may be (CACHE_MAX_MEMORY).', cacheMaxBytes)
  if (redisUp !== undefined) gauge('forward_auth_redis_up', '1 while Redis answers.', () => Number(redisUp()))
  if (logFollowed !== undefined) gauge('forward_auth_revocation_log_connected', '1 while the revocation log is followed; else only young entries of memory are used.', () => Number(logFollowed()))
  if (logEntries !== undefined) {
    gauge('forward_auth_revocation_log_entries', 'Entries that the revocation log holds.', () => logEntries().now)
    const limit = 'Entries that it may hold at most: what it takes in a minute, for as long as it keeps them.'
    gauge('forward_auth_revocation_log_entries_limit', limit, () => logEntries().most)
  }
  if (replicasSeen !== undefined) gauge('forward_auth_replicas_seen', 'Replicas that follow the revocation log and said so in the last seconds, this one included; 0 = not known.', replicasSeen)
  if (certificateExpiry !== undefined) gauge('forward_auth_tls_certificate_expiry_timestamp_seconds', 'When the certificate of the main listener ends.', certificateExpiry)
}
