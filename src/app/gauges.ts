import type { MemoryCache } from '../base/cache/memory.ts'
import type { Clock } from '../base/clock.ts'
import { type CertificateLife, certificateStage } from '../base/core/certificate.ts'
import type { Gauges, PartReadings } from '../base/metrics/gauges.ts'
import type { AuthgearAccess } from './authgear.ts'
import type { OpenedLog } from './revocations.ts'
import type { ServiceSettings } from './settings.ts'
import type { Shared } from './shared.ts'

/** Read at each scrape, and by whatever shows how things are: later than all of it is opened. */
type Readings = Readonly<{
  memory: MemoryCache
  life: () => CertificateLife | undefined
  authgear: () => AuthgearAccess
  shared: () => Shared
  log: () => OpenedLog
  numbers: () => PartReadings
}>

export function gaugesOf (
  { redis, cache, tls }: ServiceSettings, clock: Clock, { memory, life, authgear, shared, log, numbers }: Readings
): Gauges {
  return {
    resolver: () => ({ ...authgear().resolver.state(), ...authgear().queue() }),
    clockAheadMs: () => authgear().clockAheadMs(),
    cacheEntries: memory.size,
    cacheBytes: memory.bytes,
    cacheMaxBytes: () => cache.maxBytes,
    redis: redis && {
      isUp: () => shared().redis?.connection.isUp() === true,
      isFollowed: () => log().revocations.isFollowing(),
      entries: () => log().entries()
    },
    parts: numbers,
    certificate: tls && {
      expiry: () => (life()?.to ?? 0) / 1000,
      stage: () => {
        const now = life()
        return now && certificateStage(now, clock.wall())
      }
    }
  }
}
