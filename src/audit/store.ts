import type { Position } from './position.ts'

export type Stored = Readonly<{
  /** Undefined where it cannot be read. */
  position: Position | undefined
  /** Milliseconds since the poll that brought it. */
  ageMs: number
}>

/** What the replicas share: who reads the audit log, and how far it was read. All of it rejects where Redis does not answer. */
export interface AuditStore {
  /** Takes the lease, or renews it. @returns whether this replica holds it, for the lease's life from when this was sent */
  hold (): Promise<boolean>
  /** Gives the lease back, where this replica holds it. */
  release (): Promise<void>
  load (): Promise<Stored | undefined>
  /** @returns false where another replica holds the lease: nothing is written then */
  save (position: Position, ageMs: number): Promise<boolean>
  /** @returns whether nobody did in the last ten minutes: a gap voids everything no more often */
  claimGap (): Promise<boolean>
}

/** Milliseconds. */
export const GAP_INTERVAL = 10 * 60_000
