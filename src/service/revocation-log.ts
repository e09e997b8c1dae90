import type { Clock } from '../clock.ts'
import { describe, type Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { openLogConnections } from '../redis/log-connections.ts'
import { logKey } from '../redis/names.ts'
import { maxEntries } from '../revocation/budget.ts'
import { follow } from '../revocation/follow.ts'
import { createEntryCodec } from '../revocation/log-entry.ts'
import type { LogObserver, RevocationLog } from '../revocation/log.ts'
import { createMemoryLog } from '../revocation/memory-log.ts'
import { openPresence, type Presence } from '../revocation/presence.ts'
import { createRedisLogStore } from '../revocation/redis-log-store.ts'
import { createStreamLog } from '../revocation/stream-log.ts'
import { seldom } from './complaints.ts'
import { retentionOf } from './retention.ts'
import type { ServiceSettings } from './settings.ts'
import type { Shared } from './shared.ts'

const NOT_FOLLOWED = 'the revocation log cannot be followed: memory entries are used for CACHE_DEGRADED_TTL only'
/** Milliseconds. */
const COMPLAIN_EVERY = 60_000

/** `entries`: how many the log holds, and how many it may. */
type Opened = Readonly<{
  revocations: RevocationLog
  close: () => Promise<void>
  entries: () => Readonly<{ now: number, most: number }>
}>
type LogDeps = Readonly<{ metrics: Metrics, log: Log, clock: Clock, forget: () => void }>

/** The log of revocations: a stream that every replica follows, or this one's memory. */
export function openLog (settings: ServiceSettings, authenticationKey: Uint8Array, { metrics, log, clock, forget }: LogDeps): Opened {
  const { redis, authgear } = settings
  const retentionMs = retentionOf(settings)
  let length = 0
  const entries = () => ({ now: length, most: maxEntries(retentionMs) })
  const trouble = (what: string, error?: unknown): void => log.error({ ...(error === undefined ? {} : { error: describe(error) }) }, what)
  const complain = seldom(clock, COMPLAIN_EVERY, () => log.warn('entries of the revocation log are not authentic, or of another CACHE_SECRET: each is read as "everything"'))
  const inauthentic = (): void => { metrics.revocations.inauthentic(); complain() }
  const measured = (now: number): void => { length = now }
  const observer: LogObserver = { ...metrics.revocations, inauthentic, adopted: forget, trouble, length: measured }
  if (redis === undefined) {
    const revocations = createMemoryLog({ clock, retentionMs, observer })
    return { revocations, close: revocations.close, entries }
  }
  const store = createRedisLogStore({ ...openLogConnections(redis), keyPrefix: logKey(redis.keyPrefix, authgear.endpoint.origin) })
  const revocations = createStreamLog({ store, codec: createEntryCodec(authenticationKey), clock, retentionMs, observer })
  const failed = (error: unknown): void => trouble(NOT_FOLLOWED, error)
  return { revocations, entries, close: follow(revocations, store, failed) }
}

/** Says to the others that this replica follows the log, and counts those who do. */
export function openFollowersPresence ({ redis, authgear }: ServiceSettings, { connection, tell }: Shared, revocations: RevocationLog): Presence | undefined {
  if (redis === undefined || connection === undefined) return undefined
  const key = `${logKey(redis.keyPrefix, authgear.endpoint.origin)}:replicas`
  return openPresence({
    announce: (name, windowMs) => connection.commands.announce(key, name, windowMs),
    isFollowing: () => revocations.isFollowing(),
    failed: (error) => tell('announce', error)
  })
}
