import type { Fields } from '../../src/revocation/codec.ts'
import type { Snapshot, Written } from '../../src/revocation/store.ts'
import { compareIds, FIRST_ID, type StreamId } from '../../src/revocation/types.ts'

type Item = readonly [id: StreamId, fields: Readonly<Record<string, string>>]
type State = Readonly<{
  stream: readonly Item[]
  last: StreamId
  head: Readonly<{ gen: string, nonce: string }> | undefined
  cache: ReadonlyMap<string, Readonly<{ bytes: Buffer, ends: number }>>
}>

const EMPTY: State = Object.freeze({ stream: [], last: FIRST_ID, head: undefined, cache: new Map() })
/** Writes that a failover may lose. */
const HISTORY = 8
/** As 1,000 and 100 in log.lua, so that trimming happens within one run. */
const KEEP = 6
const EVERY = 2

/**
 * One Redis process: log.lua in TypeScript, values with an expiry, leases; every write leaves a state that a failover
 * may go back to.
 */
export class FakeRedis {
  readonly id: number
  /** `isRenewed`: whether its holder is alive, and so goes on with it. */
  readonly leases = new Map<string, Readonly<{ token: object, ends: number, isRenewed: () => boolean }>>()
  role: 'master' | 'slave' = 'master'
  replicas = 1
  /**
   * Whether it ever lost entries but not the head: who starts later can read no more than the rest, and needs no more.
   */
  isPartial = false
  /** Out of memory: the cache takes nothing, the log's script still writes. */
  isFull = false
  /** Milliseconds by which its wall clock is off. */
  skew: number
  #state: State
  #history: State[] = []

  constructor (id: number, skew = 0, state = EMPTY) {
    this.id = id
    this.skew = skew
    this.#state = state
  }

  get generation (): string { return this.#state.head?.gen ?? '' }
  get cache (): State['cache'] { return this.#state.cache }
  has (of: string): boolean { return this.#state.stream.some(([, fields]) => fields['of'] === of) }

  /** A replica of this one, that has not got the newest writes. */
  promoted (id: number, lost: number, skew: number): FakeRedis {
    const copy = new FakeRedis(id, skew, [...this.#history, this.#state].at(-1 - Math.min(lost, this.#history.length)))
    copy.isPartial = this.isPartial
    return copy
  }

  flush (): void { this.#become(EMPTY) }

  evict (key: 'stream' | 'head'): void {
    this.isPartial ||= key === 'stream'
    this.#become({ ...this.#state, ...(key === 'head' ? { head: undefined } : { stream: [], last: FIRST_ID }) })
  }

  put (key: string, bytes: Buffer, ends: number): void {
    this.#mayWrite()
    if (this.isFull) throw new Error('OOM')
    this.#become({ ...this.#state, cache: new Map([...this.#state.cache, [key, { bytes, ends }]]) })
  }

  snapshot (after: StreamId, count: number, now: number): Snapshot {
    const { stream, head } = this.#state
    return {
      entries: stream.filter(([id]) => compareIds(id, after) > 0).slice(0, count),
      length: stream.length,
      head: head === undefined ? undefined : { generation: head.gen, nonce: head.nonce },
      isMaster: this.role === 'master',
      replicas: this.replicas,
      server: String(this.id),
      now: now + this.skew
    }
  }

  /** log.lua, line by line. */
  script (operation: 'append' | 'change', expected: string, retentionMs: number, fields: Fields, now: number): Written {
    this.#mayWrite()
    const current = this.generation
    if (current !== expected || (operation === 'append' && current === '')) {
      return { kind: 'behind', generation: current }
    }
    const isChange = operation === 'change'
    const { stream, last } = isChange ? EMPTY : this.#state
    const id = this.#nextId(last, now)
    const prev = isChange ? '' : this.#state.head?.nonce ?? ''
    const kept = !isChange && stream.length % EVERY === 0 ? this.#trimmed(stream, retentionMs, now) : stream
    this.#become({
      ...this.#state,
      stream: [...kept, [id, { ...fields, prev }]],
      last: id,
      head: { gen: fields.gen, nonce: fields.nonce }
    })
    return { kind: 'written', id }
  }

  /** XADD with `*`: its own time, or just after the last id where that is ahead. */
  #nextId (last: StreamId, now: number): StreamId {
    const [ms = 0, seq = 0] = last.split('-').map(Number)
    const time = now + this.skew
    return time > ms ? `${time}-0` : `${ms}-${seq + 1}`
  }

  trim (retentionMs: number, now: number): void {
    this.#mayWrite()
    this.#become({ ...this.#state, stream: this.#trimmed(this.#state.stream, retentionMs, now) })
  }

  #trimmed (stream: readonly Item[], retentionMs: number, now: number): readonly Item[] {
    const kept = stream.at(-KEEP)?.[0]
    if (stream.length <= KEEP || kept === undefined) return stream
    const oldest = `${now + this.skew - retentionMs}-0`
    const minId = Number(oldest.split('-')[0]) < Number(kept.split('-')[0]) ? oldest : kept
    this.isPartial ||= compareIds(stream[0]?.[0] ?? minId, minId) < 0
    return stream.filter(([id]) => compareIds(id, minId) >= 0)
  }

  #mayWrite (): void { if (this.role !== 'master') throw new Error('READONLY') }

  #become (state: State): void {
    this.#history = [...this.#history, this.#state].slice(-HISTORY)
    this.#state = state
  }
}
