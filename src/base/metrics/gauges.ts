import type { Registry } from 'prom-client'
import type { CertificateStage } from '../core/certificate.ts'
import { gauge, register } from './table.ts'

/** Read at each scrape. */
export type Gauges = Readonly<{
  resolver: () => Readonly<{ inFlight: number, queued: number, circuitOpen: boolean }>
  /** Undefined while this machine's clock agrees with Authgear's, or nothing is known of it. */
  clockAheadMs?: (() => number | undefined) | undefined
  cacheEntries: () => number
  /** Bytes accounted to them, and how many there may be (CACHE_MAX_MEMORY). */
  cacheBytes: () => number
  cacheMaxBytes: () => number
  /** Undefined where the service has no Redis. */
  redis: Readonly<{
    isUp: () => boolean
    /** True while the revocation log is followed. */
    isFollowed: () => boolean
    /** Entries of the revocation log, and how many its retention may hold. */
    entries: () => Readonly<{ now: number, most: number }>
  }> | undefined
  /** Numbers of each part that is on. */
  parts?: (() => PartReadings) | undefined
  /** Undefined where the listener speaks no TLS; `expiry` in seconds since 1970. */
  certificate: Readonly<{ expiry: () => number, stage: () => CertificateStage | undefined }> | undefined
}>

/** Numbers by the name of their part. */
export type PartReadings = Readonly<Record<string, Readonly<Record<string, number>>>>

/** Current readings. */
export type GaugeReading = Readonly<{
  inFlight: number
  queued: number
  circuitOpen: boolean
  cacheEntries: number
  /** The next two are undefined where the service has no Redis. */
  redisUp: boolean | undefined
  logFollowed: boolean | undefined
  /** Undefined while the listener's certificate is well, or it speaks no TLS. */
  certificateStage: number | undefined
  /** Undefined while this machine's clock agrees with Authgear's. */
  clockAheadMs: number | undefined
  /** Numbers of each part that is on. */
  parts: PartReadings
}>

export function readGauges (gauges: Gauges): GaugeReading {
  const { resolver, cacheEntries, redis, certificate, clockAheadMs, parts } = gauges
  const { inFlight, queued, circuitOpen } = resolver()
  return {
    inFlight,
    queued,
    circuitOpen,
    cacheEntries: cacheEntries(),
    redisUp: redis?.isUp(),
    logFollowed: redis?.isFollowed(),
    certificateStage: certificate?.stage(),
    clockAheadMs: clockAheadMs?.(),
    parts: parts?.() ?? {}
  }
}

const ALWAYS = {
  inFlight: gauge('forward_auth_authgear_in_flight', 'Resolutions under way.'),
  queued: gauge('forward_auth_authgear_queued', 'Queued resolutions.'),
  circuitOpen: gauge(
    'forward_auth_authgear_circuit_open',
    '1 while the circuit breaker is open, after repeated failures of Authgear.'
  ),
  entries: gauge('forward_auth_cache_entries', 'Entries in memory.'),
  bytes: gauge(
    'forward_auth_cache_bytes', 'Heap used by the entries in memory, in bytes; an upper bound.'
  ),
  maxBytes: gauge('forward_auth_cache_max_bytes', 'The limit of those bytes (CACHE_MAX_MEMORY).')
}

const WITH_REDIS = {
  up: gauge('forward_auth_redis_up', '1 while Redis is reachable.'),
  followed: gauge(
    'forward_auth_revocation_log_connected',
    '1 while this replica follows the revocation log; otherwise it uses only young entries in memory.'
  ),
  entries: gauge('forward_auth_revocation_log_entries', 'Entries in the revocation log.'),
  limit: gauge(
    'forward_auth_revocation_log_entries_limit',
    'The maximum number of entries in the revocation log.'
  )
}

const CERTIFICATE = {
  expiry: gauge(
    'forward_auth_tls_certificate_expiry_timestamp_seconds',
    'When the certificate of the main listener expires, in epoch seconds.'
  )
}

export function registerGauges (registry: Registry, gauges: Gauges): void {
  const { resolver, cacheEntries, cacheBytes, cacheMaxBytes, redis, certificate } = gauges
  register(registry, ALWAYS).read({
    inFlight: () => resolver().inFlight,
    queued: () => resolver().queued,
    circuitOpen: () => Number(resolver().circuitOpen),
    entries: cacheEntries,
    bytes: cacheBytes,
    maxBytes: cacheMaxBytes
  })
  if (redis !== undefined) {
    register(registry, WITH_REDIS).read({
      up: () => Number(redis.isUp()),
      followed: () => Number(redis.isFollowed()),
      entries: () => redis.entries().now,
      limit: () => redis.entries().most
    })
  }
  if (certificate !== undefined) register(registry, CERTIFICATE).read({ expiry: certificate.expiry })
}
