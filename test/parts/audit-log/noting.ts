import type { AuditObserver } from '../../../src/parts/audit-log/observer.ts'

/** Everything that a follower tells, in order. */
export function noting (): AuditObserver & Readonly<{ notes: string[], lags: number[] }> {
  const notes: string[] = []
  const lags: number[] = []
  const note = (what: string) => (value: unknown) => { notes.push(`${what} ${String(value)}`) }
  return {
    notes,
    lags,
    polled: note('poll'),
    failed: note('failed'),
    gap: note('gap'),
    leading: note('leading'),
    read: (activity, count) => { notes.push(`read ${activity} ${count}`) },
    applied: (seconds) => { lags.push(seconds) },
    overflow: () => { notes.push('overflow') },
    unread: note('unread')
  }
}
