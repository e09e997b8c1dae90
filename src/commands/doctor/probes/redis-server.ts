import { found, type Finding } from '../finding.ts'
import { looked, skipped, type Probe } from '../probe.ts'

export const redisServer: Probe = {
  title: 'Redis keeps the revocation log',
  needs: 'redis',
  async run ({ redis, config }) {
    const info = await redis?.info().catch(() => undefined)
    return info === undefined ? skipped('its user may not INFO') : looked(...judgeServer(info, config.redis?.servers.kind === 'one'))
  }
}

/** @param info INFO; without a limit nothing is evicted */
export function judgeServer (info: string, isSingle: boolean): readonly (Finding | undefined)[] {
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
  const policy = field('maxmemory_policy')
  return [
    policy.startsWith('allkeys-') && field('maxmemory') !== '0' ? found('redis-evicts', `maxmemory-policy is ${policy}`) : undefined,
    isSingle && field('redis_mode') === 'cluster' ? found('redis-form', 'this server is a node of a Cluster') : undefined
  ]
}
