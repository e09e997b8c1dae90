import type { Clock } from '../clock.ts'
import type { MasterVerdict } from '../redis/master-check.ts'
import type { RedisForm } from '../redis/options.ts'
import type { EntryCodec, Fields } from './codec.ts'
import type { TokenLedger } from './token-ledger.ts'
import type { LogObserver, Origin, StreamId } from './types.ts'

/** `since`: of the last trim, the milliseconds before which entries went; `first`: the oldest that it left. */
export type Head = Readonly<{
  generation: string
  nonce: string
  id: StreamId
  replicationId: string
  since: number
  first: StreamId
}>

/** One atomic look at the log: the entries after an id, and its head. */
export type Snapshot = Readonly<{
  /** Oldest first; at most as many as were asked for. */
  entries: ReadonlyArray<readonly [id: StreamId, fields: Readonly<Record<string, string>>]>
  /** Entries of the whole stream. */
  length: number
  head: Head | undefined
  /** False where a key of another type stands in the stream's place. */
  isReadable: boolean
  isMaster: boolean
  /** Offsets that the server's replicas have acknowledged. */
  acknowledged: readonly number[]
  /** The server's own offset after a write that came with this snapshot; undefined where none did. */
  offset: number | undefined
  /** The process that answered: another one has lost no replicas by having none. */
  server?: string
  /** The replication history of the server: another one after a restart or a promotion. Empty where it is unknown. */
  replicationId: string
  /** Milliseconds since 1970 by the server's clock. */
  now: number
}>

/**
 * `replicated`: how many Redis replicas have it, undefined where our user may not ask; not there where there is none.
 * `behind`: `generation` is the current one; empty where there is none. `conflict`: the head has that nonce.
 * `unusable`: the stream takes no entry any more, and only a change of generation helps.
 */
export type Written =
  | Readonly<{ kind: 'written', id: StreamId, replicated?: Promise<number | undefined> }>
  | Readonly<{ kind: 'behind', generation: string }>
  | Readonly<{ kind: 'conflict', nonce: string }>
  | Readonly<{ kind: 'unusable' }>

/** The log's two keys in one Redis. Every method rejects where the server cannot be reached. */
export interface LogStore {
  readonly form: RedisForm
  /** Returns when something was appended after that id, or after a second. */
  wait (after: StreamId): Promise<void>
  snapshot (after: StreamId, count: number): Promise<Snapshot>
  /** All or none; the first one follows `previous`, the others each other. */
  append (generation: string, previous: string, retentionMs: number, entries: readonly Fields[]): Promise<Written>
  /** Drops entries older than the retention, by the server's clock. */
  trim (retentionMs: number): Promise<void>
  /** Begins a new generation with its first entry, where `from` is still the current one. */
  change (from: string, fields: Fields): Promise<Written>
  /** Says that the log is whole in the server's present history, where that is still the head. */
  confirmHistory (generation: string, nonce: string): Promise<void>
  /** The verdict of the Sentinels or the Cluster on the server that is followed. */
  confirmMaster (): Promise<MasterVerdict>
  close (): Promise<void>
}

export type StreamLogDeps = Readonly<{
  store: LogStore
  codec: EntryCodec
  clock: Clock
  /** For how long the log keeps entries. */
  retentionMs: number
  /** For how long a revocation may matter to a session; undefined: as long. */
  sessionRetentionMs?: number | undefined
  /** The ledger of resource tokens; undefined where there are none. */
  tokens?: TokenLedger | undefined
  observer: LogObserver
  /** Calls back after so many milliseconds unless it is cancelled: `setTimeout` but in tests. */
  after?: (ms: number, callBack: () => void) => () => void
  /** Names of revocations: random but in tests. */
  newName?: () => string
  /** Entries of each origin in a minute: ENTRIES_PER_MINUTE but in tests. */
  limits?: Readonly<Record<Origin, number>>
  /** Entries read at once. */
  page?: number
  /** Names that the ledger holds: MAX_LEDGER_NAMES but in a small heap. */
  maxNames?: number
}>
