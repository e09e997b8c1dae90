import type { Clock } from '../clock.ts'
import type { EntryCodec, Fields } from './codec.ts'
import type { LogObserver, Origin, StreamId } from './types.ts'

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

export type StreamLogDeps = Readonly<{
  store: LogStore
  codec: EntryCodec
  clock: Clock
  retentionMs: number
  observer: LogObserver
  /** Calls back after so many milliseconds unless it is cancelled: `setTimeout` but in tests. */
  after?: (ms: number, callBack: () => void) => () => void
  /** Entries of each origin in a minute: ENTRIES_PER_MINUTE but in tests. */
  limits?: Readonly<Record<Origin, number>>
  /** Entries read at once. */
  page?: number
  /** Names that the ledger holds: MAX_LEDGER_NAMES but in a small heap. */
  maxNames?: number
}>
