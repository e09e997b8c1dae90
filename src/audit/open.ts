import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { RedisCommands } from '../redis/commands.ts'
import type { RevocationLog } from '../revocation/log.ts'
import { AuditError } from './audit-error.ts'
import { createAuditClient } from './client.ts'
import { createFollower } from './follower.ts'
import { createLeadership } from './leadership.ts'
import { createMemoryStore } from './memory-store.ts'
import type { AuditObserver } from './observer.ts'
import { createRedisStore } from './redis-store.ts'
import type { SessionDigest } from './revocations.ts'
import { runAudit, type Running } from './run.ts'
import type { AuditStore } from './store.ts'
import { tell } from './tell.ts'
import { createTokens, type AdminKey } from './token.ts'

export type AuditSettings = Readonly<{
  url: string
  key: AdminKey
  appId: string
  pollMs: number
}>

export type AuditDeps = Readonly<{
  endpoint: Readonly<{ host: string, scheme: 'http' | 'https' }>
  ca: string | undefined
  /** Undefined without Redis: the only replica leads. */
  shared: Readonly<{ commands: RedisCommands, keyPrefix: string }> | undefined
  revocations: RevocationLog
  sessionDigest: SessionDigest
  /** Milliseconds for which anything is remembered. */
  lifetimeMs: number
  clock: Clock
  metrics: AuditObserver
  log: Log
}>

/** Milliseconds. */
const OVERLAP = 10_000
/** Polls: a lease lives for two, so that another replica polls within three. */
const LEASE_POLLS = 2
const OVERLAP_POLLS = 3

/** Follows Authgear's audit log in the background; nothing being down stops it. */
export function openAudit ({ url, key, appId, pollMs }: AuditSettings, { endpoint, ca, shared, clock, metrics, log, ...rest }: AuditDeps): Running {
  const observer = tell(log, metrics)
  const leaseMs = LEASE_POLLS * pollMs
  const store = withOwnErrors(shared === undefined ? createMemoryStore(clock) : createRedisStore({ ...shared, leaseMs }))
  const leadership = createLeadership(store, leaseMs, clock)
  const client = createAuditClient({ url, endpoint, ca, token: createTokens(key, appId, clock), clock })
  const follower = createFollower({ ...rest, client, store, reign: leadership.reign, clock, observer, overlapMs: Math.max(OVERLAP, OVERLAP_POLLS * pollMs) })
  const running = runAudit({ leadership, follower, pollMs, clock, observer })
  return Object.freeze({ ...running, close: async () => { await Promise.all([running.close(), client.close()]) } })
}

function withOwnErrors (store: AuditStore): AuditStore {
  const own = (cause: unknown): never => { throw new AuditError('redis', cause) }
  return Object.freeze({
    hold: () => store.hold().catch(own),
    release: () => store.release().catch(own),
    load: () => store.load().catch(own),
    save: (position, ageMs) => store.save(position, ageMs).catch(own),
    claimGap: () => store.claimGap().catch(own)
  } satisfies AuditStore)
}
