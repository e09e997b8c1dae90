import { maxEntries } from '../../../revocation/budget.ts'
import { createRedisLogStore } from '../../../revocation/redis-store.ts'
import type { Snapshot } from '../../../revocation/store.ts'
import { FIRST_ID } from '../../../revocation/types.ts'
import { logRetentionOf } from '../../../service/settings.ts'
import { found, type Finding } from '../catalogue.ts'
import { looked, skipped, type Probe } from '../check.ts'

export const revocationLog: Probe = {
  title: 'the revocation log is no longer than what it has to keep',
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
