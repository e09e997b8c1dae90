import type { Fields } from '../../src/base/revocation/codec.ts'
import type { Snapshot, Written } from '../../src/base/revocation/store.ts'
import { compareIds, FIRST_ID, type StreamId } from '../../src/base/revocation/types.ts'

type Item = readonly [id: StreamId, fields: Readonly<Record<string, string>>]
type State = Readonly<{
  stream: readonly Item[]
  last: StreamId
  head: Readonly<
    { gen: string, nonce: string, id: StreamId, history: number, since: number, first: StreamId }
  > | undefined
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
  /** `silent`: it is listed, with its connection open, and acknowledges nothing any more. */
  replica: 'live' | 'silent' | 'none' = 'live'
  /** A second replica, which stays on this server's side of every partition. */
  hasNear = false
  /** The replication history: another one after a promotion or a restart. */
  history = 0
  #offset = 1
  #acknowledged = 1
  /**
   * Whether it ever lost entries but not the head: who starts later can read no more than the rest, and needs no more.
   */
  isPartial = false
  /** Out of memory: the cache takes nothing, the log's script still writes. */
  isFull = false
  /** Milliseconds by which its wall clock is off. */
  skew: number
  #state: State
  #states: State[] = []

  constructor (id: number, skew = 0, state = EMPTY) {
    this.id = id
    this.skew = skew
    this.#state = state
  }

  get generation (): string { return this.#state.head?.gen ?? '' }
  get head (): State['head'] { return this.#state.head }
  get cache (): State['cache'] { return this.#state.cache }
  has (of: string): boolean { return this.#state.stream.some(([, fields]) => fields['of'] === of) }

  /** A replica of this one, that has not got the newest writes. */
  promoted (id: number, lost: number, skew: number): FakeRedis {
    const copy = new FakeRedis(id, skew, [...this.#states, this.#state].at(-1 - Math.min(lost, this.#states.length)))
    copy.isPartial = this.isPartial
    copy.history = this.history + 1
    copy.hasNear = this.hasNear
    return copy
  }

  flush (): void { this.#become(EMPTY) }

  /** Killed, and started on the snapshot that it had so many writes ago. */
  restore (lost: number): void {
    this.#state = this.#states.at(-Math.min(lost, this.#states.length)) ?? this.#state
    this.history++
  }

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
    const acknowledged = this.#acknowledge()
    return {
      entries: stream.filter(([id]) => compareIds(id, after) > 0).slice(0, count),
      length: stream.length,
      head:
        head === undefined
          ? undefined
          : {
              generation: head.gen,
              nonce: head.nonce,
              id: head.id,
              replicationId: String(head.history),
              since: head.since,
              first: head.first
            },
      isReadable: true,
      isMaster: this.role === 'master',
      acknowledged,
      offset: acknowledged.length > 0 || this.replica === 'none' ? this.#offset : undefined,
      replicationId: String(this.history),
      server: String(this.id),
      now: now + this.skew
    }
  }

  /** What its replica has; each snapshot comes with a write, and waits for it. */
  #acknowledge (): readonly number[] {
    this.#offset++
    if (this.replica === 'live') this.#acknowledged = this.#offset
    if (this.role === 'slave') return []
    return [...this.replica === 'none' ? [] : [this.#acknowledged], ...this.hasNear ? [this.#offset] : []]
  }

  /** log.lua, line by line. */
  append (expected: string, previous: string, retentionMs: number, entries: readonly Fields[], now: number): Written {
    this.#mayWrite()
    const { head, stream } = this.#state
    if (head === undefined || head.gen !== expected) return { kind: 'behind', generation: this.generation }
    if (head.nonce !== previous) return { kind: 'conflict', nonce: head.nonce }
    const state = stream.length % EVERY < entries.length ? this.#trimmed(retentionMs, now) : this.#state
    return this.#write(state, entries, head.history, now)
  }

  change (expected: string, fields: Fields, now: number): Written {
    this.#mayWrite()
    if (this.generation !== expected) return { kind: 'behind', generation: this.generation }
    return this.#write({ ...EMPTY, cache: this.#state.cache }, [fields], this.history, now)
  }

  confirmHistory (generation: string, nonce: string): void {
    this.#mayWrite()
    const { head } = this.#state
    if (head === undefined || head.gen !== generation || head.nonce !== nonce) return
    this.#become({ ...this.#state, head: { ...head, history: this.history } })
  }

  #write (state: State, entries: readonly Fields[], history: number, now: number): Written {
    let { stream, last, head } = state
    for (const fields of entries) {
      last = this.#nextId(last, now)
      stream = [...stream, [last, fields]]
      head = { since: 0, first: '', ...head, gen: fields.gen, nonce: fields.nonce, id: last, history }
    }
    this.#become({ ...state, stream, last, head })
    return { kind: 'written', id: last }
  }

  /** XADD with `*`: its own time, or just after the last id where that is ahead. */
  #nextId (last: StreamId, now: number): StreamId {
    const [ms = 0, seq = 0] = last.split('-').map(Number)
    const time = now + this.skew
    return time > ms ? `${time}-0` : `${ms}-${seq + 1}`
  }

  trim (retentionMs: number, now: number): void {
    this.#mayWrite()
    this.#become(this.#trimmed(retentionMs, now))
  }

  #trimmed (retentionMs: number, now: number): State {
    const { stream, head } = this.#state
    const kept = stream.at(-KEEP)?.[0]
    if (stream.length <= KEEP || kept === undefined) return this.#state
    const oldest = `${now + this.skew - retentionMs}-0`
    const minId = Number(oldest.split('-')[0]) < Number(kept.split('-')[0]) ? oldest : kept
    if (compareIds(stream[0]?.[0] ?? minId, minId) >= 0) return this.#state
    this.isPartial = true
    const left = stream.filter(([id]) => compareIds(id, minId) >= 0)
    const trim = { since: Number(minId.split('-')[0]), first: left[0]?.[0] ?? '' }
    return { ...this.#state, stream: left, head: head === undefined ? undefined : { ...head, ...trim } }
  }

  #mayWrite (): void { if (this.role !== 'master') throw new Error('READONLY') }

  #become (state: State): void {
    this.#states = [...this.#states, this.#state].slice(-HISTORY)
    this.#state = state
  }
}
