import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { AUDIT_ERROR_KINDS } from '../audit/audit-error.ts'
import type { AuditObserver } from '../audit/observer.ts'
import { closedCounter } from './closed-counter.ts'

export type AuditGauges = Readonly<{ isLeader: () => boolean, behindSeconds: () => number }>

const NO_AUDIT: AuditObserver = Object.freeze({ polled () {}, failed () {}, read () {}, applied () {}, gap () {}, overflow () {}, leading () {} })
/** Entries are dated in whole seconds. */
const LAG_BUCKETS = [0.5, 1, 2, 3, 4, 6, 10, 20, 30, 60, 120]

/** Nothing is registered where the audit log is not followed. */
export function registerAudit (registry: Registry, gauges: AuditGauges | undefined): AuditObserver {
  if (gauges === undefined) return NO_AUDIT
  const counter = (name: string, help: string, label: string): Counter => new Counter({ registers: [registry], name: `forward_auth_audit_${name}`, help, labelNames: [label] })
  const gauge = (name: string, help: string, read: () => number): Gauge => new Gauge({ registers: [registry], name: `forward_auth_audit_${name}`, help, collect () { this.set(read()) } })
  gauge('leader', '1 on the replica that reads Authgear\'s audit log.', () => Number(gauges.isLeader()))
  gauge('behind_seconds', 'Since this replica\'s last successful poll, or its start; the least of all replicas counts.', gauges.behindSeconds)
  const polls = closedCounter(registry, 'forward_auth_audit_polls_total', 'Polls of the audit log; pending = not all of it is in the revocation log yet, and is read again; lost_lease = given up, since another replica leads.', 'outcome', ['ok', 'pending', 'error', 'lost_lease'])
  const errors = closedCounter(registry, 'forward_auth_audit_errors_total', 'Why the audit log could not be read.', 'kind', AUDIT_ERROR_KINDS)
  const entries = counter('entries_total', 'Entries read for the first time, by activity type; unknown = of a newer Authgear.', 'activity')
  const revocations = counter('revocations_total', 'What entries made void, by activity type; gap, overflow = everything, for want of entries.', 'activity')
  const gaps = closedCounter(registry, 'forward_auth_audit_gaps_total', 'Times in which entries may have been lost, by what was done.', 'outcome', ['everything', 'expired', 'suppressed'])
  const lag = new Histogram({ registers: [registry], name: 'forward_auth_audit_lag_seconds', help: 'From the time of an event to its revocation, by the clock of Authgear, which dates in whole seconds.', buckets: LAG_BUCKETS })
  return {
    polled: polls.add,
    failed: (kind) => errors.add(kind),
    read: (activity, count) => { entries.inc({ activity }); revocations.inc({ activity }, count) },
    applied: (seconds) => lag.observe(seconds),
    gap: (outcome) => { gaps.add(outcome); if (outcome === 'everything') revocations.inc({ activity: 'gap' }) },
    overflow: () => revocations.inc({ activity: 'overflow' }),
    leading: () => {}
  }
}
