import { counter, type CountsOf, gauge, histogram } from '../../base/metrics/table.ts'
import { AUDIT_ERROR_KINDS } from './errors.ts'
import { GAP_OUTCOMES, type AuditObserver, POLL_OUTCOMES } from './observer.ts'
import type { AuditLogSettings } from './variables.ts'

const ALWAYS = {
  leader: gauge('forward_auth_audit_leader', "1 on the replica that reads Authgear's audit log."),
  behind: gauge(
    'forward_auth_audit_behind_seconds',
    "Seconds since this replica's last successful poll, or since its start; use the minimum of all replicas."
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
    'outcome', POLL_OUTCOMES
  ),
  errors: counter('forward_auth_audit_errors_total', 'Failed reads of the log, by cause.', 'kind', AUDIT_ERROR_KINDS),
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
    'outcome', GAP_OUTCOMES
  ),
  lag: histogram(
    'forward_auth_audit_lag_seconds',
    'From the time of an event to its revocation, by the clock of Authgear, which dates in whole seconds.',
    [0.5, 1, 2, 3, 4, 6, 10, 20, 30, 60, 120]
  )
}

const WITH_WEBHOOK = {
  untold: gauge(
    'forward_auth_audit_untold_changes',
    'Changes of users that were read since the last webhook came, and that come by webhook too: Authgear does not ' +
      'call this service. Only the replica that leads knows.'
  )
}

/** A gauge that is not in the table has a reader all the same, which nobody asks. */
export const metricsOf = ({ hasWebhook }: AuditLogSettings): typeof ALWAYS & typeof WITH_WEBHOOK =>
  hasWebhook ? { ...ALWAYS, ...WITH_WEBHOOK } : ALWAYS as typeof ALWAYS & typeof WITH_WEBHOOK

export function countedBy (count: CountsOf<typeof ALWAYS>): AuditObserver {
  return {
    polled: count.polls.add,
    failed: (kind) => count.errors.add(kind),
    read: (activity, revocations) => { count.entries(activity); count.revocations(activity, revocations) },
    applied: count.lag,
    gap: (outcome) => { count.gaps.add(outcome); if (outcome === 'everything') count.revocations('gap') },
    overflow: () => count.revocations('overflow'),
    unread () {},
    leading () {}
  }
}
