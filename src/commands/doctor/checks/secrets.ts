import type { Clock } from '../../../base/clock.ts'
import type { Config } from '../../../base/config/index.ts'
import { deriveKeys, secretBytes } from '../../../base/core/cache-key.ts'
import { createSealer, type Sealer } from '../../../base/crypto/sealing.ts'
import {
  createSecretCheck, REFRESH_INTERVAL_MS, type SecretCheckResult
} from '../../../base/cache/secret-check.ts'
import { webhookSecretId } from '../../../base/http/webhook.ts'
import { logRetentionOf } from '../../../app/settings.ts'
import { type Finding, found } from '../catalogue.ts'
import { type Context, type DoctorRedis, looked, type Outcome, type Probe, skipped } from '../check.ts'

export const cacheSecret: Probe = {
  title: 'replicas have the same CACHE_SECRET',
  needs: 'redis',
  async run ({ redis, config, clock }) {
    return redis === undefined ? looked() : judgeCanary(await readSecretCheck(redis, config, clock))
  }
}

async function readSecretCheck (
  { keys, connection: { commands } }: DoctorRedis,
  { cache }: Config,
  clock: Clock
): Promise<SecretCheckResult> {
  return await createSecretCheck({ commands, ...sealersOf(cache), name: keys.secretCheck, clock }).read()
}

/** The sealers of the values that replicas share. */
export function sealersOf (
  { secret, previousSecret }: Config['cache']
): Readonly<{ sealer: Sealer, previous: Sealer | undefined }> {
  const sealerOf = (text: string | undefined): Sealer => createSealer(deriveKeys(secretBytes(text)).sealing)
  return { sealer: sealerOf(secret), previous: previousSecret === undefined ? undefined : sealerOf(previousSecret) }
}

function judgeCanary (reading: SecretCheckResult): Outcome {
  switch (reading.kind) {
    case 'current':
    case 'previous':
      return looked()
    case 'foreign':
      return looked(found('cache-secret', 'what a running replica sealed does not open with this CACHE_SECRET'))
    case 'none':
      return skipped('no replica has run within the last three minutes')
    case 'unreachable':
      return skipped('Redis did not answer')
  }
}

/** Says of each X_PREVIOUS whether it is still needed. */
export const rotation: Probe = {
  title: 'no secret is left over from a rotation',
  async run (context) {
    const { authgear: { previousWebhookSecret }, cache: { previousSecret } } = context.config
    if (previousWebhookSecret === undefined && previousSecret === undefined) return skipped('no X_PREVIOUS is set')
    return looked(
      previousSecret === undefined ? undefined : await findCacheRotation(context),
      previousWebhookSecret === undefined ? undefined : await findWebhookRotation(context)
    )
  }
}

async function findCacheRotation ({ redis, config, clock }: Context): Promise<Finding | undefined> {
  if (redis === undefined) return undefined
  return judgeCacheRotation(await readSecretCheck(redis, config, clock), clock.wall(), logRetentionOf(config))
}

/** @param retentionMs how long revocations under the previous secret may matter; entries live shorter */
export function judgeCacheRotation (seen: SecretCheckResult, now: number, retentionMs: number): Finding | undefined {
  switch (seen.kind) {
    case 'previous':
      return found('rotation', 'replicas write under CACHE_SECRET_PREVIOUS: within five minutes one had no other')
    case 'current': {
      // another replica learns of it one interval later
      const leftMs = seen.since + REFRESH_INTERVAL_MS + retentionMs - now
      return leftMs > 0
        ? found('rotation', `CACHE_SECRET_PREVIOUS is needed for ${Math.ceil(leftMs / 1000)} s more`)
        : found('rotation-over', 'nothing that lives was made under CACHE_SECRET_PREVIOUS')
    }
    case 'none':
      return found('rotation', 'no replica says yet under which CACHE_SECRET the fleet writes')
    case 'foreign':
    case 'unreachable':
      return undefined // has its own check
  }
}

async function findWebhookRotation ({ redis, config: { authgear } }: Context): Promise<Finding | undefined> {
  const seen = await redis?.connection.commands.getBuffer(redis.keys.webhookSeen).catch(() => null)
  const { webhookSecret = '' } = authgear
  return judgeWebhookRotation(seen?.toString() === webhookSecretId(webhookSecret))
}

/** @param isNewUsed whether the newest webhook was signed with AUTHGEAR_WEBHOOK_SECRET */
export function judgeWebhookRotation (isNewUsed: boolean): Finding {
  return isNewUsed
    ? found('rotation-over', 'AUTHGEAR_WEBHOOK_SECRET_PREVIOUS: Authgear signed its newest webhook with the new secret')
    : found('rotation', 'AUTHGEAR_WEBHOOK_SECRET_PREVIOUS: Authgear has signed no webhook with the new secret yet')
}
