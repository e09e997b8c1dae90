import { createMemoryCache, type MemoryCache } from '../base/cache/memory.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { type CertificateLife, certificateStage } from '../base/core/certificate.ts'
import type { Listener } from '../base/http/listener.ts'
import { certificateLife } from '../base/http/tls.ts'
import type { Log, WritePiece } from '../base/logging/log.ts'
import type { RevocationsDeps } from '../base/management/revocations.ts'
import type { Gauges } from '../base/metrics/gauges.ts'
import { createMetrics, type Metrics } from '../base/metrics/metrics.ts'
import type { ManagementRoutes, PublicDocument, Replica } from '../base/parts/places.ts'
import { createUnfinished } from '../base/http/unfinished.ts'
import type { Profiles } from '../base/identity/profile.ts'
import { buildListeners, tellEnded } from './listeners.ts'
import {
  allReady, documentsOf, type ListenerOfPart, logFailed, managementOf, numbersOf, tellEach
} from './open-parts.ts'
import { closeParts, openParts, type Parts } from './parts.ts'
import { resolutionBytes, type ServiceSettings } from './settings.ts'
import { reporting } from './shared.ts'
import { type Waiting, type Waits, waitUntil } from '../base/timing.ts'

export type { ServiceSettings } from './settings.ts'

export type Service = Readonly<{
  app: Listener
  /** The listeners of parts, by the variables that hold their addresses. */
  ofParts: readonly ListenerOfPart[]
  metrics: Metrics
  /** Undefined: no part knows users. */
  profiles: Profiles | undefined
  /** For `POST /revocations`, where there is a token for it. */
  revocations: RevocationsDeps | undefined
  /** Up: it answers and its revocation log is followed. */
  redisState: () => 'up' | 'down' | 'none'
  /** Before it takes requests: the revocation log is followed, or need not be waited for. */
  logFollowed: () => Promise<void>
  /** Before it takes requests: the parts have what they need, or need not wait for it. */
  partsReady: () => Promise<void>
  /** The documents that parts publish on the management listener, and their own routes there. */
  documents: readonly PublicDocument[]
  management: readonly ManagementRoutes[]
  /** Logs a defect. */
  unexpectedError: (error: unknown) => void
  authgearState: () => Replica['authgear']
  /** Resolutions under way and waiting. */
  authgearQueue: () => Readonly<{ inFlight: number, queued: number }>
  certificateRenewed: (life: CertificateLife) => void
  /** The parts open their files again. */
  reopen: () => void
  /** The parts hear that this replica is about to end. */
  leave: () => void
  /** Closes what was opened, in reverse order; idempotent. */
  close: () => Promise<void>
}>

/**
 * Tests replace the clock and the wait, so that no test depends on the speed of a machine. The tracer is there if
 * tracing is on.
 */
export type Seams = Waits & Readonly<{
  clock?: Clock
  /** The state that this replica announces to the others. */
  state?: (() => Replica['state']) | undefined
  /** The pipe that the log writes to, for parts that write there, too. */
  stdout?: WritePiece | undefined
}>

/** Each write removes expired entries too. */
const SWEEP_INTERVAL_MS = 1000

/** Opens connections in the background and listens nowhere yet; nothing being down stops it. */
export function createService (
  settings: ServiceSettings,
  log: Log,
  { clock = systemClock, state = () => 'serving', stdout, ...waits }: Seams = {}
): Service {
  const { cache, tls } = settings
  const { maxEntries, staleIfErrorMs: staleMs } = cache
  const memory = createMemoryCache({ maxEntries, maxBytes: resolutionBytes(settings), clock, staleMs })
  let life = tls === undefined ? undefined : certificateLife(tls.cert)
  // a scrape comes later than the parts, which need the metrics themselves
  const metrics = createMetrics(settings.version, gaugesOf(settings, memory, () => parts, () => life, clock))
  const unfinished = createUnfinished(settings.listeners.unfinishedBytes, tellEnded(log))
  const parts = openParts(settings, { memory, metrics, log, clock, state, stdout, unfinished, ...waits })
  const { authgear, revocations, shared } = parts
  const failed = logFailed(log)
  const sweeping = setInterval(memory.sweep, SWEEP_INTERVAL_MS).unref()
  return Object.freeze({
    ...buildListeners(settings, { ...parts, metrics, log, clock, unfinished }),
    metrics,
    profiles: parts.profiles,
    revocations: purgesOf(settings, parts, log),
    redisState: () =>
      shared.redis === undefined ? 'none' : shared.redis.connection.isUp() && revocations.isFollowing() ? 'up' : 'down',
    logFollowed: () =>
      untilLogFollowed({ isFollowing: revocations.isFollowing, isRedisDown: shared.isDown }),
    partsReady: () => allReady(parts.opened),
    documents: documentsOf(parts.opened),
    management: managementOf(parts.opened),
    unexpectedError: reporting(log).unexpectedError,
    authgearState: () => parts.self().authgear,
    authgearQueue: authgear.queue,
    certificateRenewed: (renewed: CertificateLife) => { life = renewed },
    reopen: () => tellEach(parts.opened, failed, ({ reopen }) => reopen?.()),
    leave: () => tellEach(parts.opened, failed, ({ leave }) => leave?.()),
    close: async () => {
      clearInterval(sweeping)
      await closeParts(parts)
    }
  })
}

/** Undefined without MANAGEMENT_TOKEN. */
function purgesOf (
  { managementToken: token }: ServiceSettings,
  { handlerDeps: { keyer, cookieNames }, revocations }: Parts,
  log: Log
): RevocationsDeps | undefined {
  return token === undefined ? undefined : { token, keyer, cookieNames, revocations, log }
}

/** Read at each scrape, and by whatever shows how things are. */
function gaugesOf (
  settings: ServiceSettings,
  memory: MemoryCache,
  parts: () => Parts,
  certificate: () => CertificateLife | undefined,
  clock: Clock
): Gauges {
  const { redis, cache, tls } = settings
  return {
    resolver: () => ({ ...parts().authgear.resolver.state(), ...parts().authgear.queue() }),
    clockAheadMs: () => parts().authgear.clockAheadMs(),
    cacheEntries: memory.size,
    cacheBytes: memory.bytes,
    cacheMaxBytes: () => cache.maxBytes,
    redis: redis === undefined ? undefined : redisGauges(parts),
    parts: () => numbersOf(parts().opened),
    certificate: tls === undefined ? undefined : certificateGauges(certificate, clock)
  }
}

function redisGauges (parts: () => Parts): Gauges['redis'] {
  return {
    isUp: () => parts().shared.redis?.connection.isUp() === true,
    isFollowed: () => parts().revocations.isFollowing(),
    entries: () => parts().logEntries()
  }
}

function certificateGauges (life: () => CertificateLife | undefined, clock: Clock): Gauges['certificate'] {
  return {
    expiry: () => (life()?.to ?? 0) / 1000,
    stage: () => {
      const now = life()
      return now && certificateStage(now, clock.wall())
    }
  }
}

/** A start waits no longer for the revocation log. */
const FOLLOW_WITHIN_MS = 2000

export type LogFollowedDeps = Readonly<{
  isFollowing: () => boolean
  /** True if a connection has failed: Redis being down is no reason to wait. */
  isRedisDown: () => boolean
}> & Waiting

/**
 * Resolves when the revocations are followed, cannot be, or are not within two seconds: an answer from before their
 * first read is forgotten with it, and would be asked for twice.
 */
export function untilLogFollowed ({ isFollowing, isRedisDown, ...waiting }: LogFollowedDeps): Promise<void> {
  return waitUntil(() => isFollowing() || isRedisDown(), FOLLOW_WITHIN_MS, waiting)
}
