import type { RedisServers, RedisSettings } from '../../src/base/redis/options.ts'

/** Where a test's Redis is: a port of this machine, or servers in one of the three forms. */
export type RedisPlace = number | RedisServers

export function settingsFor (place: RedisPlace, some: Partial<RedisSettings> = {}): RedisSettings {
  const servers: RedisServers =
    typeof place === 'number' ? { kind: 'one', host: '127.0.0.1', port: place, db: 0 } : place
  return { servers, username: undefined, password: undefined, tls: undefined, timeoutMs: 30_000, ...some }
}
