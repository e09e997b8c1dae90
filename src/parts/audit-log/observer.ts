import { describe, type Log } from '../../base/logging/log.ts'
import type { Second } from './entry.ts'
import type { AuditErrorKind } from './errors.ts'

export const POLL_OUTCOMES = ['ok', 'pending', 'error', 'lost_lease'] as const
/** `pending`: the revocation log did not take all of it, so that it is read again. */
export type PollOutcome = (typeof POLL_OUTCOMES)[number]
export const GAP_OUTCOMES = ['everything', 'expired', 'suppressed', 'redis'] as const
/** The end of a gap in which entries may have been lost; `redis`: nobody read, and nothing can have been lost. */
type GapOutcome = (typeof GAP_OUTCOMES)[number]

/**
 * `activity` is a type of the table, or `unknown`; `gap` and `overflow` where everything is revoked for want of
 * entries.
 */
export type AuditObserver = Readonly<{
  polled: (outcome: PollOutcome) => void
  failed: (kind: AuditErrorKind, error: unknown) => void
  /** An entry was read for the first time, and led to so many revocations; `second` is when Authgear wrote it. */
  read: (activity: string, revocations: number, second: Second) => void
  /** An entry has had its effect: seconds since Authgear dated it, by its own clock. */
  applied: (lagSeconds: number) => void
  gap: (outcome: GapOutcome) => void
  overflow: () => void
  /** So many entries of types that nobody knows were left out of a poll. */
  unread: (entries: number, types: readonly string[]) => void
  leading: (isLeader: boolean) => void
}>

const GAPS = {
  everything: 'audit log entries may have been missed: the cache is discarded, at most once in ten minutes',
  suppressed:
    'audit log entries may have been missed again within ten minutes: their revocations take effect after CACHE_TTL',
  expired: 'audit log entries may have been missed; every session that they could name has expired meanwhile',
  redis:
    'Redis did not answer in time, so that no replica could read the audit log: it goes on from where it ' +
      'was, and nothing is lost'
} as const

const SLOW_LEASE = 'Redis or this machine was too slow to renew the lease on the audit log: the poll ended there'
const UNREADABLE = 'the audit log cannot be read: until then, sign-outs take effect after CACHE_TTL'
const OVERFLOW =
  'more entries of one type in one second than Authgear shows: everything remembered is void, once in ten seconds ' +
    'at most'
const UNREAD =
  'more entries of types that this version does not know than one answer shows: the newest hundred are read, the ' +
    'others revoke nobody. Update this service'

/** Writes the log's lines beside the metrics: each kind of error once until a poll succeeds, each change of leader. */
export function tell (log: Log, metrics: AuditObserver): AuditObserver {
  const told = new Set<AuditErrorKind>()
  const toldTypes = new Set<string>()
  return Object.freeze({
    ...metrics,
    polled (outcome) {
      metrics.polled(outcome)
      if (outcome === 'lost_lease') log.warn(SLOW_LEASE)
      if (outcome !== 'ok' || told.size === 0) return
      told.clear()
      log.info('the audit log is read again')
    },
    failed (kind, error) {
      metrics.failed(kind, error)
      if (kind === 'redis' || told.has(kind)) return // its connection reports that Redis is down
      told.add(kind)
      log.warn({ kind, error: describe(error) }, UNREADABLE)
    },
    gap (outcome) {
      metrics.gap(outcome)
      log.warn(GAPS[outcome])
    },
    overflow () {
      metrics.overflow()
      log.warn(OVERFLOW)
    },
    unread (entries, types) {
      metrics.unread(entries, types)
      if (toldTypes.has(types.join())) return
      toldTypes.add(types.join())
      log.warn({ entries, types }, UNREAD)
    },
    leading (isLeader) {
      metrics.leading(isLeader)
      log.info(isLeader ? 'this replica reads the audit log' : 'this replica no longer reads the audit log')
    }
  } satisfies AuditObserver)
}
