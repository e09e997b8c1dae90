import { found, type Finding } from '../finding.ts'
import { looked, skipped, type Probe } from '../probe.ts'

/** Authgear tells nobody what its idle time-out is: whoever runs the project has to. */
export const idleTimeout: Probe = {
  title: 'CACHE_TTL is below Authgear\'s idle time-out',
  run: async ({ options: { idleTimeoutMs }, config: { cache } }) => idleTimeoutMs === undefined
    ? skipped('Authgear does not say what it is: --idle-timeout (30 days unless the project changed it)')
    : looked(judgeIdleTimeout(idleTimeoutMs, cache.ttlMs))
}

export function judgeIdleTimeout (idleTimeoutMs: number, ttlMs: number): Finding | undefined {
  return idleTimeoutMs > ttlMs ? undefined : found('idle-timeout', `the idle time-out is ${idleTimeoutMs / 1000} s, and CACHE_TTL ${ttlMs / 1000} s`)
}
