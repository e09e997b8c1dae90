import { RedisTooSlow } from '../../../errors.ts'
import { logKey, trialKey } from '../../../redis/names.ts'
import { found, type Finding } from '../finding.ts'
import { looked, type Probe } from '../probe.ts'

/** Questions, one after the other. */
const ROUNDS = 20

export const redisLatency: Probe = {
  title: 'Redis answers in time',
  needs: 'redis',
  async run ({ redis, config, clock }) {
    if (redis === undefined || config.redis === undefined) return looked()
    const key = trialKey(logKey(config.redis.keyPrefix, config.authgear.endpoint.origin))
    const took: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const began = clock.monotonic()
      const isLate = await redis.connection.commands.pttl(key).then(() => false, (error: unknown) => error instanceof RedisTooSlow)
      // a timer may be early by a fraction of a millisecond
      took.push(Math.max(clock.monotonic() - began, isLate ? config.redis.timeoutMs : 0))
    }
    return looked(judgeLatency(took, config.redis.timeoutMs))
  }
}

/** @param took milliseconds each */
export function judgeLatency (took: readonly number[], limitMs: number): Finding | undefined {
  const median = [...took].sort((a, b) => a - b)[Math.floor(took.length / 2)] ?? 0
  if (median < limitMs / 2) return undefined
  const what = `${median.toFixed(1)} ms at the median of ${took.length}, and REDIS_TIMEOUT is ${limitMs} ms`
  return found(median < limitMs ? 'redis-slow' : 'redis-too-slow', what)
}
