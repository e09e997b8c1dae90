import { LRUCache } from 'lru-cache'
import type { CacheKey } from '../../../base/core/cache-key.ts'
import type { RevocationLog, RevocationSnapshot } from '../../../base/revocation/types.ts'
import { type CookieNames, type OwnRecord, recordBytes } from './record.ts'

/** No record takes fewer: bounds the lists that are made at the start. */
const MIN_RECORD_BYTES = 1024
/** The least-recently-used lists take these from the start, for each record that may exist. */
const RESERVED_RECORD_BYTES = 40

/** The log says what another replica ended, which is no session here either while Redis cannot say so. */
export type RevocationReader = Pick<RevocationLog, 'snapshot' | 'isVoid' | 'names'>

type Slot = Readonly<{ record: OwnRecord, snapshot: RevocationSnapshot | undefined }>

/** The records that this replica has seen last; without Redis there are no others. */
export function openMemory (maxBytes: number, log: RevocationReader | undefined) {
  const max = Math.max(1, Math.floor(maxBytes / (MIN_RECORD_BYTES + RESERVED_RECORD_BYTES)))
  const maxSize = Math.max(1, Math.floor(maxBytes - RESERVED_RECORD_BYTES * max))
  const records = new LRUCache<string, Slot>({ max, maxSize })
  /** Ended a short time ago: what is under way brings none of them back. */
  const ended = new LRUCache<string, true>({ max: 10_000 })
  function keep (key: CacheKey, record: OwnRecord, snapshot = log?.snapshot()): boolean {
    if (ended.has(key) || (records.peek(key)?.record.version ?? 0) >= record.version) return false
    records.set(key, { record, snapshot }, { size: recordBytes(key, record) })
    return true
  }
  function drop (key: CacheKey): void {
    records.delete(key)
    ended.set(key, true)
  }
  return {
    keep,
    drop,
    /**
     * Permanently, whatever Redis has of it: this process saw it end, or a revocation names its cookie, which only a
     * session's end does.
     */
    isOver ({ keys: { current }, digests }: CookieNames): boolean {
      if (log?.names({ digests: digests.all }) === true) drop(current)
      return ended.has(current)
    },
    /** The record, unless a revocation of the cookie has overtaken it. */
    get ({ keys: { current }, digests: { all } }: CookieNames): OwnRecord | undefined {
      const slot = ended.has(current) ? undefined : records.get(current)
      const isVoid = slot?.snapshot !== undefined &&
        log?.isVoid({ userId: undefined, digests: all }, slot.snapshot) === true
      return isVoid ? undefined : slot?.record
    },
    /** Redis has it still. */
    seen (key: CacheKey, record: OwnRecord, snapshot: RevocationSnapshot): void {
      if (records.peek(key)?.record.version === record.version) records.delete(key)
      keep(key, record, snapshot)
    },
    forget: (key: CacheKey) => { records.delete(key) },
    /** Newest first. */
    * entries (): Generator<readonly [CacheKey, OwnRecord]> {
      for (const [key, { record }] of records.entries()) yield [key as CacheKey, record]
    },
    size: () => records.size,
    bytes: () => records.calculatedSize
  }
}

export type Memory = ReturnType<typeof openMemory>
