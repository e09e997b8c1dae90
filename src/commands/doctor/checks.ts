import type { Probe } from './check.ts'
import { audit, idleTimeout } from './checks/settings.ts'
import { cacheSecret, redis, redisLatency, redisRights, redisServer, webhook } from './checks/redis.ts'
import { clock, resolver } from './checks/authgear.ts'
import { authgearCertificate, ownCertificate } from './checks/certificates.ts'
import { cookies } from './checks/cookies.ts'
import { login } from './checks/login.ts'
import { openPorts } from './checks/open-ports.ts'
import { pasted } from './checks/pasted.ts'
import { rotation } from './checks/rotation.ts'
import { keys, metadata } from './checks/resource-tokens.ts'
import { trustProxy } from './checks/trust-proxy.ts'
import { stranger, throughProxy } from './checks/through-proxy.ts'
import { webhookSilent } from './checks/webhook-silent.ts'
import { revocationLog } from './checks/revocation-log.ts'

/** In the order in which they are run and printed: what the others need comes first. */
export const PROBES: readonly Probe[] = Object.freeze([
  resolver, authgearCertificate, clock, trustProxy, cookies, login,
  keys, pasted, stranger, throughProxy, openPorts, metadata,
  idleTimeout, audit,
  redis, redisRights, redisServer, revocationLog, redisLatency, cacheSecret, webhook, webhookSilent, rotation,
  ownCertificate
])
