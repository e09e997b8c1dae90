import type { Clock } from '../../clock.ts'
import type { MasterVerdict } from '../redis/master-check.ts'
import type { RedisForm } from '../redis/options.ts'
import type { EntryCodec, Fields } from './codec.ts'
import type { TokenLedger } from './token-ledger.ts'
import type { LogObserver, Origin, StreamId } from './types.ts'

/**
 * `log`: the random name of one unbroken log; `replicationId`: the history in which it was begun; `count`: how many
 * entries it must have; `since`: Redis' milliseconds from which on none is missing.
 */
type Head = Readonly<{ log: string, replicationId: string, count: number, since: number }>

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
  /** That history, or, where it is unknown, this connection: another one may have lost what was read. */
  history: string
  /** Milliseconds since 1970 by the server's clock. */
  now: number
}>

/**
 * `replicated`: how many Redis replicas have it, undefined where our user may not ask; not there where there is none.
 * `behind`: another log is the current one. `unusable`: the stream takes no entry any more, and only a new log helps.
 */
export type Written =
  | Readonly<{ kind: 'written', replicated?: Promise<number | undefined> }>
  | Readonly<{ kind: 'behind' | 'unusable' }>

/** The log's two keys in one Redis. Every method rejects where the server cannot be reached. */
export interface LogStore {
  readonly form: RedisForm
  /** Returns when something was appended after that id, or after a second. */
  wait (after: StreamId): Promise<void>
  snapshot (after: StreamId, count: number): Promise<Snapshot>
  /** Where that log is still the current one. */
  append (log: string, retentionMs: number, entries: readonly Fields[]): Promise<Written>
  /** Drops entries older than the retention, by the server's clock. */
  trim (retentionMs: number): Promise<void>
  /** Begins an empty log of that name, where `from` is still the current one. */
  begin (from: string, log: string): Promise<Written>
  /** What was written is not in what is read: the connections may be on two servers. */
  missed (): void
  /** What Sentinels or the Cluster say of the server that is followed. */
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
  /** Of resource tokens; undefined where there are none. */
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
