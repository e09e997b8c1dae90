import { logKey, webhookKey } from '../../../redis/names.ts'
import { found } from '../finding.ts'
import { looked, skipped, type Probe } from '../probe.ts'

/** A replica leaves a trace in Redis of the newest signed webhook. */
export const webhook: Probe = {
  title: 'a webhook has arrived',
  needs: 'redis',
  async run ({ redis, config }) {
    if (config.authgear.webhookSecret === undefined) return skipped('there is no AUTHGEAR_WEBHOOK_SECRET')
    if (redis === undefined || config.redis === undefined) return skipped('without Redis nothing remembers one')
    const seen = await redis.connection.commands.pttl(webhookKey(logKey(config.redis.keyPrefix, config.authgear.endpoint.origin))).catch(() => undefined)
    if (seen === undefined) return skipped('Redis did not answer')
    return seen > 0 ? looked() : looked(found('webhook-unseen', 'no replica has taken a signed webhook within 30 days'))
  }
}
