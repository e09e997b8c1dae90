import { randomBytes } from 'node:crypto'
import { elapsedSince, type Moment, momentOf, NEVER } from '../clock.ts'
import { createBudget } from './budget.ts'
import { Ledger } from './ledger.ts'
import { FOLLOWING_MS, trackHealth } from './health.ts'
import { createJunkGuard } from './junk.ts'
import { createPublisher } from './publisher.ts'
import { createStep, PAGE_ENTRIES } from './step.ts'
import type { LogStore, Snapshot, StreamLogDeps } from './store.ts'
import { createSuspension } from './suspension.ts'
import type { RevocationLog, TokenNames } from './types.ts'

export interface StreamLog extends RevocationLog {
  /**
   * Reads new entries until they link up with the head; rejects where Redis is unreachable or they never do, with
   * LogSuspended where the log was changed so often that it is left as it is for a while.
   */
  poll (): Promise<void>
  /** Publishes the pending revocations while polls go on; ends after 3 s, and reports what it could not publish. */
  drain (): Promise<void>
}

/** Generations that may change under one poll before it gives up. */
const MAX_STEPS = 20
/** Clock skews that are reported, in milliseconds, the largest first, and what each breaks. */
const CLOCK_OFFSETS = [
  // docs/redis.md
  { fromMs: 60_000, breaks: 'replicas whose clocks differ by more than CACHE_TTL cannot share the cache' },
  // docs/assertion.md, docs/resource-tokens.md
  { fromMs: 5000, breaks: 'with different clocks, apps may refuse assertions, and resource tokens are refused' }
] as const

const TRIM_EVERY_MS = 10_000

/** Needs no log line: the suspension was logged when it began. */
export class LogSuspended extends Error {
  constructor () { super('the revocation log changes too often: paused for a while') }
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
  const checkClock = createClockCheck(deps)
  const trimWhenDue = createTrimming(deps)
  /** Since when what was read counts, in one value: each request asks. */
  let followed = NEVER
  const isFollowing = (): boolean => elapsedSince(followed, clock) < FOLLOWING_MS
  function judge (): void {
    followed = junk.isSkipping() || suspension.isActive() ? NEVER : health.followedSince()
  }
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
      if (step.kind === 'linked') return await linked(snapshot, sent)
      if (step.kind === 'suspended') throw new LogSuspended()
      if (step.kind === 'change') began = await change(deps, step.from)
      if (step.kind !== 'page') steps++ // however long the log is
    }
    throw new Error('the revocation log changes faster than it can be read')
  }

  async function linked (snapshot: Snapshot, sent: Moment): Promise<void> {
    if (isFollowing()) tokens?.linked(snapshot.now) // a deposed master may lack what others acknowledge
    confirmHistory(store, snapshot)
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
    names: ledger.names.bind(ledger),
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
function confirmHistory (store: LogStore, { head, isMaster, replicationId }: Snapshot): void {
  if (!isMaster || head === undefined || replicationId === '' || head.replicationId === replicationId) return
  store.confirmHistory(head.generation, head.nonce).catch(() => {}) // the next poll tries again
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
