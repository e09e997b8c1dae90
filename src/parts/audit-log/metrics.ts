import { counter, type CountsOf, gauge, histogram } from '../../base/metrics/table.ts'
import { AUDIT_ERROR_KINDS } from './errors.ts'
import { GAP_OUTCOMES, type AuditObserver, POLL_OUTCOMES } from './observer.ts'
import type { AuditLogSettings } from './variables.ts'

const ALWAYS = {
  leader: gauge('forward_auth_audit_leader', "1 on the replica that reads Authgear's audit log."),
  behind: gauge(
    'forward_auth_audit_behind_seconds',
    "Seconds since this replica's last successful poll, or its start; use the minimum of all replicas."
  ),
  unread: gauge(
    'forward_auth_audit_unread_entries',
    'Entries of unknown types in the last poll, left out because it reads a hundred.'
  ),
  polls: counter(
    'forward_auth_audit_polls_total',
    'Polls of the audit log; pending = not all published yet, read again; lost_lease = another replica leads.',
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
    'Revocations from entries, by activity type; gap, overflow = everything, because entries were missing.',
    'activity'
  ),
  gaps: counter(
    'forward_auth_audit_gaps_total',
    'Gaps in which entries may be lost, by what was done; redis = no lease, and nothing lost.',
    'outcome', GAP_OUTCOMES
  ),
  lag: histogram(
    'forward_auth_audit_lag_seconds',
    "From an event to its revocation, by Authgear's clock, in whole seconds.",
    [0.5, 1, 2, 3, 4, 6, 10, 20, 30, 60, 120]
  )
}

const WITH_WEBHOOK = {
  untold: gauge(
    'forward_auth_audit_untold_changes',
    'User changes that webhooks should have reported too, since the last webhook: Authgear does not call this ' +
      'service. On the leader only.'
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
