import type { Clock } from '../../clock.ts'
import type { Entry, Stamp } from '../../core/entry.ts'
import { MAX_LEDGER_NAMES } from '../../core/memory-budget.ts'
import { BoundedMap } from './bounded-map.ts'
import type { TokenLedger } from './token-ledger.ts'
import {
  type Affected,
  compareIds,
  EVERYTHING,
  FIRST_ID,
  type RevocationSnapshot,
  isCopy,
  nameOf,
  namesOf,
  type Revocation,
  type StreamId
} from './types.ts'

/** One entry of the log, authenticated; `id` is its time, and `of` names the revocation across copies of it. */
export type LogEntry = Readonly<{ id: StreamId, of: string, revocation: Revocation }>

export type LedgerOptions = Readonly<{
  clock: Pick<Clock, 'monotonic'>
  /** Milliseconds for which a revocation may matter to an entry. */
  retentionMs: number
  /** What the heap holds: `ledgerNames` (memory-budget.ts). */
  maxRevocations?: number | undefined
  /** Of resource tokens; undefined where there are none. */
  tokens?: TokenLedger | undefined
  maxRepublished?: number
}>

type Named = readonly [of: string, revocation: Revocation]
/** `id`: its time by Redis; `number`: how many revocations this replica had learned of with it. */
type Revoked = Readonly<{ id: StreamId, number: number, readAt: number }>
type Republishable = Readonly<{ revocation: Revocation, readAt: number }>

/** Revocations that are republished one by one; more are one `everything`. */
const MAX_REPUBLISHED = 1000
/** Names dropped from each map with each entry: more than one entry adds, so that the maps shrink. */
const MAX_SWEPT = 4

/**
 * The revocations that one replica has read or taken itself: names, each with the time of its newest one. What this
 * replica resolved is void by the order in which it learned, what another one resolved by Redis' time. No I/O, no clock
 * but the injected one.
 */
export class Ledger {
  readonly #clock: LedgerOptions['clock']
  readonly #retentionMs: number
  readonly #tokens: TokenLedger | undefined
  /** Name of the log whose times count. */
  #log = ''
  /** The newest time read in it. */
  #id: StreamId = FIRST_ID
  /** How many revocations were learned of, by reading or by taking them. */
  #local = 0
  /** Oldest first. */
  readonly #revoked: BoundedMap<Revoked>
  /** What began before is void: by `everything`, and by names that had no room. */
  #floor: Omit<Revoked, 'readAt'> = { id: FIRST_ID, number: 0 }
  /** Revocations taken here whose log entry is not read yet: name → number. */
  readonly #unconfirmed = new Map<string, Readonly<{ number: number, of: string }>>()
  /** Name → monotonic milliseconds until which nothing about it is stored; oldest first. */
  readonly #noStoreUntil: BoundedMap<number>
  /** Monotonic milliseconds until which nothing at all is stored, since the map had no room. */
  #noStoreForAllUntil = -Infinity
  /** Revocations read within the retention, by `of`: republished where a new log lacks them. */
  readonly #republishable: BoundedMap<Republishable>
  #republishOverflowAt = -Infinity
  #pendingRepublish = new Map<string, Revocation>()

  constructor ({
    clock,
    retentionMs,
    maxRevocations = MAX_LEDGER_NAMES,
    maxRepublished = MAX_REPUBLISHED,
    tokens
  }: LedgerOptions) {
    this.#clock = clock
    this.#tokens = tokens
    this.#retentionMs = retentionMs
    this.#revoked = new BoundedMap(maxRevocations)
    this.#noStoreUntil = new BoundedMap(maxRevocations)
    this.#republishable = new BoundedMap(maxRepublished)
  }

  get log (): string { return this.#log }
  get id (): StreamId { return this.#id }
  /** How many names of each kind are held. */
  get sizes (): Readonly<Record<'revoked' | 'noStore', number>> {
    return { revoked: this.#revoked.size, noStore: this.#noStoreUntil.size }
  }

  /** Revocations that the current log lacks: until they are read back no shared entry is trusted. */
  get pendingRepublish (): ReadonlyMap<string, Revocation> { return this.#pendingRepublish }

  /** When a revocation of that name was read within the retention: another copy of it is no news. */
  readAt (of: string): number | undefined { return this.#republishable.get(of)?.readAt }

  stamp (): Stamp { return { log: this.#log, at: this.#id } }

  snapshot (): RevocationSnapshot {
    return { stamp: this.stamp(), local: this.#local, at: this.#clock.monotonic() }
  }

  /** Another log is read from its beginning: what is known stays known, and is written where that one lacks it. */
  adopt (log: string): void {
    this.#log = log
    this.#id = FIRST_ID
    this.#floor = { ...this.#floor, id: FIRST_ID } // no entry of another log is trusted
    const ended = this.#tokens?.toRepublish() ?? []
    this.#pendingRepublish = new Map(withFewWide([...ended, ...this.#pendingRepublish, ...this.#toRepublish()]))
    this.#tokens?.adopt()
  }

  /** Reads on without what an entry says. */
  pass (id: StreamId): void { this.#id = id }

  /** Everything from before now is void, and every shared entry from before that time. */
  voidAll (id: StreamId = this.#id): void { this.#raiseFloor({ id, number: ++this.#local }) }

  apply ({ id, of, revocation: read }: LogEntry): void {
    const revocation = withTimeOfEntry(read, id)
    const name = nameOf(revocation.target)
    // what was resolved here after a revocation was learned of is not void for a copy of it
    const isNews = !this.#republishable.has(of)
    const number = isNews ? ++this.#local : this.#revoked.get(name)?.number ?? 0
    const revoked = { id, number, readAt: this.#clock.monotonic() }
    this.#id = id
    this.#tokens?.apply(of, revocation)
    const awaited = this.#pendingRepublish.get(of)
    if (awaited !== undefined && isCopy(revocation, awaited)) this.#pendingRepublish.delete(of)
    if (name === EVERYTHING) this.#raiseFloor(revoked)
    else this.#raiseFloor(this.#revoked.set(name, revoked))
    sweep(this.#revoked, ({ readAt }) => readAt + this.#retentionMs < revoked.readAt)
    this.#keepForRepublish(of, revocation)
    if (this.#unconfirmed.get(name)?.of === of) this.#unconfirmed.delete(name)
    else this.#extendNoStore(name, revocation.quietMs) // its own began when it was taken here
  }

  /** A revocation taken here holds at once, whatever Redis does: every resolution that began before it is void. */
  take (revocation: Revocation, of: string): void {
    const name = nameOf(revocation.target)
    if (name === EVERYTHING) this.#unconfirmed.clear() // a resolution that began after it began after all of them
    this.#unconfirmed.set(name, { number: ++this.#local, of })
    this.#tokens?.take(of, revocation)
    this.#extendNoStore(name, revocation.quietMs)
  }

  /** A revocation taken here is older than the retention: no entry is left that it could void. */
  release ({ target }: Revocation, of: string): void {
    const name = nameOf(target)
    if (this.#unconfirmed.get(name)?.of === of) this.#unconfirmed.delete(name)
    this.#tokens?.release(of)
  }

  /** Of what this replica resolved, or took over, when it had learned of `local` revocations. */
  isVoid ({ userId, digests }: Affected, { local }: Pick<RevocationSnapshot, 'local'>): boolean {
    if (local >= this.#local) return false // runs on every hit; mostly nothing was revoked since
    if (this.#floor.number > local) return true
    return [EVERYTHING, ...namesOf(userId, digests)].some((name) =>
      (this.#revoked.get(name)?.number ?? 0) > local || (this.#unconfirmed.get(name)?.number ?? 0) > local)
  }

  /** @returns whether another replica's entry is of this log, and no revocation at a later time or pending voids it */
  trusts ({ stamp, digests, resolution }: Entry): boolean {
    if (stamp.log === '' || stamp.log !== this.#log || this.#pendingRepublish.size > 0) return false
    if (compareIds(this.#floor.id, stamp.at) > 0) return false
    const userId = resolution.kind === 'valid' ? resolution.userId : undefined
    return ![EVERYTHING, ...namesOf(userId, digests)].some((name) => {
      const revoked = this.#revoked.get(name)
      return this.#unconfirmed.has(name) || (revoked !== undefined && compareIds(revoked.id, stamp.at) > 0)
    })
  }

  isUncacheable ({ userId, digests }: Affected, at: number): boolean {
    if (this.#noStoreUntil.size === 0) return false
    if (at < this.#noStoreForAllUntil) return true
    return [EVERYTHING, ...namesOf(userId, digests)].some((name) => at < (this.#noStoreUntil.get(name) ?? -Infinity))
  }

  /**
   * @returns the revocations a new log must have: all read within the retention, or `everything` where they are too
   * many
   */
  #toRepublish (): Array<[string, Revocation]> {
    const since = this.#clock.monotonic() - this.#retentionMs
    const past = [...this.#republishable.entries()].filter(([, { readAt }]) => readAt >= since)
    const newest = past.at(-1)
    if (newest !== undefined && this.#republishOverflowAt >= since) {
      const { ends, ...revocation } = newest[1].revocation
      // those that end tokens go by name, however many they are
      const ending = this.#tokens === undefined && ends !== undefined ? { ends } : {}
      return [[`all ${newest[0]}`, { ...revocation, ...ending, target: { kind: 'everything' } }]]
    }
    return past.map(([of, { revocation }]) => [of, revocation])
  }

  #keepForRepublish (of: string, revocation: Revocation): void {
    const forgotten = this.#republishable.set(of, { revocation, readAt: this.#clock.monotonic() })
    if (forgotten !== undefined) this.#republishOverflowAt = forgotten.readAt
  }

  /** Kept until every resolution that began within it has ended; a name without room holds for everyone. */
  #extendNoStore (name: string, quietMs: number): void {
    if (quietMs <= 0) return
    const now = this.#clock.monotonic()
    const forgotten = this.#noStoreUntil.set(name, Math.max(now + quietMs, this.#noStoreUntil.get(name) ?? 0))
    if (forgotten !== undefined) this.#noStoreForAllUntil = Math.max(forgotten, this.#noStoreForAllUntil)
    sweep(this.#noStoreUntil, (until) => until + this.#retentionMs <= now)
  }

  #raiseFloor (to: Omit<Revoked, 'readAt'> | undefined): void {
    if (to === undefined) return
    const { id, number } = this.#floor
    this.#floor = { id: compareIds(to.id, id) > 0 ? to.id : id, number: Math.max(to.number, number) }
  }
}

/**
 * Each `everything` voids all resolutions under way: many of them, republished within a second, would be an outage.
 * The newest voids what all of them would; one may end more tokens, and one be quiet for longer.
 */
function withFewWide (all: ReadonlyArray<Named>): ReadonlyArray<Named> {
  const wide = all.filter(([, { target }]) => target.kind === 'everything')
  const most = (of: (revocation: Revocation) => number): Named | undefined =>
    wide.toSorted(([, one], [, other]) => of(one) - of(other)).at(-1) // the newest of equals
  const kept = new Set([wide.at(-1), most(({ ends = -Infinity }) => ends), most(({ quietMs }) => quietMs)])
  return all.filter((one) => one[1].target.kind !== 'everything' || kept.has(one))
}

/** A copy of the entry in another log must not end tokens that were issued since. */
function withTimeOfEntry (revocation: Revocation, id: StreamId): Revocation {
  const { ends } = revocation
  if (ends === undefined || ends > 0) return revocation
  return { ...revocation, ends: Number(id.split('-')[0]) + ends }
}

/** Drops the oldest names that no longer matter, a few at a time. */
function sweep<V> (map: BoundedMap<V>, isOver: (value: V) => boolean): void {
  for (let n = 0; n < MAX_SWEPT; n++) {
    const oldest = map.oldest()
    if (oldest === undefined || !isOver(oldest[1])) return
    map.delete(oldest[0])
  }
}
