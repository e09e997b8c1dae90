import { createCanary, type CanaryReading } from '../../../cache/canary.ts'
import { createSealer } from '../../../cache/sealing.ts'
import { deriveKeys, secretBytes } from '../../../core/cache-key.ts'
import { canaryKey, logKey } from '../../../redis/names.ts'
import { found } from '../finding.ts'
import { looked, skipped, type Outcome, type Probe } from '../probe.ts'

export const cacheSecret: Probe = {
  title: 'replicas have the same CACHE_SECRET',
  needs: 'redis',
  async run ({ redis, config }) {
    if (redis === undefined || config.redis === undefined) return looked()
    const name = canaryKey(logKey(config.redis.keyPrefix, config.authgear.endpoint.origin))
    const sealer = createSealer(deriveKeys(secretBytes(config.cache.secret)).sealing)
    return judgeCanary(await createCanary({ commands: redis.connection.commands, sealer, name }).read())
  }
}

export function judgeCanary (reading: CanaryReading): Outcome {
  switch (reading) {
    case 'ours': return looked()
    case 'foreign': return looked(found('cache-secret', 'what a running replica sealed does not open with this CACHE_SECRET'))
    case 'none': return skipped('no replica has run within the last three minutes')
    case 'unreachable': return skipped('Redis did not answer')
  }
}
