import type { Clock } from '../clock.ts'
import type { Entry, Stamp } from '../core/entry.ts'
import { MAX_LEDGER_NAMES } from '../core/memory-budget.ts'
import { BoundedMap } from './bounded-map.ts'
import {
  type Affected,
  compareIds,
  EVERYTHING,
  FIRST_ID,
  type RevocationSnapshot,
  nameOf,
  namesOf,
  type Revocation,
  type StreamId
} from './types.ts'

/** One entry of the log, read and authenticated; `of` names the revocation across copies of it. */
export type LogEntry = Readonly<{
  id: StreamId
  nonce: string
  previous: string
  generation: string
  of: string
  revocation: Revocation | undefined
}>

export type LedgerOptions = Readonly<{
  clock: Pick<Clock, 'monotonic'>
  /** Milliseconds for which a revocation may matter to an entry. */
  retentionMs: number
  /** What the heap holds: `ledgerNames` (memory-budget.ts). */
  maxRevocations?: number | undefined
  /** As many as names. */
  maxPositions?: number
  maxCarry?: number
}>

type Past = Readonly<{ revocation: Revocation, readAt: number }>
/** The newest position at that time, monotonic milliseconds. */
type Milestone = Readonly<{ id: StreamId, at: number }>

/** Revocations that are carried over one by one. */
const MAX_CARRY = 1000
/** Milestones in one retention: how exactly its end is known. */
const MILESTONES = 64
/** What goes with one entry, from each map: more than comes, and never long. */
const SWEPT_AT_ONCE = 4

/**
 * What one replica has read of the log and taken itself: pure but for its state, no clock but the injected one, no I/O.
 * A generation is adopted, entries are applied in order; whoever asks learns what is void.
 */
export class Ledger {
  readonly #clock: LedgerOptions['clock']
  readonly #retentionMs: number
  #generation = ''
  #id: StreamId = FIRST_ID
  #nonce = ''
  /** When that was read. */
  #readAt = -Infinity
  /** Newest position at which a name was revoked, oldest first. */
  readonly #revoked: BoundedMap<StreamId>
  /**
   * What is not after it is void: `everything`, what the maps had no room for, and what is older than the retention.
   */
  #floor: StreamId = FIRST_ID
  /** Oldest first. */
  #milestones: Milestone[] = []
  /** Positions read in this generation: an entry is trusted at no other. */
  readonly #positions: BoundedMap<StreamId>
  #local = 0
  /** Revocations taken here whose log entry is not read yet: name → number. */
  readonly #locals = new Map<string, Readonly<{ number: number, of: string }>>()
  /** Until when, oldest first. */
  readonly #quiets: BoundedMap<number>
  /** Until when it is quiet for everybody, since the map had no room. */
  #quietForAll = -Infinity
  /** Read within the retention, by `of`: appended again where a new log lacks them. */
  readonly #past: BoundedMap<Past>
  #pastOverflowAt = -Infinity
  readonly #left = new Set<string>()
  #carry = new Map<string, Revocation>()

  constructor ({
    clock,
    retentionMs,
    maxRevocations = MAX_LEDGER_NAMES,
    maxPositions = maxRevocations,
    maxCarry = MAX_CARRY
  }: LedgerOptions) {
    this.#clock = clock
    this.#retentionMs = retentionMs
    this.#revoked = new BoundedMap(maxRevocations)
    this.#positions = new BoundedMap(maxPositions)
    this.#quiets = new BoundedMap(maxRevocations)
    this.#past = new BoundedMap(maxCarry)
  }

  get generation (): string { return this.#generation }
  /** Nonce of the newest entry read; empty where none of this generation was. */
  get nonce (): string { return this.#nonce }
  get id (): StreamId { return this.#id }
  /** What is held of each kind. */
  get sizes (): Readonly<Record<'revoked' | 'positions' | 'quiets', number>> {
    return { revoked: this.#revoked.size, positions: this.#positions.size, quiets: this.#quiets.size }
  }

  /** Revocations that the current log lacks: until they are read back no shared entry is trusted. */
  get carry (): ReadonlyMap<string, Revocation> { return this.#carry }

  /** Whether a revocation of that name was read lately: another copy of it is no news. */
  knows (of: string): boolean { return this.#past.has(of) }

  hasLeft (generation: string): boolean { return this.#left.has(generation) }

  stamp (): Stamp {
    return { generation: this.#generation, position: { id: this.#id, nonce: this.#nonce } }
  }

  mark (): RevocationSnapshot {
    return { stamp: this.stamp(), local: this.#local, at: this.#clock.monotonic() }
  }

  /** Nothing of the old generation is used any more (I2); what was revoked in it is carried over. */
  adopt (generation: string): void {
    if (this.#generation !== '') this.#left.add(this.#generation)
    this.#generation = generation
    this.#id = FIRST_ID
    this.#nonce = ''
    this.#revoked.clear()
    this.#floor = FIRST_ID
    this.#milestones = []
    this.#positions.clear()
    this.#carry = new Map([...this.#carry, ...this.#recent()])
  }

  apply (entry: LogEntry): void {
    this.#age()
    this.#id = entry.id
    this.#nonce = entry.nonce
    this.#positions.set(entry.nonce, entry.id)
    if (entry.revocation === undefined) return
    const name = nameOf(entry.revocation.target)
    const carried = this.#carry.get(entry.of)
    if (carried !== undefined && nameOf(carried.target) === name) this.#carry.delete(entry.of)
    if (name === EVERYTHING) this.#floor = entry.id
    else this.#raiseFloor(this.#revoked.set(name, entry.id))
    this.#recall(entry.of, entry.revocation)
    if (this.#locals.get(name)?.of === entry.of) this.#locals.delete(name)
    else this.#quieten(name, entry.revocation.quietMs) // its own began when it was taken here
  }

  /** A revocation taken here: void at once is what began before, whatever Redis does. */
  take (revocation: Revocation, of: string): void {
    const name = nameOf(revocation.target)
    if (name === EVERYTHING) this.#locals.clear() // whatever began after it began after them
    this.#locals.set(name, { number: ++this.#local, of })
    this.#quieten(name, revocation.quietMs)
  }

  /** One that was taken here is about nothing any more. */
  release ({ target }: Revocation, of: string): void {
    const name = nameOf(target)
    if (this.#locals.get(name)?.of === of) this.#locals.delete(name)
  }

  isVoid ({ userId, digests }: Affected, { stamp, local }: Pick<RevocationSnapshot, 'stamp' | 'local'>): boolean {
    if (stamp.generation !== this.#generation) return true
    // asked at every hit: mostly nothing was ever revoked
    if (this.#floor !== FIRST_ID && compareIds(this.#floor, stamp.position.id) > 0) return true
    if (this.#revoked.size === 0 && this.#locals.size === 0) return false
    return [EVERYTHING, ...namesOf(userId, digests)].some((name) => {
      const revokedAt = this.#revoked.get(name)
      return (
        (revokedAt !== undefined && compareIds(revokedAt, stamp.position.id) > 0) ||
        (this.#locals.get(name)?.number ?? 0) > local
      )
    })
  }

  /**
   * @returns whether an entry from Redis stands at a position that this replica read, with nothing revoked after it or
   * pending
   */
  trusts ({ stamp, digests, resolution }: Entry): boolean {
    if (stamp.generation === '' || this.#positions.get(stamp.position.nonce) !== stamp.position.id) return false
    const userId = resolution.kind === 'valid' ? resolution.userId : undefined
    return this.#carry.size === 0 && !this.isVoid({ userId, digests }, { stamp, local: 0 })
  }

  isQuiet ({ userId, digests }: Affected, at: number): boolean {
    if (this.#quiets.size === 0) return false
    if (at < this.#quietForAll) return true
    return [EVERYTHING, ...namesOf(userId, digests)].some((name) => at < (this.#quiets.get(name) ?? -Infinity))
  }

  /**
   * @returns the revocations a new log must have: all read within the retention, or `everything` where they are too
   * many
   */
  #recent (): Array<[string, Revocation]> {
    const since = this.#clock.monotonic() - this.#retentionMs
    const past = [...this.#past.entries()].filter(([, { readAt }]) => readAt >= since)
    const newest = past.at(-1)
    if (newest !== undefined && this.#pastOverflowAt >= since) {
      return [[`all ${newest[0]}`, { ...newest[1].revocation, target: { kind: 'everything' } }]]
    }
    return past.map(([of, { revocation }]) => [of, revocation])
  }

  #recall (of: string, revocation: Revocation): void {
    const forgotten = this.#past.set(of, { revocation, readAt: this.#clock.monotonic() })
    if (forgotten !== undefined) this.#pastOverflowAt = forgotten.readAt
  }

  /** Kept until whatever began within it has ended; what there is no room for holds for everyone. */
  #quieten (name: string, quietMs: number): void {
    if (quietMs <= 0) return
    const now = this.#clock.monotonic()
    const forgotten = this.#quiets.set(name, Math.max(now + quietMs, this.#quiets.get(name) ?? 0))
    if (forgotten !== undefined) this.#quietForAll = Math.max(forgotten, this.#quietForAll)
    sweep(this.#quiets, (until) => until + this.#retentionMs <= now)
  }

  /**
   * Raises the floor to what was the newest position a retention ago: an entry that lives was made there or later.
   * By the monotonic clock alone: one that stands still keeps more, and none can void less.
   */
  #age (): void {
    const retentionMs = this.#retentionMs
    const at = this.#clock.monotonic()
    const isDue = at - (this.#milestones.at(-1)?.at ?? -Infinity) >= retentionMs / MILESTONES
    if (isDue && this.#nonce !== '') this.#milestones.push({ id: this.#id, at: this.#readAt })
    this.#readAt = at
    for (
      let oldest = this.#milestones[0];
      oldest !== undefined && at - oldest.at > retentionMs;
      oldest = this.#milestones[0]
    ) {
      this.#raiseFloor(oldest.id)
      this.#milestones.shift()
    }
    sweep(this.#revoked, (id) => compareIds(id, this.#floor) <= 0)
    sweep(this.#positions, (id) => compareIds(id, this.#floor) < 0) // what was made at the floor itself is not void
  }

  #raiseFloor (id: StreamId | undefined): void {
    if (id !== undefined && compareIds(id, this.#floor) > 0) this.#floor = id
  }
}

/** Drops the oldest that matter to nothing any more, in a bounded step. */
function sweep<V> (map: BoundedMap<V>, isOver: (value: V) => boolean): void {
  for (let n = 0; n < SWEPT_AT_ONCE; n++) {
    const oldest = map.oldest()
    if (oldest === undefined || !isOver(oldest[1])) return
    map.delete(oldest[0])
  }
}
