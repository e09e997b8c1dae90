import type { Clock } from '../clock.ts'
import { type Affected, affectedOf, type Entry, type Stamp } from '../core/entry.ts'
import { MAX_LEDGER_NAMES } from '../core/memory-budget.ts'
import { BoundedMap } from './bounded-map.ts'
import type { TokenLedger } from './token-ledger.ts'
import {
  compareIds,
  EVERYTHING,
  FIRST_ID,
  type RevocationSnapshot,
  isCopy,
  millisecondsOf,
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
  /** The names that the heap holds: `ledgerNames` (memory-budget.ts). */
  maxRevocations?: number | undefined
  /** As many as names. */
  maxPositions?: number
  /** The ledger of resource tokens; undefined where there are none. */
  tokens?: TokenLedger | undefined
  maxRepublished?: number
}>

type Named = readonly [of: string, revocation: Revocation]
type Republishable = Readonly<{ revocation: Revocation, id: StreamId, readAt: number }>
/** The newest position at a time, in monotonic milliseconds. */
type Milestone = Readonly<{ id: StreamId, at: number }>

/** Revocations that are republished one by one; more are one `everything`. */
const MAX_REPUBLISHED = 1000
/** Generations that were left: those of weeks, where Redis loses its log all the time. */
const MAX_LEFT = 10_000
/** Milestones in one retention: the end of the retention is known to one part in so many. */
const MILESTONES = 64
/** Quiet revocations that stay instead of a younger one, with each entry that is read. */
const MAX_SPARED = 4
/** Names dropped from each map with each entry: more than one entry adds, so that the maps shrink. */
const MAX_SWEPT = 4

/**
 * The revocations that one replica has read in the log or taken itself. No I/O, no clock but the injected one.
 * The caller adopts a generation and applies its entries in order; the ledger then says which resolutions are void.
 */
export class Ledger {
  readonly #clock: LedgerOptions['clock']
  readonly #retentionMs: number
  readonly #tokens: TokenLedger | undefined
  #generation = ''
  #id: StreamId = FIRST_ID
  #nonce = ''
  /** Monotonic milliseconds at which the newest entry was read. */
  #readAt = -Infinity
  /** When it was written, in milliseconds of Redis' clock; of an older generation until this one has an entry. */
  #writtenAt = 0
  /** Newest position at which a name was revoked, oldest first. */
  readonly #revoked: BoundedMap<StreamId>
  /** Newest of them: what was made at it or later is void by no name that was read. */
  #newestRevoked: StreamId = FIRST_ID
  /**
   * A resolution from before this position is void: it stands for `everything`, for the names that the maps had no room
   * for, and for the end of the retention.
   */
  #voidBefore: StreamId = FIRST_ID
  /** Oldest first. */
  #milestones: Milestone[] = []
  /** Positions read in this generation: an entry is trusted at no other. */
  readonly #positions: BoundedMap<StreamId>
  #local = 0
  /** Revocations taken here whose log entry is not read yet: name → number. */
  readonly #unconfirmed = new Map<string, Readonly<{ number: number, of: string }>>()
  /** Name → monotonic milliseconds until which nothing about it is stored; oldest first. */
  readonly #noStoreUntil: BoundedMap<number>
  /** Monotonic milliseconds until which nothing at all is stored, since the map had no room. */
  #noStoreForAllUntil = -Infinity
  /** Revocations read within the retention, by `of`: republished where a new log lacks them. */
  readonly #republishable: BoundedMap<Republishable>
  /**
   * Evicted revocations: when the newest was read; and until when the quietest is quiet, in milliseconds of
   * Redis' clock, since a replica that starts reads in one moment what is minutes old.
   */
  #forgotten = { readAt: -Infinity, quietUntil: -Infinity, quietMs: 0 }
  /** Generations that were left, oldest first. */
  readonly #left = new BoundedMap<true>(MAX_LEFT)
  /** Newest entry whose revocation was skipped. */
  #skippedTo: StreamId = FIRST_ID
  #pendingRepublish = new Map<string, Revocation>()

  constructor ({
    clock,
    retentionMs,
    maxRevocations = MAX_LEDGER_NAMES,
    maxPositions = maxRevocations,
    maxRepublished = MAX_REPUBLISHED,
    tokens
  }: LedgerOptions) {
    this.#clock = clock
    this.#tokens = tokens
    this.#retentionMs = retentionMs
    this.#revoked = new BoundedMap(maxRevocations)
    this.#positions = new BoundedMap(maxPositions)
    this.#noStoreUntil = new BoundedMap(maxRevocations)
    this.#republishable = new BoundedMap(maxRepublished)
  }

  get generation (): string { return this.#generation }
  /** Nonce of the newest entry read; empty where none of this generation was. */
  get nonce (): string { return this.#nonce }
  get id (): StreamId { return this.#id }
  /** Number of names held, by kind. */
  get sizes (): Readonly<Record<'revoked' | 'positions' | 'noStore', number>> {
    return { revoked: this.#revoked.size, positions: this.#positions.size, noStore: this.#noStoreUntil.size }
  }

  /** Revocations that the current log lacks: until they are read back no shared entry is trusted. */
  get pendingRepublish (): ReadonlyMap<string, Revocation> { return this.#pendingRepublish }

  /** True if a revocation of that name was read within the retention: another copy of it is no news. */
  knows (of: string): boolean { return this.#republishable.has(of) }

  hasLeft (generation: string): boolean { return this.#left.has(generation) }

  stamp (): Stamp {
    return { generation: this.#generation, position: { id: this.#id, nonce: this.#nonce } }
  }

  snapshot (): RevocationSnapshot {
    return { stamp: this.stamp(), local: this.#local, at: this.#clock.monotonic() }
  }

  /** Nothing of the old generation is used any more (I2); its revocations are republished in the new one. */
  adopt (generation: string): void {
    if (this.#generation !== '') this.#left.set(this.#generation, true)
    this.#generation = generation
    this.#id = FIRST_ID
    this.#nonce = ''
    this.#revoked.clear()
    this.#newestRevoked = FIRST_ID
    this.#voidBefore = FIRST_ID
    this.#skippedTo = FIRST_ID
    this.#milestones = []
    this.#positions.clear()
    const ended = this.#tokens?.toRepublish() ?? []
    this.#pendingRepublish = new Map(withFewWide([...ended, ...this.#pendingRepublish, ...this.#toRepublish()]))
    this.#tokens?.adopt()
  }

  #advance (entry: LogEntry): void {
    this.#age()
    this.#id = entry.id
    this.#writtenAt = millisecondsOf(entry.id)
    this.#nonce = entry.nonce
    this.#positions.set(entry.nonce, entry.id)
  }

  /** Reads on without what an entry revokes, until `voidSkipped`: meanwhile nothing of Redis may be used. */
  skip (entry: LogEntry): void {
    this.#advance(entry)
    this.#skippedTo = entry.id
  }

  /** Reads on: everything from before that entry is void, and there is nothing to republish. */
  pass (entry: LogEntry): void {
    this.#advance(entry)
    this.#raiseVoidBefore(entry.id)
  }

  /** Everything from before the newest skipped entry is void. */
  voidSkipped (): void {
    this.#raiseVoidBefore(this.#skippedTo)
  }

  apply (entry: LogEntry): void {
    this.#advance(entry)
    if (entry.revocation === undefined) return
    const revocation = withTimeOfEntry(entry.revocation, entry.id)
    const name = nameOf(revocation.target)
    this.#tokens?.apply(entry.of, revocation)
    const awaited = this.#pendingRepublish.get(entry.of)
    if (awaited !== undefined && isCopy(revocation, awaited)) this.#pendingRepublish.delete(entry.of)
    if (name === EVERYTHING) this.#voidBefore = entry.id
    else this.#revokeName(name, entry.id)
    this.#keepForRepublish(entry, revocation)
    if (this.#unconfirmed.get(name)?.of === entry.of) this.#unconfirmed.delete(name)
    else this.#extendNoStore(name, revocation.quietMs) // its own began when it was taken here
  }

  /** The oldest name goes where there is no room: then all from before it is void. */
  #revokeName (name: string, id: StreamId): void {
    this.#newestRevoked = id
    this.#raiseVoidBefore(this.#revoked.set(name, id))
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

  /** @param about its digests are read only if there is something to look for: it runs on every hit */
  isVoid (about: Affected, { stamp, local }: Pick<RevocationSnapshot, 'stamp' | 'local'>): boolean {
    if (stamp.generation !== this.#generation) return true
    const { id } = stamp.position
    if (this.#voidBefore !== FIRST_ID && compareIds(this.#voidBefore, id) > 0) return true
    // mostly nothing was revoked since the entry was made
    const noneSince = this.#newestRevoked === FIRST_ID || compareIds(this.#newestRevoked, id) <= 0
    if (noneSince && this.#unconfirmed.size === 0) return false
    return [EVERYTHING, ...namesOf(about.userId, about.digests)].some((name) => {
      const revokedAt = this.#revoked.get(name)
      return (
        (revokedAt !== undefined && compareIds(revokedAt, id) > 0) ||
        (this.#unconfirmed.get(name)?.number ?? 0) > local
      )
    })
  }

  /** Also of those that a new log lacks yet. */
  names ({ digests }: Pick<Affected, 'digests'>): boolean {
    const names = new Set(namesOf(undefined, digests))
    return [...names].some((name) => this.#revoked.has(name) || this.#unconfirmed.has(name)) ||
      [...this.#pendingRepublish.values()].some(({ target }) => names.has(nameOf(target)))
  }

  /**
   * @returns whether an entry from Redis stands at a position that this replica read, and no revocation after it or
   * still pending voids it
   */
  trusts (entry: Entry): boolean {
    const { stamp } = entry
    if (stamp.generation === '' || this.#positions.get(stamp.position.nonce) !== stamp.position.id) return false
    return this.#pendingRepublish.size === 0 && !this.isVoid(affectedOf(entry), { stamp, local: 0 })
  }

  isUncacheable ({ userId, digests }: Affected, at: number): boolean {
    if (this.#noStoreUntil.size === 0) return false
    if (at < this.#noStoreForAllUntil) return true
    return [EVERYTHING, ...namesOf(userId, digests)].some((name) => at < (this.#noStoreUntil.get(name) ?? -Infinity))
  }

  /**
   * @returns the revocations a new log must have: all read within the retention; where they are too many, `everything`,
   * and by name who is quiet still: a quiet time for everybody has Authgear asked at each request
   */
  #toRepublish (): Named[] {
    const now = this.#clock.monotonic()
    const since = now - this.#retentionMs
    const past = [...this.#republishable.entries()].filter(([, { readAt }]) => readAt >= since)
    const newest = past.at(-1)
    const isWhole = newest === undefined || this.#forgotten.readAt < since
    const byName = isWhole ? past : past.filter(([, one]) => isQuiet(one, now))
    const named = byName.map(([of, one]): Named => [of, quietForTheRest(one, now)])
    return isWhole ? named : [...named, this.#forAllForgotten(newest)]
  }

  #forAllForgotten ([of, { revocation: { ends, others: _, ...revocation } }]: readonly [string, Republishable]): Named {
    // those that end tokens go by name, however many they are
    const ending = this.#tokens === undefined && ends !== undefined ? { ends } : {}
    return [`all ${of}`, { ...revocation, ...ending, quietMs: this.#quietLeft(), target: { kind: 'everything' } }]
  }

  /** The no-store time of forgotten revocations from the newest entry on: the clock of another server may be behind. */
  #quietLeft (): number {
    const { quietUntil, quietMs } = this.#forgotten
    return Math.min(quietMs, Math.max(0, quietUntil - this.#writtenAt))
  }

  /** A forgotten revocation that is quiet still would be quiet for everybody: the next oldest goes in its place. */
  #spareQuiet (): void {
    for (let n = 0; n < MAX_SPARED && this.#republishable.isFull; n++) {
      const oldest = this.#republishable.oldest()
      if (oldest === undefined || !isQuiet(oldest[1], this.#clock.monotonic())) return
      this.#republishable.set(...oldest)
    }
  }

  #keepForRepublish ({ of, id }: LogEntry, revocation: Revocation): void {
    if (!this.#republishable.has(of)) this.#spareQuiet()
    const forgotten = this.#republishable.set(of, { revocation, id, readAt: this.#clock.monotonic() })
    if (forgotten === undefined) return
    const { quietMs } = forgotten.revocation
    this.#forgotten = {
      readAt: Math.max(this.#forgotten.readAt, forgotten.readAt), // the quiet ones are spared: in no order
      quietUntil: Math.max(this.#forgotten.quietUntil, millisecondsOf(forgotten.id) + quietMs),
      quietMs: Math.max(this.#quietLeft(), quietMs)
    }
  }

  /** Kept until every resolution that began within it has ended; a name without room holds for everyone. */
  #extendNoStore (name: string, quietMs: number): void {
    if (quietMs <= 0) return
    const now = this.#clock.monotonic()
    const forgotten = this.#noStoreUntil.set(name, Math.max(now + quietMs, this.#noStoreUntil.get(name) ?? 0))
    if (forgotten !== undefined) this.#noStoreForAllUntil = Math.max(forgotten, this.#noStoreForAllUntil)
    sweep(this.#noStoreUntil, (until) => until + this.#retentionMs <= now)
  }

  /**
   * Raises `voidBefore` to the newest position of one retention ago: an entry that lives was made there or later.
   * By the monotonic clock alone: a clock that stands still keeps more names, and no clock can void less.
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
      this.#raiseVoidBefore(oldest.id)
      this.#milestones.shift()
    }
    sweep(this.#revoked, (id) => compareIds(id, this.#voidBefore) <= 0)
    // an entry made at this very position is not void
    sweep(this.#positions, (id) => compareIds(id, this.#voidBefore) < 0)
  }

  #raiseVoidBefore (id: StreamId | undefined): void {
    if (id !== undefined && compareIds(id, this.#voidBefore) > 0) this.#voidBefore = id
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

const isQuiet = ({ revocation, readAt }: Republishable, now: number): boolean => readAt + revocation.quietMs > now

/**
 * A copy is quiet for what is left, and never not at all: a whole quiet time with each new log kept everybody uncached
 * for minutes. It was read after it began, so what is left is never too short. @param now monotonic milliseconds
 */
function quietForTheRest ({ revocation, readAt }: Republishable, now: number): Revocation {
  const { quietMs } = revocation
  return quietMs === 0 ? revocation : { ...revocation, quietMs: Math.max(1, Math.ceil(readAt + quietMs - now)) }
}

/** A copy of the entry in another log must not end tokens that were issued since. */
function withTimeOfEntry (revocation: Revocation, id: StreamId): Revocation {
  const { ends } = revocation
  if (ends === undefined || ends > 0) return revocation
  return { ...revocation, ends: millisecondsOf(id) + ends }
}

/** Drops the oldest names that no longer matter, a few at a time. */
function sweep<V> (map: BoundedMap<V>, isOver: (value: V) => boolean): void {
  for (let n = 0; n < MAX_SWEPT; n++) {
    const oldest = map.oldest()
    if (oldest === undefined || !isOver(oldest[1])) return
    map.delete(oldest[0])
  }
}
