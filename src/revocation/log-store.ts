import type { Fields } from './log-entry.ts'
import type { StreamId } from './position.ts'

/** One atomic look at the log: what was appended after an id, and where it ends. */
export type Snapshot = Readonly<{
  /** Oldest first; at most as many as were asked for. */
  entries: ReadonlyArray<readonly [id: StreamId, fields: Readonly<Record<string, string>>]>
  /** Entries of the whole stream. */
  length: number
  head: Readonly<{ generation: string, nonce: string }> | undefined
  isMaster: boolean
  replicas: number
  /** Which process answered: another one has lost no replicas by having none. */
  server?: string
  /** Milliseconds since 1970 by the server's clock. */
  now: number
}>

/** `generation`: the one that is current in its place; empty where there is none. */
export type Written = Readonly<{ kind: 'written', id: StreamId }> | Readonly<{ kind: 'behind', generation: string }>

/** The log's two keys in one Redis. Every method rejects where the server cannot be reached. */
export interface LogStore {
  /** Returns when something was appended after that id, or after a second. */
  wait (after: StreamId): Promise<void>
  snapshot (after: StreamId, count: number): Promise<Snapshot>
  append (generation: string, retentionMs: number, fields: Fields): Promise<Written>
  /** Drops what is older than the retention, by the server's clock. */
  trim (retentionMs: number): Promise<void>
  /** Begins a new generation with its first entry, where `from` is still the current one. */
  change (from: string, fields: Fields): Promise<Written>
  close (): Promise<void>
}
