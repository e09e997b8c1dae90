import { webhookSecretId } from '../../../base/http/webhook.ts'
import { type Finding, found } from '../catalogue.ts'
import { looked, type Probe, skipped } from '../check.ts'
import { maxEntries } from '../../../base/revocation/budget.ts'
import { createRedisLogStore } from '../../../base/revocation/redis-store.ts'
import type { Snapshot } from '../../../base/revocation/store.ts'
import { FIRST_ID } from '../../../base/revocation/types.ts'
import { logRetentionOf } from '../../../app/settings.ts'

/** A replica leaves a trace in Redis of the newest signed webhook, with an id of the secret that signed it. */
export const webhook: Probe = {
  title: 'a webhook has arrived, signed with this secret',
  needs: 'redis',
  async run ({ redis, config: { adminApi, authgear: { webhookSecret, previousWebhookSecret } } }) {
    if (webhookSecret === undefined) return skipped('there is no AUTHGEAR_WEBHOOK_SECRET')
    if (redis === undefined) return skipped('without Redis nothing remembers one')
    const seen = await redis.connection.commands.getBuffer(redis.keys.webhookSeen).catch(() => undefined)
    if (seen === undefined) return skipped('Redis did not answer')
    if (seen === null && adminApi !== undefined) return skipped('none came: another check asks whether one should have')
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
