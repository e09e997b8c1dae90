import type { CountsOf } from '../../base/metrics/table.ts'
import type { ClientJudge } from '../../base/parts/feature.ts'
import type { Given } from '../../base/parts/given.ts'
import { createAuditClient } from './client.ts'
import { AuditError } from './errors.ts'
import { createFollower } from './follower.ts'
import { countedBy, type metricsOf } from './metrics.ts'
import { createMissedWebhooks, type MissedWebhooks } from './missed-webhooks.ts'
import { type AuditObserver, tell } from './observer.ts'
import { runAudit } from './run.ts'
import { type AuditStore, createLeadership, createMemoryStore, createRedisStore } from './store.ts'
import type { AuditLogSettings } from './variables.ts'

const MIN_OVERLAP_MS = 10_000
const OVERLAP_POLLS = 3
/** Polls for which a lease lives, so that another replica polls within three. */
const LEASE_POLLS = 2
/** A busy machine stands still for half a second: a lease that expired meanwhile would end each poll. */
const MIN_LEASE_MS = 2000

type AuditGiven = Given & Readonly<{
  /** Tells who judges clients of one that was deleted. */
  clientDeleted: ClientJudge['deleted']
}>

type Counts = CountsOf<ReturnType<typeof metricsOf>>

/** Follows the audit log in the background; nothing being down stops it. */
export function openAuditLog ({ pollMs, hasWebhook }: AuditLogSettings, given: AuditGiven, count: Counts) {
  const { redis, clock, keyer, openAdminApi } = given
  if (openAdminApi === undefined) throw new Error('no Admin API') // the rules see to it that there is one
  const missed = createMissedWebhooks(clock)
  const observer = observerOf(given, count, missed)
  const leaseMs = Math.max(MIN_LEASE_MS, LEASE_POLLS * pollMs)
  const store = withOwnErrors(redis === undefined ? createMemoryStore(clock) : createRedisStore({ ...redis, leaseMs }))
  const leadership = createLeadership(store, leaseMs, clock)
  const client = createAuditClient({ openAdminApi, clock, deadlineMs: given.queryMs })
  const follower = createFollower({
    client,
    store,
    clock,
    observer,
    revoke: given.revoke,
    clientDeleted: given.clientDeleted,
    sessionDigest: (sessionId) => keyer.revocable().sessionDigest(sessionId),
    leaderTerm: leadership.leaderTerm,
    overlapMs: Math.max(MIN_OVERLAP_MS, OVERLAP_POLLS * pollMs),
    lifetimeMs: given.lifetimeMs
  })
  const running = runAudit({ leadership, follower, pollMs, clock, observer })
  const { isLeader, behindSeconds, unread } = running
  return Object.freeze({
    webhookCame: missed.webhookCame,
    gauges: { leader: () => Number(isLeader()), behind: behindSeconds, unread, untold: missed.count },
    numbers: () => isLeader()
      ? { behindSeconds: behindSeconds(), unread: unread(), ...hasWebhook && { untold: missed.count() } }
      : NO_NUMBERS,
    close: async () => { await Promise.all([running.close(), client.close()]) }
  })
}

const NO_NUMBERS = Object.freeze({})

function observerOf ({ log }: Given, count: Counts, missed: MissedWebhooks): AuditObserver {
  const counted = countedBy(count)
  return tell(log, {
    ...counted,
    read (activity, revocations, second) {
      counted.read(activity, revocations, second)
      missed.read(activity, second)
    }
  })
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
