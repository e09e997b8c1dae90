import { randomBytes } from 'node:crypto'
import { elapsedSince, momentOf, NEVER } from '../../clock.ts'
import { createBudget, type Budget } from './budget.ts'
import { Ledger } from './ledger.ts'
import type { ReadEntry } from './codec.ts'
import { FOLLOWING_MS, trackHealth } from './health.ts'
import { createJunkGuard, type JunkGuard } from './junk.ts'
import { createPublisher, type Publisher } from './publisher.ts'
import type { Head, Snapshot, StreamLogDeps } from './store.ts'
import { createSuspension, type Suspension } from './suspension.ts'
import { FIRST_ID, type RevocationLog, type TokenNames } from './types.ts'

export interface StreamLog extends RevocationLog {
  /**
   * Reads new entries until they link up with the head; rejects where Redis is unreachable or they never do, with
   * LogSuspended where the log was changed so often that it is left as it is for a while.
   */
  poll (): Promise<void>
  /** Publishes the pending revocations while polls go on; ends after 3 s, and reports what it could not publish. */
  drain (): Promise<void>
}

/** Some 10 ms of work, during which the process answers nobody. */
const PAGE_ENTRIES = 1000
/** Generations that may change under one poll before it gives up. */
const MAX_STEPS = 20
/** An id so far ahead of the server's clock would keep entries from being trimmed for as long. */
const MAX_ID_AHEAD_MS = 60_000
/** Milliseconds from which a clock that is off is told, the farther first, and what it breaks. */
const CLOCK_OFFSETS = [
  // docs/redis.md
  { fromMs: 60_000, breaks: 'replicas whose clocks differ by more than CACHE_TTL share nothing' },
  // docs/assertion.md, docs/resource-tokens.md
  { fromMs: 5000, breaks: 'apps may refuse assertions, and resource tokens are refused, by clocks that differ' }
] as const

const TRIM_EVERY_MS = 10_000

type Step =
  | Readonly<{ kind: 'linked' | 'adopted' | 'page' | 'suspended' }>
  | Readonly<{ kind: 'change', from: string }>

/** No failure that needs a line of its own: the suspension was told when it began. */
export class LogSuspended extends Error {
  constructor () { super('the revocation log changes too often, and is left as it is for a while') }
}

/** The log in Redis as one replica follows it: docs/inside/revocation-protocol.md. */
export function createStreamLog (deps: StreamLogDeps): StreamLog {
  const { clock, observer, store, page = PAGE_ENTRIES } = deps
  const { tokens, retentionMs, sessionRetentionMs = retentionMs } = deps
  const ledger = new Ledger({ clock, retentionMs: sessionRetentionMs, maxRevocations: deps.maxNames, tokens })
  const health = trackHealth({
    clock, observer, form: store.form, confirmMaster: store.confirmMaster, judged: () => judge()
  })
  const junk = createJunkGuard(clock, observer)
  const suspension = createSuspension(clock, observer)
  const budget = createBudget(clock, deps.limits)
  const publisher = createPublisher(deps, ledger, budget, health)
  const takeStep = createStep(deps, { ledger, publisher, suspension, budget, junk })
  const confirmHistory = createHistoryConfirmation(deps)
  const checkClock = createClockCheck(deps)
  /** Since when what was read counts, in one value: each request asks. */
  let followed = NEVER
  const isFollowing = (): boolean => elapsedSince(followed, clock) < FOLLOWING_MS
  function judge (): void {
    followed = junk.isSkipping() || suspension.isActive() ? NEVER : health.followedSince()
  }
  const trimWhenDue = createTrimming(deps)

  /** The newest generation that this replica itself began. */
  let began: string | undefined

  async function poll (): Promise<void> {
    for (let steps = 0; steps < MAX_STEPS;) {
      const sent = momentOf(clock)
      const snapshot = await store.snapshot(ledger.id, page)
      health.heard(snapshot, sent)
      observer.length(snapshot.length)
      const step = takeStep(snapshot, began)
      if (step.kind === 'linked') health.linked(snapshot, sent)
      judge()
      if (step.kind === 'linked') {
        if (isFollowing()) tokens?.linked(snapshot.now) // a deposed master may lack what others acknowledge
        confirmHistory(snapshot)
        checkClock(snapshot)
        trimWhenDue()
        await health.judged() // what was read is acknowledged with this poll, and not with the next one
        return publisher.publish(sent.monotonic)
      }
      if (step.kind === 'suspended') throw new LogSuspended()
      if (step.kind === 'change') began = await change(deps, step.from)
      if (step.kind !== 'page') steps++ // however long the log is
    }
    throw new Error('the revocation log changes faster than it can be read')
  }

  return Object.freeze({
    poll,
    snapshot: () => ledger.snapshot(),
    isFollowing,
    isVoid: ledger.isVoid.bind(ledger),
    standingOf: (token: TokenNames) => tokens?.standingOf(token, isFollowing()) ?? 'unknown',
    trusts: ledger.trusts.bind(ledger),
    trustsShared: () => isFollowing() && ledger.pendingRepublish.size === 0,
    isUncacheable: ledger.isUncacheable.bind(ledger),
    revoke: publisher.revoke,
    admits: publisher.admits,
    drain: publisher.drain,
    close: () => store.close()
  })
}

/**
 * 128 random bits, never a counter: two replicas that begin one at a time begin different ones.
 * @returns the new generation; undefined where another replica was first
 */
async function change ({ store, codec }: StreamLogDeps, from: string): Promise<string | undefined> {
  const generation = randomBytes(16).toString('hex')
  const { kind } = await store.change(from, codec.encode(generation, '', generation, undefined))
  return kind === 'written' ? generation : undefined
}

type TakeStep = (snapshot: Snapshot, began: string | undefined) => Step

/** Every replica trims, also where nobody appends: a flood's entries would stay otherwise. No poll waits for it. */
function createTrimming ({ store, clock, retentionMs, observer }: StreamLogDeps): () => void {
  let trimmedAt = -Infinity
  return () => {
    const now = clock.monotonic()
    if (now - trimmedAt < TRIM_EVERY_MS) return
    trimmedAt = now
    const failed = (error: unknown): void => observer.trouble('the revocation log could not be trimmed', error)
    store.trim(retentionMs).catch(failed)
  }
}

/**
 * A replica that has followed the log through a restart or a promotion, and lacks nothing, says so in the head: those
 * that start later believe a log only in the history that it was begun or confirmed in.
 */
function createHistoryConfirmation ({ store }: StreamLogDeps): (snapshot: Snapshot) => void {
  return ({ head, isMaster, replicationId }) => {
    if (!isMaster || head === undefined || replicationId === '' || head.replicationId === replicationId) return
    store.confirmHistory(head.generation, head.nonce).catch(() => {}) // the next poll tries again
  }
}

/** Tells once that this machine's clock and that of Redis are apart, and again after they were half as far. */
export function createClockCheck (
  { clock, observer }: Pick<StreamLogDeps, 'clock' | 'observer'>
): (snapshot: Pick<Snapshot, 'now'>) => void {
  let toldMs = 0
  return ({ now }) => {
    const offsetMs = clock.wall() - now
    const apartMs = Math.abs(offsetMs)
    if (apartMs < toldMs / 2) toldMs = 0
    const limit = CLOCK_OFFSETS.find(({ fromMs }) => apartMs > fromMs)
    if (limit === undefined || limit.fromMs <= toldMs) return
    toldMs = limit.fromMs
    const where = offsetMs > 0 ? 'ahead of' : 'behind'
    observer.trouble(`this machine's clock is ${Math.round(apartMs / 1000)} s ${where} that of Redis: ${limit.breaks}`)
  }
}

type StepParts = Readonly<{
  ledger: Ledger
  publisher: Publisher
  suspension: Suspension
  budget: Budget
  junk: JunkGuard
}>

function createStep (deps: StreamLogDeps, parts: StepParts): TakeStep {
  const { ledger, publisher, suspension } = parts
  const { codec, observer, page = PAGE_ENTRIES } = deps
  const applyAll = createApplying(deps, parts)
  /** Whether this generation was read to its end before: later entries are news, not history. */
  let caughtUp = false
  /** Whether any generation was. */
  let hasFollowed = false
  const change = (from: string): Step => suspension.mayChange() ? { kind: 'change', from } : { kind: 'suspended' }
  function adopt (generation: string): Step {
    if (!suspension.mayAdopt()) return { kind: 'suspended' }
    suspension.adopted(ledger.generation === '')
    ledger.adopt(generation)
    caughtUp = false
    observer.adopted()
    return { kind: 'adopted' }
  }
  return (snapshot, began) => {
    const { entries, head, now } = snapshot
    suspension.saw(head?.generation ?? '')
    if (head === undefined) return change('')
    const { generation } = head
    if (ledger.hasLeft(generation) || isBroken(snapshot) || publisher.needsChange()) return change(generation)
    const isRead = generation === ledger.generation && caughtUp
    if (!isRead && generation !== began && mayLack(snapshot, hasFollowed)) return change(generation)
    if (generation !== ledger.generation) return adopt(generation)
    const read = entries.map(([id, fields]) => codec.decode(id, fields))
    const isLast = entries.length < page
    if (!linksUp(read, ledger, isLast ? head.nonce : undefined)) {
      const step = change(generation)
      const isForged = read.some(({ entry }) => entry.nonce === '') // or rewritten
      if (step.kind === 'change' && isForged) observer.inauthentic()
      return step
    }
    const [first] = read
    if (first !== undefined) {
      const since = coverageOf(first, head, now)
      deps.tokens?.covers(since)
      if (ledger.id === FIRST_ID) observer.reader?.begins(generation, since)
    }
    applyAll(read, now, caughtUp)
    caughtUp ||= isLast
    hasFollowed ||= isLast
    return { kind: isLast ? 'linked' : 'page' }
  }
}

/** Nobody can read the stream, the head names no entry, or ids so far in the future that nothing would be trimmed. */
function isBroken ({ head, isReadable, now }: Snapshot): boolean {
  return !isReadable || head?.nonce === '' || Number(head?.id.split('-')[0]) > now + MAX_ID_AHEAD_MS
}

/**
 * Nobody else may have followed it: what a restarted or restored server holds may lack revocations, also those that are
 * not read yet. Where our user may not ask for the history, a replica believes the others, and at its start nobody.
 */
function mayLack ({ head, replicationId }: Snapshot, hasFollowed: boolean): boolean {
  return replicationId === '' ? !hasFollowed : head?.replicationId !== replicationId
}

/** @returns the time since which the log has every revocation, by Redis' clock */
function coverageOf ({ entry }: ReadEntry, { since, first }: Head, now: number): number {
  if (entry.previous === '') return Number(entry.id.split('-')[0])
  return entry.id === first ? since : now // else its beginning was lost, and not trimmed
}

type Applying = (entries: readonly ReadEntry[], now: number, isCaughtUp: boolean) => void

function createApplying (
  { observer, retentionMs, tokens }: StreamLogDeps,
  { ledger, publisher, budget, junk }: StepParts
): Applying {
  const timeOf = ({ entry: { id } }: ReadEntry): number => Number(id.split('-')[0])
  /** It concerns nothing that lives: such as entries of a secret that was rotated long ago. */
  const isOld = (read: ReadEntry, now: number): boolean => timeOf(read) < now - retentionMs
  function applyJunk ({ entry, provenance }: ReadEntry, isCaughtUp: boolean, now: number): void {
    if (provenance === 'forged') observer.inauthentic()
    if (isCaughtUp && !junk.admit()) {
      observer.reader?.skipped(entry.id)
      return ledger.skip(entry)
    }
    ledger.apply(entry)
    observer.reader?.passed(entry.id)
    observer.reader?.lost(now)
  }
  function applyBelieved (read: ReadEntry, isNews: boolean): void {
    const { entry, provenance } = read
    const { id, of, revocation } = entry
    ledger.apply(entry)
    if (revocation === undefined) return observer.reader?.passed(id)
    observer.reader?.read({ id, revocation }, timeOf(read))
    if (revocation.target.kind === 'block') observer.marked?.(revocation.target)
    const isOwn = publisher.confirm(of, revocation)
    if (!isNews || isOwn) return
    observer.revoked(revocation.origin)
    if (provenance === 'authentic') budget.spend(revocation.origin)
  }
  function pass ({ entry }: ReadEntry): void {
    ledger.pass(entry)
    observer.reader?.passed(entry.id)
  }
  return (entries, now, isCaughtUp) => {
    for (const read of entries) {
      const isNews = isCaughtUp && !ledger.knows(read.entry.of)
      const isForeign = read.provenance === 'foreign'
      const isPast = isForeign && !isCaughtUp && isOld(read, now)
      if (isForeign && !isPast) {
        observer.foreign()
        tokens?.missed(timeOf(read))
      }
      if (isPast) pass(read)
      else if (read.isJunk) applyJunk(read, isCaughtUp, now)
      else applyBelieved(read, isNews)
      if (isNews) observer.lag(Math.max(0, now - timeOf(read)) / 1000)
    }
    if (!junk.ends()) return
    ledger.voidSkipped()
    observer.reader?.lost(now)
  }
}

/** Every entry names the one before it, the first one what was read last, and the last one is the head. */
function linksUp (entries: readonly ReadEntry[], ledger: Ledger, headNonce: string | undefined): boolean {
  let previous = ledger.nonce
  for (const { entry } of entries) {
    if (entry.generation !== ledger.generation || entry.nonce === '') return false
    if (previous !== '' && entry.previous !== previous) return false // the log's beginning may be trimmed
    previous = entry.nonce
  }
  return headNonce === undefined || previous === headNonce
}
