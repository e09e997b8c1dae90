import type { Clock } from '../clock.ts'
import type { EntryCodec } from './log-entry.ts'
import type { LogStore } from './log-store.ts'
import type { LogObserver } from './log.ts'

export type StreamLogDeps = Readonly<{ store: LogStore, codec: EntryCodec, clock: Clock, retentionMs: number, observer: LogObserver }>
