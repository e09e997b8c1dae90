import { randomBytes } from 'node:crypto'
import { elapsedSince, type Moment, momentOf, NEVER } from '../../clock.ts'
import { createBudget, type Budget } from './budget.ts'
import { Ledger } from './ledger.ts'
import type { ReadEntry } from './codec.ts'
import { FOLLOWING_MS, trackHealth } from './health.ts'
import { createPublisher, type Publisher } from './publisher.ts'
import type { Snapshot, StreamLogDeps } from './store.ts'
import { FIRST_ID, type RevocationLog, type StreamId, type TokenNames } from './types.ts'

export interface StreamLog extends RevocationLog {
  /** Reads new entries to the log's end; rejects where no master can be read, or the log is lost again and again. */
  poll (): Promise<void>
  /** Publishes the pending revocations while polls go on; ends after 3 s, and reports what it could not publish. */
  drain (): Promise<void>
}

/** Some 10 ms of work, during which the process answers nobody. */
const PAGE_ENTRIES = 1000
/** Logs that may begin under one poll before it gives up, and what lies between two that one replica begins. */
const MAX_STEPS = 20
const BEGIN_INTERVAL_MS = 1000
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

/** Logs that are lost and entries that cannot be believed void everything this often at most: Authgear must answer. */
const VOID_INTERVAL_MS = 2000

type Step = 'read' | 'page' | 'adopted' | 'begin'

/** The log in Redis as one replica follows it: docs/inside/revocation-protocol.md. */
export function createStreamLog (deps: StreamLogDeps): StreamLog {
  const { clock, observer, store, page = PAGE_ENTRIES } = deps
  const { tokens, retentionMs, sessionRetentionMs = retentionMs } = deps
  const ledger = new Ledger({ clock, retentionMs: sessionRetentionMs, maxRevocations: deps.maxNames, tokens })
  const health = trackHealth({
    clock, observer, form: store.form, confirmMaster: store.confirmMaster, judged: () => judge()
  })
  const budget = createBudget(clock, deps.limits)
  const publisher = createPublisher(deps, ledger, budget, health)
  const voiding = createVoiding(deps, ledger)
  const takeStep = createStep(deps, { ledger, publisher, budget, voiding })
  const checkClock = createClockCheck(deps)
  /** Since when what was read counts, in one value: each request asks. */
  let followed = NEVER
  const isFollowing = (): boolean => elapsedSince(followed, clock) < FOLLOWING_MS
  function judge (): void { followed = health.followedSince() }
  const trimWhenDue = createTrimming(deps)
  /** The newest log that this replica itself began. */
  let began: Readonly<{ log: string, at: number }> | undefined

  async function poll (): Promise<void> {
    for (let steps = 0; steps < MAX_STEPS;) {
      const sent = momentOf(clock)
      const snapshot = await store.snapshot(ledger.id, page)
      health.heard(snapshot, sent)
      observer.length(snapshot.length)
      const step = takeStep(snapshot, began?.log)
      if (step === 'read') return await finish(snapshot, sent)
      if (step === 'begin') await beginAfter(snapshot)
      if (step !== 'page') steps++ // however long the log is
    }
    throw new Error('the revocation log changes faster than it can be read')
  }

  async function beginAfter ({ head, isMaster }: Snapshot): Promise<void> {
    const at = clock.monotonic()
    if (!isMaster) throw new Error('the Redis server with the revocation log is no master')
    if (began !== undefined && at - began.at < BEGIN_INTERVAL_MS) {
      store.missed() // it may have begun elsewhere
      throw new Error('the revocation log was lost just after it had begun')
    }
    const log = randomBytes(16).toString('hex')
    const { kind } = await store.begin(head?.log ?? '', log)
    if (kind === 'written') began = { log, at }
  }

  async function finish (snapshot: Snapshot, sent: Moment): Promise<void> {
    health.linked(snapshot, sent)
    judge()
    if (isFollowing()) tokens?.linked(snapshot.now) // a deposed master may lack what others acknowledge
    checkClock(snapshot)
    trimWhenDue()
    await health.judged() // what was read is acknowledged with this poll, and not with the next one
    publisher.publish(sent.monotonic)
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

type TakeStep = (snapshot: Snapshot, began: string | undefined) => Step
type StepParts = Readonly<{ ledger: Ledger, publisher: Publisher, budget: Budget, voiding: Voiding }>
type Voiding = Readonly<{
  /** Everything that was remembered or is under way. */
  all: () => void
  /** The same, and every shared entry from before that time, when it is due. */
  soon: (id: StreamId) => void
  due: () => void
}>

function createVoiding ({ clock, observer }: StreamLogDeps, ledger: Ledger): Voiding {
  let before: StreamId | undefined
  let voidedAt = -Infinity
  function all (): void {
    ledger.voidAll(before)
    observer.voided()
    before = undefined
    voidedAt = clock.monotonic()
  }
  return {
    all,
    soon: (id) => { before = id },
    due () { if (before !== undefined && clock.monotonic() - voidedAt >= VOID_INTERVAL_MS) all() }
  }
}

function createStep (deps: StreamLogDeps, parts: StepParts): TakeStep {
  const { ledger, publisher, voiding } = parts
  const { codec, observer, page = PAGE_ENTRIES, tokens } = deps
  const applyAll = createApplying(deps, parts)
  /** Whether this log was read to its end before: later entries are news, not history. */
  let isCaughtUp = false
  /** Of the server that was heard last, and of the one whose log was read to its end. */
  let [heard, believed] = ['', '']
  function move (history: string): void {
    if (history === heard) return
    if (heard === '') ledger.voidAll() // what was asked before anything could be read
    else voiding.all() // what only the other one held nobody knows
    heard = history
  }
  return (snapshot, began) => {
    const { head, history, now } = snapshot
    const entries = snapshot.entries.map(([id, fields]) => codec.decode(id, fields))
    move(history)
    if (head === undefined || publisher.needsChange()) return 'begin'
    if (isBroken(snapshot, ledger)) {
      if (entries.some(({ provenance }) => provenance === 'forged')) observer.inauthentic() // written by a stranger
      return 'begin'
    }
    const isKnown = snapshot.replicationId === '' ? began === head.log || believed === history : isOfHistory(snapshot)
    if (!isKnown) return 'begin'
    if (head.log !== ledger.log) {
      if (ledger.log !== '') voiding.soon(FIRST_ID)
      ledger.adopt(head.log)
      isCaughtUp = false
      return 'adopted'
    }
    tokens?.covers(head.since)
    applyAll(entries, now, isCaughtUp)
    voiding.due()
    if (entries.length === page) return 'page'
    isCaughtUp = true
    believed = history
    return 'read'
  }
}

/** Lost in part, or no stream that can be read, or ids so far in the future that nothing would be trimmed. */
function isBroken ({ head, length, isReadable, now }: Snapshot, { log, id }: Ledger): boolean {
  const isAhead = head?.log === log && Number(id.split('-')[0]) > now + MAX_ID_AHEAD_MS
  return isAhead || !isReadable || head?.count !== length
}

/** What a restarted, restored or promoted server holds may lack revocations that nobody knows any more. */
const isOfHistory = ({ head, replicationId }: Snapshot): boolean => head?.replicationId === replicationId

type Applying = (entries: readonly ReadEntry[], now: number, isCaughtUp: boolean) => void

function createApplying (
  { observer, retentionMs, tokens }: StreamLogDeps,
  { ledger, publisher, budget, voiding }: StepParts
): Applying {
  const timeOf = ({ entry: { id } }: ReadEntry): number => Number(id.split('-')[0])
  function applyBelieved ({ entry, provenance }: ReadEntry, isNews: boolean): void {
    ledger.apply(entry)
    const { of, revocation } = entry
    if (revocation.target.kind === 'block') observer.marked?.(revocation.target)
    const isOwn = publisher.confirm(of, revocation)
    if (!isNews || isOwn) return
    observer.revoked(revocation.origin)
    if (provenance === 'authentic') budget.spend(revocation.origin)
  }
  function applyJunk (read: ReadEntry): void {
    if (read.provenance === 'forged') observer.inauthentic()
    ledger.pass(read.entry.id)
    voiding.soon(read.entry.id)
  }
  return (entries, now, isCaughtUp) => {
    for (const read of entries) {
      const isNews = isCaughtUp && ledger.readAt(read.entry.of) === undefined
      // such as one of a secret that was rotated long ago: it concerns nothing that lives
      const isPast = !isCaughtUp && read.provenance === 'foreign' && timeOf(read) < now - retentionMs
      if (read.provenance === 'foreign' && !isPast) {
        observer.foreign()
        tokens?.missed(timeOf(read))
      }
      if (isPast) ledger.pass(read.entry.id)
      else if (read.isJunk) applyJunk(read)
      else applyBelieved(read, isNews)
      if (isNews) observer.lag(Math.max(0, now - timeOf(read)) / 1000)
    }
  }
}
