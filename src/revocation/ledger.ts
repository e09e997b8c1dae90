import type { Clock } from '../clock.ts'
import type { Entry, Stamp } from '../core/entry.ts'
import { BoundedMap } from './bounded-map.ts'
import {
  type About, compareIds, EVERYTHING, FIRST_ID, type Mark, nameOf, namesOf, type Revocation, type StreamId
} from './types.ts'

/** One entry of the log, read and authenticated; `of` names the revocation across copies of it. */
export type LogEntry = Readonly<{ id: StreamId, nonce: string, previous: string, generation: string, of: string, revocation: Revocation | undefined }>

export type LedgerOptions = Readonly<{
  clock: Pick<Clock, 'monotonic'>
  /** Milliseconds for which a revocation may matter to an entry. */
  retentionMs: number
  maxRevocations?: number
  maxPositions?: number
  maxCarry?: number
}>

type Past = Readonly<{ revocation: Revocation, readAt: number }>

/**
 * What one replica has read of the log and taken itself: pure but for its state, no clock but the injected one, no I/O.
 * A generation is adopted, entries are applied in order; whoever asks learns what is void.
 */
export class Ledger {
  readonly #options: Required<LedgerOptions>
  #generation = ''
  #id: StreamId = FIRST_ID
  #nonce = ''
  /** Newest position at which a name was revoked, oldest first. */
  readonly #revoked: BoundedMap<StreamId>
  /** What is not after it is void: `everything`, and what the map had no room for. */
  #floor: StreamId = FIRST_ID
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

  constructor (options: LedgerOptions) {
    this.#options = { maxRevocations: 200_000, maxPositions: 200_000, maxCarry: 1000, ...options }
    this.#revoked = new BoundedMap(this.#options.maxRevocations)
    this.#positions = new BoundedMap(this.#options.maxPositions)
    this.#quiets = new BoundedMap(this.#options.maxRevocations)
    this.#past = new BoundedMap(this.#options.maxCarry)
  }

  get generation (): string { return this.#generation }
  /** Nonce of the newest entry read; empty where none of this generation was. */
  get nonce (): string { return this.#nonce }
  get id (): StreamId { return this.#id }
  /** Revocations that the current log lacks: until they are read back no shared entry is trusted. */
  get carry (): ReadonlyMap<string, Revocation> { return this.#carry }

  /** Whether a revocation of that name was read lately: another copy of it is no news. */
  knows (of: string): boolean { return this.#past.has(of) }

  hasLeft (generation: string): boolean { return this.#left.has(generation) }

  stamp (): Stamp {
    return { generation: this.#generation, position: { id: this.#id, nonce: this.#nonce } }
  }

  mark (): Mark {
    return { stamp: this.stamp(), local: this.#local, at: this.#options.clock.monotonic() }
  }

  /** Nothing of the old generation is used any more (I2); what was revoked in it is carried over. */
  adopt (generation: string): void {
    if (this.#generation !== '') this.#left.add(this.#generation)
    this.#generation = generation
    this.#id = FIRST_ID
    this.#nonce = ''
    this.#revoked.clear()
    this.#floor = FIRST_ID
    this.#positions.clear()
    this.#carry = new Map([...this.#carry, ...this.#recent()])
  }

  apply (entry: LogEntry): void {
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

  isVoid ({ userId, digests }: About, { stamp, local }: Pick<Mark, 'stamp' | 'local'>): boolean {
    if (stamp.generation !== this.#generation) return true
    // asked at every hit: mostly nothing was ever revoked
    if (this.#floor !== FIRST_ID && compareIds(this.#floor, stamp.position.id) > 0) return true
    if (this.#revoked.size === 0 && this.#locals.size === 0) return false
    return [EVERYTHING, ...namesOf(userId, digests)].some((name) => {
      const revokedAt = this.#revoked.get(name)
      return (revokedAt !== undefined && compareIds(revokedAt, stamp.position.id) > 0) || (this.#locals.get(name)?.number ?? 0) > local
    })
  }

  /** @returns whether an entry from Redis stands at a position that this replica read, with nothing revoked after it or pending */
  trusts ({ stamp, digests, resolution }: Entry): boolean {
    if (stamp.generation === '' || this.#positions.get(stamp.position.nonce) !== stamp.position.id) return false
    const userId = resolution.kind === 'valid' ? resolution.userId : undefined
    return this.#carry.size === 0 && !this.isVoid({ userId, digests }, { stamp, local: 0 })
  }

  isQuiet ({ userId, digests }: About, at: number): boolean {
    if (this.#quiets.size === 0) return false
    if (at < this.#quietForAll) return true
    return [EVERYTHING, ...namesOf(userId, digests)].some((name) => at < (this.#quiets.get(name) ?? -Infinity))
  }

  /** @returns the revocations a new log must have: all read within the retention, or `everything` where they are too many */
  #recent (): Array<[string, Revocation]> {
    const since = this.#options.clock.monotonic() - this.#options.retentionMs
    const past = [...this.#past.entries()].filter(([, { readAt }]) => readAt >= since)
    const newest = past.at(-1)
    if (newest !== undefined && this.#pastOverflowAt >= since) return [[`all ${newest[0]}`, { ...newest[1].revocation, target: { kind: 'everything' } }]]
    return past.map(([of, { revocation }]) => [of, revocation])
  }

  #recall (of: string, revocation: Revocation): void {
    const forgotten = this.#past.set(of, { revocation, readAt: this.#options.clock.monotonic() })
    if (forgotten !== undefined) this.#pastOverflowAt = forgotten.readAt
  }

  /** Kept until whatever began within it has ended; what there is no room for holds for everyone. */
  #quieten (name: string, quietMs: number): void {
    if (quietMs <= 0) return
    const now = this.#options.clock.monotonic()
    const forgotten = this.#quiets.set(name, Math.max(now + quietMs, this.#quiets.get(name) ?? 0))
    if (forgotten !== undefined) this.#quietForAll = Math.max(forgotten, this.#quietForAll)
    for (let oldest = this.#quiets.oldest(); oldest !== undefined && oldest[1] + this.#options.retentionMs <= now; oldest = this.#quiets.oldest()) this.#quiets.delete(oldest[0])
  }

  #raiseFloor (id: StreamId | undefined): void {
    if (id !== undefined && compareIds(id, this.#floor) > 0) this.#floor = id
  }
}
