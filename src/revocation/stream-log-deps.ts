import type { Clock } from '../clock.ts'
import type { EntryCodec } from './log-entry.ts'
import type { LogStore } from './log-store.ts'
import type { LogObserver } from './log.ts'
import type { Origin } from './revocation.ts'

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
}>
