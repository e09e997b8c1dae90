import { elapsedSince, type Moment, momentOf } from '../../base/clock.ts'
import { createKnownTypes, effectOf } from './activity-types.ts'
import { type ApplierDeps, type Coalescer, createApplier } from './apply.ts'
import type { AuditClient } from './client.ts'
import type { Page, Second } from './entry.ts'
import type { PollOutcome } from './observer.ts'
import { advance, beginAt, type Overlap, type Position, startOf, trustedNow } from './position.ts'
import type { AuditStore } from './store.ts'
import { ALL, inOrder, PAGE, readWindow, type Window, type WindowRead } from './window.ts'

/** The time since the last poll that succeeded, and whether any failed since. */
export type Gap = Readonly<{
  /** Milliseconds; undefined where nobody knows of one. */
  ageMs: number | undefined
  isTroubled: boolean
  /** True if Redis failed this replica since, which ran all the while: no replica could lead. */
  isRedisToBlame: boolean
}>

/**
 * - `none`: nothing can have been lost;
 * - `redis`: nobody read the audit log, since Redis gave no lease; it is read from where it was;
 * - `expired`: something may, but all that it could concern has expired meanwhile;
 * - `lost`: something may, and only `everything` makes up for it. Not more than that: Authgear slow, poll fails, all
 *   void, Authgear slower.
 */
export type GapVerdict = 'none' | 'redis' | 'expired' | 'lost'

/** @param lifetimeMs how long anything is remembered */
export function classifyGap (
  { ageMs, isTroubled, isRedisToBlame }: Gap,
  overlapMs: number,
  lifetimeMs: number
): GapVerdict {
  if (isTroubled) return 'lost' // however long ago: sessions were remembered all the while
  if (ageMs === undefined || ageMs <= Math.min(overlapMs, lifetimeMs)) return 'none'
  if (isRedisToBlame) return 'redis'
  return ageMs > lifetimeMs ? 'expired' : 'lost'
}

/** However long a session is kept for an outage (CACHE_STALE_IF_ERROR). */
const MAX_OVERLAP_MS = 120_000

export type FollowerDeps = Omit<ApplierDeps, 'leads'> & Readonly<{
  /** Numbers the time for which this replica leads; undefined while it does not. */
  leaderTerm: () => number | undefined
  client: Pick<AuditClient, 'types' | 'page'>
  store: Pick<AuditStore, 'load' | 'save' | 'claimGap'>
  /**
   * Milliseconds that are read again at least, 10 s or more: an entry may become visible after a newer one. As much as
   * `lifetimeMs` is read again where it fits one answer.
   */
  overlapMs: number
  /** Milliseconds for which anything is remembered. */
  lifetimeMs: number
}>

export type Follower = Readonly<{
  /** Reads what is new, and revokes. @throws {AuditError} where that cannot be, or nobody knows whether it was */
  poll: () => Promise<PollOutcome>
  /** A poll failed: entries may have been lost, and the next leader has to know that too. */
  troubled: () => Promise<void>
  /** Redis failed this replica: that nobody read the audit log meanwhile says nothing of Authgear. */
  redisFailed: () => void
  /** Milliseconds until everything is to be revoked, since an interval ends; undefined where it is not. */
  dueMs: () => number | undefined
  /** Revokes everything where that is due. */
  flush: () => Promise<boolean>
  /** The number of entries of unknown types that the last poll left out. */
  unread: () => number
}>

/** `success`: when Authgear's log was last read as far as it went, and how old that was then already. */
type State = { position: Position, success: Readonly<{ moment: Moment, ageMs: number }> | undefined }

/** Does at each poll what the one that leads has to do: docs/audit-log.md. */
export function createFollower (deps: FollowerDeps): Follower {
  const { client, store, clock, observer } = deps
  const overlap = overlapOf(deps)
  const read = createReader(deps, overlap)
  let mine: number | undefined
  const leads = (): boolean => mine !== undefined && deps.leaderTerm() === mine
  const { everything, apply, flush } = createApplier({ ...deps, leads })
  const types = createKnownTypes(client, clock)
  let state: State | undefined
  let hasFailed = false
  const gaps = createGaps(deps, everything, async (current) => await save(current, true))

  /** A new leader begins with what is stored, and what is still to be done by it. */
  function abandon (): PollOutcome {
    state = undefined
    mine = undefined
    hasFailed = false
    everything.forget()
    return 'lost_lease'
  }

  async function takeOver (names: readonly string[]): Promise<State> {
    const begun = await begin(deps, names, overlap)
    if (begun.position.isEverythingDue) everything.request()
    state = begun
    return begun
  }

  async function save (current: State, isEverythingDue = everything.isRequested()): Promise<boolean> {
    current.position = { ...current.position, isEverythingDue }
    return await store.save(current.position, ageOf(current, clock) ?? 0)
  }

  async function poll (): Promise<PollOutcome> {
    if (!leads()) abandon()
    mine ??= deps.leaderTerm()
    const names = await types.get()
    const current = state ?? await takeOver(names)
    const { position, success } = current
    const sent = momentOf(clock)
    const reading = await read.next(current, names)
    const answered = clock.monotonic()
    if (!leads() || !await gaps.handle(current, hasFailed)) return abandon()
    if (hasOverflowed(reading, position)) { observer.overflow(); everything.request() }
    if (reading.unread.count > 0) observer.unread(reading.unread.count, reading.unread.types)
    const fresh = reading.entries.filter(({ seq }) => !position.seen.has(seq))
    const isLogged = await apply(fresh)
    if (!leads()) return abandon()
    if (!isLogged) return await keepPlace(current, sent, reading)
    const late = (clock.monotonic() - answered) / 1000
    if (success !== undefined) {
      for (const { second } of fresh) observer.applied(Math.max(0, reading.now - second) + late)
    }
    const moved = advance(position, reading.from, reading, overlap)
    // Authgear's own word at first: a machine whose clock is behind would never see a later second
    current.position = position.at === undefined ? { ...moved, at: reading.answeredNow } : moved
    return await finish(current, sent, 'ok')
  }

  /** Authgear was read, and the revocation log did not take all of it: the next poll reads it again. */
  async function keepPlace (current: State, sent: Moment, { now, answeredNow }: Reading): Promise<PollOutcome> {
    const { position } = current
    current.position = { ...position, at: position.at === undefined ? answeredNow : now, isTroubled: false }
    return await finish(current, sent, 'pending')
  }

  async function finish (current: State, sent: Moment, outcome: PollOutcome): Promise<PollOutcome> {
    current.success = { moment: sent, ageMs: 0 }
    hasFailed = false
    return await save(current) ? outcome : abandon()
  }

  return Object.freeze({
    poll,
    flush,
    dueMs: everything.waitMs,
    async troubled () {
      types.forget()
      hasFailed = true
      if (state === undefined || state.position.isTroubled || !leads()) return
      const troubled = { ...state, position: { ...state.position, isTroubled: true } }
      if (await save(troubled)) state.position = troubled.position // else the next failure writes it
    },
    redisFailed: gaps.redisFailed,
    unread: read.unread
  })
}

/** More in one second and of one type than an answer holds, and not the same ones as before. */
function hasOverflowed ({ overflows }: WindowRead, { covered }: Position): boolean {
  return [...overflows].some(([cell, total]) => cell === ALL || covered.get(cell) !== total)
}

/** @param saveDue writes that everything is due; false where the lease was lost */
function createGaps (
  { store, clock, observer, overlapMs, lifetimeMs }: FollowerDeps,
  everything: Pick<Coalescer, 'request'>,
  saveDue: (current: State) => Promise<boolean>
) {
  const startedAt = momentOf(clock)
  let redisFailedAt: Moment | undefined
  const isRedisToBlame = (ageMs: number | undefined): boolean =>
    ageMs !== undefined && redisFailedAt !== undefined &&
    elapsedSince(redisFailedAt, clock) <= ageMs && ageMs <= elapsedSince(startedAt, clock)

  return Object.freeze({
    /** @returns false where the lease was lost */
    async handle (current: State, hasFailed: boolean): Promise<boolean> {
      const ageMs = ageOf(current, clock)
      const isTroubled = hasFailed || current.position.isTroubled
      const verdict = classifyGap({ ageMs, isTroubled, isRedisToBlame: isRedisToBlame(ageMs) }, overlapMs, lifetimeMs)
      if (verdict === 'expired' || verdict === 'redis') observer.gap(verdict)
      if (verdict !== 'lost') return true
      // written first: no death in between loses it
      if (!await saveDue(current)) return false
      const isFree = await store.claimGap()
      observer.gap(isFree ? 'everything' : 'suppressed')
      if (isFree) everything.request()
      return true
    },
    redisFailed () { redisFailedAt = momentOf(clock) }
  })
}

function overlapOf ({ overlapMs, lifetimeMs }: FollowerDeps): Overlap {
  const least = Math.ceil(overlapMs / 1000)
  return { least, most: Math.max(least, Math.ceil(Math.min(lifetimeMs, MAX_OVERLAP_MS) / 1000)) }
}

const ageOf = ({ success }: State, clock: FollowerDeps['clock']): number | undefined =>
  success === undefined ? undefined : success.ageMs + elapsedSince(success.moment, clock)

/** Begins where the leader before stopped, or at the newest entry. */
async function begin (
  { store, client, clock }: FollowerDeps,
  types: readonly string[],
  { most }: Overlap
): Promise<State> {
  const moment = momentOf(clock)
  const stored = await store.load()
  const success = stored === undefined ? undefined : { moment, ageMs: stored.ageMs }
  if (stored?.position !== undefined) return { position: stored.position, success }
  const { entries: [newest], now } = await client.page({ from: undefined, to: undefined, types }, 1)
  const second = newest === undefined ? undefined : Math.min(newest.second, now)
  return { position: beginAt(second, stored !== undefined, most), success }
}

type Reading = WindowRead & Readonly<{
  from: Second | undefined
  /** Authgear's clock by its own word. */
  answeredNow: Second
  /** Entries of types that nobody knows, which no answer showed. */
  unread: Unread
}>

type Unread = Readonly<{ count: number, types: readonly string[] }>
const NOTHING_UNREAD: Unread = Object.freeze({ count: 0, types: [] })

/** Reads what may be new since a position: by one answer that goes far back, or by several that do not. */
function createReader ({ client, clock, lifetimeMs }: FollowerDeps, overlap: Overlap) {
  const reach = Math.ceil(lifetimeMs / 1000) + overlap.least
  let isBusy = false
  let unread = 0
  let answeredNow: Second = 0

  async function ask (window: Window, current: State): Promise<Page> {
    const page = await client.page(window)
    answeredNow = page.now
    return { ...page, now: trustedNow(page.now, Math.floor(clock.wall() / 1000), expectedNow(current, clock)) }
  }
  /** Reads the newest of unknown types: however many a stranger causes, they hide no type that means something. */
  async function readUnknown (from: Second | undefined, types: readonly string[], current: State) {
    if (types.length === 0) return { entries: [], unread: NOTHING_UNREAD }
    const { entries, total } = await ask({ from, to: undefined, types }, current)
    const unread = { count: total - entries.length, types: [...new Set(entries.map(({ type }) => type))].toSorted() }
    return { entries, unread }
  }
  async function next (current: State, types: readonly string[]): Promise<Reading> {
    const { at, settled } = current.position
    const most = startOf(current.position, overlap.most)
    if (!isBusy && overlap.most > overlap.least) {
      const page = await ask({ from: most, to: undefined, types }, current)
      const entries = inOrder(page.entries)
      const whole = { from: most, answeredNow, overflows: new Map(), unread: NOTHING_UNREAD }
      if (page.total <= PAGE) return { ...page, ...whole, entries }
    }
    const from = at === undefined ? most : startOf(current.position, overlap.least)
    const known = types.filter((type) => effectOf(type) !== undefined)
    const unknown = await readUnknown(from, types.filter((type) => effectOf(type) === undefined), current)
    const isSettled = (total: number): boolean => settled?.total === total && settled.from === from
    const window = { from, to: undefined, types: known }
    const found = await readWindow(window, reach, (part) => ask(part, current), isSettled)
    isBusy = found.total * overlap.most > PAGE * overlap.least
    const entries = inOrder([...found.entries, ...unknown.entries])
    return { ...found, entries, from, answeredNow, unread: unknown.unread }
  }
  return Object.freeze({
    async next (current: State, types: readonly string[]): Promise<Reading> {
      const reading = await next(current, types)
      unread = reading.unread.count
      return reading
    },
    unread: () => unread
  })
}

function expectedNow ({ position, success }: State, clock: FollowerDeps['clock']): Second | undefined {
  if (position.at === undefined || success === undefined) return undefined
  return position.at + Math.ceil((success.ageMs + clock.monotonic() - success.moment.monotonic) / 1000)
}
