import type { AuditErrorKind } from './audit-error.ts'

/** `pending`: the revocation log did not take all of it, so that it is read again */
export type PollOutcome = 'ok' | 'pending' | 'error' | 'lost_lease'
/** What a gap, in which entries may have been lost, led to. */
export type GapOutcome = 'everything' | 'expired' | 'suppressed'

/** `activity` is a type of the table, or `unknown`; `gap` and `overflow` where everything is revoked for want of entries. */
export type AuditObserver = Readonly<{
  polled: (outcome: PollOutcome) => void
  failed: (kind: AuditErrorKind, error: unknown) => void
  /** An entry was read for the first time, and led to so many revocations. */
  read: (activity: string, revocations: number) => void
  /** What an entry asked for is done: seconds since Authgear dated it, by its own clock. */
  applied: (lagSeconds: number) => void
  gap: (outcome: GapOutcome) => void
  overflow: () => void
  leading: (isLeader: boolean) => void
}>
