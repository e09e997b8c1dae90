import type { Probe } from './check.ts'
import { audit, idleTimeout } from './checks/settings.ts'
import { cacheSecret, redis, redisLatency, redisRights, redisServer, webhook } from './checks/redis.ts'
import { authgearCertificate, clock, cookies, ownCertificate, resolver, trustProxy } from './checks/authgear.ts'
import { pasted } from './checks/pasted.ts'
import { revocationLog } from './probes/revocation-log.ts'

/** In the order in which they are run and printed: what the others need comes first. */
export const PROBES: readonly Probe[] = Object.freeze([
  resolver, authgearCertificate, clock, trustProxy, cookies, pasted, idleTimeout, audit,
  redis, redisRights, redisServer, revocationLog, redisLatency, cacheSecret, webhook,
  ownCertificate
])
