import { createTokens } from '../../../authgear/admin-api/token.ts'
import { labelOf } from '../../../authgear/audit-log/activity-types.ts'
import { type AuditClient, createAuditClient } from '../../../authgear/audit-log/client.ts'
import { AuditError } from '../../../authgear/audit-log/errors.ts'
import { comesWithWebhook } from '../../../authgear/untold-changes.ts'
import { webhookSecretId } from '../../../request/http/webhook.ts'
import { WEBHOOK_KNOWN_MS } from '../../../shared/redis/keys.ts'
import { type Finding, found } from '../catalogue.ts'
import { type Context, looked, type Probe, skipped } from '../check.ts'
import { maxEntries } from '../../../shared/revocation/budget.ts'
import { createRedisLogStore } from '../../../shared/revocation/redis-store.ts'
import type { Snapshot } from '../../../shared/revocation/store.ts'
import { FIRST_ID } from '../../../shared/revocation/types.ts'
import { logRetentionOf } from '../../../service/settings.ts'

/** A replica leaves a trace in Redis of the newest signed webhook, with an id of the secret that signed it. */
export const webhook: Probe = {
  title: 'a webhook has arrived, signed with this secret',
  needs: 'redis',
  async run ({ redis, config: { audit, authgear: { webhookSecret, previousWebhookSecret } } }) {
    if (webhookSecret === undefined) return skipped('there is no AUTHGEAR_WEBHOOK_SECRET')
    if (redis === undefined) return skipped('without Redis nothing remembers one')
    const seen = await redis.connection.commands.getBuffer(redis.keys.webhookSeen).catch(() => undefined)
    if (seen === undefined) return skipped('Redis did not answer')
    if (seen === null && audit !== undefined) return skipped('none came: the next check asks whether one should have')
    const secrets = [webhookSecret, previousWebhookSecret].filter((secret) => secret !== undefined)
    return looked(judgeWebhook(seen?.toString(), secrets.map(webhookSecretId)))
  }
}

/** @param signer the id of the secret that signed the newest; undefined where none came */
function judgeWebhook (signer: string | undefined, ours: readonly string[]): Finding | undefined {
  if (signer === undefined) return found('webhook-unseen', 'no replica has taken a signed webhook within 30 days')
  return ours.includes(signer)
    ? undefined
    : found('webhook-secret', 'the newest webhook that a replica took was signed with another secret')
}

/** The trace is renewed once a minute at most, and the clocks of Authgear and of this machine differ. */
const MARGIN_MS = 2 * 60_000

/** Authgear says in its own log alone that it does not call us: its audit log shows what a webhook would have told. */
export const webhookSilent: Probe = {
  title: 'webhooks come when users change',
  needs: 'redis',
  async run (context) {
    const { config: { audit, authgear: { webhookSecret } }, redis, clock } = context
    if (webhookSecret === undefined) return skipped('there is no AUTHGEAR_WEBHOOK_SECRET')
    if (audit === undefined) return skipped('only the audit log tells that users changed: AUTHGEAR_ADMIN_API_URL')
    if (redis === undefined) return skipped('without Redis nothing remembers a webhook')
    const leftMs = await redis.connection.commands.pttl(redis.keys.webhookSeen).catch(() => undefined)
    if (leftMs === undefined) return skipped('Redis did not answer')
    const silence = silenceOf(leftMs)
    const now = clock.wall()
    const changes = await readAudit(context, audit, (client) => countChanges(client, now - silence.ms, now))
    return changes instanceof AuditError
      ? skipped('the audit log cannot be read')
      : looked(judgeSilence(silence, changes))
  }
}

type Silence = Readonly<{ ms: number, hasCome: boolean }>

/** @param leftMs what PTTL says of the newest webhook's trace: negative where there is none */
function silenceOf (leftMs: number): Silence {
  return leftMs < 0 ? { ms: WEBHOOK_KNOWN_MS, hasCome: false } : { ms: WEBHOOK_KNOWN_MS - leftMs, hasCome: true }
}

/** @param changes of users since then, that come by webhook too */
function judgeSilence ({ ms, hasCome }: Silence, changes: number): Finding | undefined {
  if (changes === 0) return undefined
  const days = Math.floor(ms / 86_400_000)
  const since = !hasCome ? `for ${days} days at least` : days > 0 ? `for ${days} days` : 'since the newest one'
  const many = changes === 1 ? 'a change' : `${changes} changes`
  return found('webhook-silent', `no webhook has come ${since}, and the audit log has ${many} of users since`)
}

/** @returns how many, as far as a webhook tells of their kind */
async function countChanges (client: AuditClient, sinceMs: number, nowMs: number): Promise<number> {
  const [from, to] = [sinceMs + MARGIN_MS, nowMs - MARGIN_MS].map((ms) => Math.floor(ms / 1000))
  if (from === undefined || to === undefined || from >= to) return 0
  const types = (await client.types()).filter((type) => comesWithWebhook(labelOf(type)))
  return types.length === 0 ? 0 : (await client.page({ from, to, types }, 1)).total
}

export const audit: Probe = {
  title: "Authgear's audit log can be read",
  async run (context) {
    const { audit } = context.config
    if (audit === undefined) return skipped('it is not followed: AUTHGEAR_ADMIN_API_URL')
    // an empty log is one too
    const all = { from: undefined, to: undefined, types: [] }
    const read = await readAudit(context, audit, (client) => client.page(all, 1))
    return looked(read instanceof AuditError ? found('audit-log', `${read.kind}: ${read.message}`) : undefined)
  }
}

/** As the follower reads it. @returns the error where it cannot be read */
async function readAudit<T> (
  { config: { authgear }, clock }: Context,
  { url, key, appId }: NonNullable<Context['config']['audit']>,
  read: (client: AuditClient) => Promise<T>
): Promise<T | AuditError> {
  const token = createTokens(key, appId, clock)
  const client = createAuditClient({ url, endpoint: authgear.endpoint, ca: authgear.ca, token, clock })
  try {
    return await read(client)
  } catch (error) {
    if (error instanceof AuditError) return error
    throw error
  } finally {
    await client.close()
  }
}

export const revocationLog: Probe = {
  title: 'the revocation log is no longer than it has to be',
  needs: 'redis',
  async run ({ redis, config }) {
    if (redis === undefined) return skipped('there is no Redis')
    const store = createRedisLogStore({ ...await redis.log(), keyPrefix: redis.keys.log })
    const snapshot = await store.snapshot(FIRST_ID, 1).catch(() => undefined)
    if (snapshot === undefined) return skipped('its user may not read it')
    return looked(judgeLog(snapshot, logRetentionOf(config)))
  }
}

/** Entries that are never trimmed, and as many as may come between two trims. */
const UNTRIMMED = 2000
/** Milliseconds that an entry may be older than the retention: replicas trim every ten seconds. */
const GRACE_MS = 60_000

type Seen = Pick<Snapshot, 'entries' | 'length' | 'now'>

/** @param retentionMs for which an entry has to be kept */
export function judgeLog ({ entries, length, now }: Seen, retentionMs: number): Finding | undefined {
  const most = maxEntries(retentionMs)
  if (length > most) return found('redis-log-long', `it holds ${length} entries, and may hold ${most}`)
  const ageMs = now - Number(entries[0]?.[0].split('-')[0] ?? now)
  if (length <= UNTRIMMED || ageMs <= retentionMs + GRACE_MS) return undefined
  const minutes = Math.round(ageMs / 60_000)
  return found('redis-log-long', `it holds ${length} entries, the oldest ${minutes} minutes old, and nobody trims it`)
}
