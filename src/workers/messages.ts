import type { ManagementRequest, ManagementResponse } from '../management/forwarded.ts'
import type { MetricJson, Reading } from '../metrics/metrics.ts'
import type { Replica, Seen } from '../revocation/presence.ts'
import type { Revocation } from '../revocation/types.ts'

/** What a worker says of itself: at each change of its state, and every second. */
export type Report = Readonly<{
  state: Replica['state']
  redis: 'up' | 'down' | 'none'
  authgear: 'ok' | 'failing'
  reading: Reading
  others: readonly Seen[]
}>

/** What the primary may ask, and what it gets. */
export type Questions = {
  metrics: Readonly<{ question: undefined, answer: readonly MetricJson[] }>
  manage: Readonly<{ question: ManagementRequest, answer: ManagementResponse }>
}

export type ToWorker = Readonly<
  | { kind: 'ask', id: number, about: keyof Questions, question: Questions[keyof Questions]['question'] }
  | { kind: 'shutdown' }
  /** One that another worker took while Redis did not: it holds on the whole replica. */
  | { kind: 'revoke', revocation: Revocation }
>

export type FromWorker = Readonly<
  | { kind: 'report', report: Report }
  | { kind: 'answer', id: number, answer: unknown }
  | { kind: 'failed', id: number }
  | { kind: 'revoked', revocation: Revocation }
>
