import { openAudit } from '../audit/open.ts'
import type { Running } from '../audit/run.ts'
import type { Clock } from '../clock.ts'
import type { Keyer } from '../core/cache-key.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { RedisConnection } from '../redis/connection.ts'
import { logKey, webhookKey } from '../redis/names.ts'
import type { RevocationLog } from '../revocation/log.ts'
import { createSampling } from '../routes/sampling.ts'
import { createWebhook, type Webhook, type WebhookDeps } from '../routes/webhook.ts'
import { seldom } from './complaints.ts'
import type { ServiceSettings } from './settings.ts'

/** Milliseconds for which a signed webhook is known to have come, and within which it is noted once. */
const WEBHOOK_KNOWN_FOR = 30 * 86_400_000
const WEBHOOK_NOTED_EVERY = 60_000

type SourceDeps = Readonly<{ revocations: RevocationLog, connection: RedisConnection | undefined, log: Log, clock: Clock }>
type FollowerDeps = SourceDeps & Readonly<{ metrics: Metrics, keyer: Keyer }>

/** Where Authgear's audit log tells of revocations, read by one replica for all. */
export function openFollower ({ audit, authgear, cache, redis }: ServiceSettings, { metrics, log, clock, keyer, revocations, connection }: FollowerDeps): Running | undefined {
  if (audit === undefined) return undefined
  return openAudit(audit, {
    endpoint: authgear.endpoint,
    ca: authgear.ca,
    shared: redis === undefined || connection === undefined ? undefined : { commands: connection.commands, keyPrefix: logKey(redis.keyPrefix, authgear.endpoint.origin) },
    revocations,
    sessionDigest: keyer.sessionDigest,
    lifetimeMs: cache.ttlMs + cache.staleIfErrorMs,
    clock,
    metrics: metrics.audit,
    log
  })
}

/** About webhooks that nobody signed. */
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

/** Where Authgear's webhooks tell of them. */
export function webhookOf ({ authgear, redis }: ServiceSettings, { revocations, connection, log, clock }: SourceDeps): Webhook | undefined {
  const { webhookSecret: secret, appId } = authgear
  if (secret === undefined) return undefined
  const report = createWebhookReport(log, clock)
  const name = webhookKey(logKey(redis?.keyPrefix ?? '', authgear.endpoint.origin))
  const note = seldom(clock, WEBHOOK_NOTED_EVERY, () => { connection?.commands.setPx(name, Buffer.of(), WEBHOOK_KNOWN_FOR).catch(() => {}) })
  return createWebhook({ secret, appId, log: revocations, clock, report, signed: note })
}
