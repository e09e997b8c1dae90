import type { Probe } from './probe.ts'
import { audit } from './probes/audit.ts'
import { cacheSecret } from './probes/cache-secret.ts'
import { authgearCertificate, ownCertificate } from './probes/certificates.ts'
import { clock } from './probes/clock.ts'
import { cookies } from './probes/cookies.ts'
import { idleTimeout } from './probes/idle-timeout.ts'
import { pasted } from './probes/pasted.ts'
import { redis } from './probes/redis.ts'
import { redisLatency } from './probes/redis-latency.ts'
import { redisRights } from './probes/redis-rights.ts'
import { redisServer } from './probes/redis-server.ts'
import { revocationLog } from './probes/revocation-log.ts'
import { resolver } from './probes/resolver.ts'
import { trustProxy } from './probes/trust-proxy.ts'
import { webhook } from './probes/webhook.ts'

/** In the order in which they are run and printed: what the others need comes first. */
export const PROBES: readonly Probe[] = Object.freeze([
  resolver, authgearCertificate, clock, trustProxy, cookies, pasted, idleTimeout, audit,
  redis, redisRights, redisServer, revocationLog, redisLatency, cacheSecret, webhook,
  ownCertificate
])
