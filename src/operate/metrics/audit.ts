import type { Registry } from 'prom-client'
import { AUDIT_ERROR_KINDS } from '../../authgear/audit-log/errors.ts'
import type { AuditObserver } from '../../authgear/audit-log/observer.ts'
import type { AuditGauges } from './gauges.ts'
import { counter, gauge, histogram, register } from './table.ts'

const AUDIT = {
  leader: gauge('forward_auth_audit_leader', "1 on the replica that reads Authgear's audit log."),
  behind: gauge(
    'forward_auth_audit_behind_seconds',
    "Since this replica's last successful poll, or its start; the least of all replicas counts."
  ),
  unread: gauge(
    'forward_auth_audit_unread_entries',
    'Entries of types that this version does not know, left out of the last poll: more than the hundred that are ' +
      'read.'
  ),
  polls: counter(
    'forward_auth_audit_polls_total',
    'Polls of the audit log; pending = not all of it is in the revocation log yet, and is read again; lost_lease = ' +
      'given up, since another replica leads.',
    'outcome', ['ok', 'pending', 'error', 'lost_lease']
  ),
  errors: counter('forward_auth_audit_errors_total', 'Why the audit log could not be read.', 'kind', AUDIT_ERROR_KINDS),
  entries: counter(
    'forward_auth_audit_entries_total',
    'Entries read for the first time, by activity type; unknown = of a newer Authgear.',
    'activity'
  ),
  revocations: counter(
    'forward_auth_audit_revocations_total',
    'What entries made void, by activity type; gap, overflow = everything, since entries were missing.',
    'activity'
  ),
  gaps: counter(
    'forward_auth_audit_gaps_total',
    'Times in which entries may have been lost, by what was done; redis: it gave no lease, and nothing was lost.',
    'outcome', ['everything', 'expired', 'suppressed', 'redis']
  ),
  lag: histogram(
    'forward_auth_audit_lag_seconds',
    'From the time of an event to its revocation, by the clock of Authgear, which dates in whole seconds.',
    [0.5, 1, 2, 3, 4, 6, 10, 20, 30, 60, 120]
  )
}

const UNTOLD = {
  untold: gauge(
    'forward_auth_audit_untold_changes',
    'Changes of users that were read since the last webhook came, and that come by webhook too: Authgear does not ' +
      'call this service. Only the replica that leads knows.'
  )
}

const NO_AUDIT: AuditObserver = Object.freeze({
  polled () {},
  failed () {},
  read () {},
  applied () {},
  gap () {},
  overflow () {},
  unread () {},
  leading () {}
})

/** Nothing is registered where the audit log is not followed. */
export function registerAudit (registry: Registry, gauges: AuditGauges | undefined): AuditObserver {
  if (gauges === undefined) return NO_AUDIT
  const { isLeader, behindSeconds, unread, untold } = gauges
  const { count, read } = register(registry, AUDIT)
  read({ leader: () => Number(isLeader()), behind: behindSeconds, unread })
  if (untold !== undefined) register(registry, UNTOLD).read({ untold })
  return {
    ...NO_AUDIT,
    polled: count.polls.add,
    failed: (kind) => count.errors.add(kind),
    read: (activity, revocations) => { count.entries(activity); count.revocations(activity, revocations) },
    applied: count.lag,
    gap: (outcome) => { count.gaps.add(outcome); if (outcome === 'everything') count.revocations('gap') },
    overflow: () => count.revocations('overflow')
  }
}
