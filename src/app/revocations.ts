import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../base/clock.ts'
import { ledgerNames } from '../base/core/memory-budget.ts'
import { type RedisKeys, WEBHOOK_KNOWN_MS } from '../base/redis/keys.ts'
import { createSampling } from '../base/http/access-log.ts'
import { createWebhook, type Webhook, type WebhookDeps, webhookSecretId } from '../base/http/webhook.ts'
import { describe, type Log } from '../base/logging/log.ts'
import type { Metrics } from '../base/metrics/metrics.ts'
import type { RedisConnection } from '../base/redis/connection.ts'
import { openLogConnections } from '../base/redis/log-connections.ts'
import { maxEntries } from '../base/revocation/budget.ts'
import type { EntryCodec } from '../base/revocation/codec.ts'
import { follow } from '../base/revocation/follow.ts'
import { createMemoryLog } from '../base/revocation/memory-log.ts'
import { createRedisLogStore } from '../base/revocation/redis-store.ts'
import { createStreamLog } from '../base/revocation/stream-log.ts'
import { HEARTBEAT_MS, TokenLedger } from '../base/revocation/token-ledger.ts'
import type { LogObserver, LogReader, RevocationLog } from '../base/revocation/types.ts'
import { logRetentionOf, retentionOf, type ServiceSettings, tokenMaxAgeOf } from './settings.ts'
import { onceAMinute, type Waiting, waitUntil } from '../base/timing.ts'

type SourceDeps = Readonly<{
  keys: RedisKeys
  revocations: RevocationLog
  connection: RedisConnection | undefined
  log: Log
  clock: Clock
  webhookCame: () => void
}>
/** Bound of the lines about unsigned webhooks. */
const UNSIGNED_LINES_PER_SECOND = 10

/** A flood of strangers' webhooks is sampled; each signed one that cannot be taken has its line. */
function createWebhookReport (log: Log, clock: Clock): WebhookDeps['report'] {
  const sampling = createSampling(UNSIGNED_LINES_PER_SECOND, clock.monotonic)
  return (context, status, what, isSigned) => {
    if (status === 204) return log.debug({ ...context, status, what }, 'webhook')
    const leftOut = isSigned ? 0 : sampling()
    if (leftOut !== undefined) log.warn({ ...context, status, what, ...(leftOut === 0 ? {} : { leftOut }) }, 'webhook')
  }
}

/** Reads revocations from Authgear's webhooks. */
export function webhookOf (
  { authgear }: ServiceSettings,
  { keys, revocations, connection, log, clock, metrics, webhookCame }: SourceDeps & Readonly<{ metrics: Metrics }>
): Webhook | undefined {
  const { webhookSecret, previousWebhookSecret, appId } = authgear
  if (webhookSecret === undefined) return undefined
  const secrets = [webhookSecret, ...(previousWebhookSecret === undefined ? [] : [previousWebhookSecret])]
  const report = createWebhookReport(log, clock)
  const note = (secretId: string): void => {
    connection?.commands.setPx(keys.webhookSeen, Buffer.from(secretId), WEBHOOK_KNOWN_MS).catch(() => {})
  }
  const notes = secrets.map(webhookSecretId).map((id) =>
    [id, onceAMinute(clock, () => note(id))] as const)
  const signed = (secretId: string): void => {
    webhookCame()
    new Map(notes).get(secretId)?.()
  }
  return createWebhook({ secrets, appId, log: revocations, clock, report, signed, refused: metrics.webhookRefused })
}

const NOT_FOLLOWED = 'the revocation log is unavailable: entries in memory are used for CACHE_DEGRADED_TTL only'
const FORGED = 'the revocation log has forged entries: each one revokes everything'
const FOREIGN =
  'the revocation log has entries of another CACHE_SECRET: each one that names no user revokes everything'

/** `entries`: how many revocations are kept, and how many may be. */
export type OpenedLog = Readonly<{
  revocations: RevocationLog
  close: () => Promise<void>
  entries: () => Readonly<{ now: number, most: number }>
}>
type LogDeps = Readonly<{
  metrics: Metrics
  log: Log
  clock: Clock
  keys: RedisKeys
  webhookCame: () => void
  forget: () => void
  reader: LogReader
}>

/** The log of revocations: a stream that every replica follows, or this one's memory. */
export function openLog (settings: ServiceSettings, codec: EntryCodec, deps: LogDeps): OpenedLog {
  const { redis } = settings
  const { clock, keys } = deps
  const [retentionMs, sessionRetentionMs] = [logRetentionOf(settings), retentionOf(settings)]
  const maxNames = ledgerNames(getHeapStatistics().heap_size_limit)
  const tokens = tokenLedgerOf(settings, clock, maxNames)
  let length = 0
  const entries = () => ({ now: length, most: maxEntries(retentionMs) })
  const observer: LogObserver = { ...observerOf(deps), length: (now) => { length = now } }
  if (redis === undefined) {
    const revocations = createMemoryLog({ clock, retentionMs, observer, maxNames, tokens })
    return { revocations, close: revocations.close, entries }
  }
  const store = createRedisLogStore({ ...openLogConnections(redis), keyPrefix: keys.log })
  const revocations = createStreamLog({
    store, codec, clock, retentionMs, sessionRetentionMs, tokens, observer, maxNames
  })
  const heartbeat = tokens === undefined ? undefined : setInterval(() => tokens.ran(), HEARTBEAT_MS).unref()
  const unfollow = follow(revocations, store, (error) => observer.trouble(NOT_FOLLOWED, error))
  return { revocations, entries, close: async () => { clearInterval(heartbeat); await unfollow() } }
}

function observerOf (
  { metrics: { revocations: counted }, log, clock, webhookCame, forget, reader }: LogDeps
): Omit<LogObserver, 'length'> {
  const warnForged = onceAMinute(clock, () => log.warn(FORGED))
  const warnForeign = onceAMinute(clock, () => log.warn(FOREIGN))
  return {
    ...counted,
    reader,
    revoked: (origin) => {
      counted.revoked(origin)
      if (origin === 'webhook') webhookCame() // another replica may have taken it
    },
    inauthentic: () => { counted.inauthentic(); warnForged() },
    foreign: () => { counted.foreign(); warnForeign() },
    adopted: forget,
    trouble: (what, error) => log.error({ ...(error === undefined ? {} : { error: describe(error) }) }, what)
  }
}

function tokenLedgerOf (
  { parts, cache }: ServiceSettings,
  clock: Clock,
  maxNames: number
): TokenLedger | undefined {
  const maxAgeMs = tokenMaxAgeOf({ parts })
  if (maxAgeMs === undefined) return undefined
  return new TokenLedger({ clock, maxAgeMs, degradedMs: cache.degradedTtlMs, maxNames })
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
