import { randomBytes } from 'node:crypto'
import { elapsedSince, momentOf, type Clock, type Moment } from '../clock.ts'
import { createBudget, type Budget } from './budget.ts'
import { Ledger } from './ledger.ts'
import type { ReadEntry } from './codec.ts'
import type { Snapshot, StreamLogDeps } from './store.ts'
import type { LogObserver, RevocationLog } from './types.ts'
import { createPublisher, type Publisher } from './publisher.ts'

export interface StreamLog extends RevocationLog {
  /** Reads new entries until they link up with the head; rejects where Redis is unreachable or they never do. */
  poll (): Promise<void>
  /** Publishes the pending revocations while polls go on; ends after 3 s, and reports what it could not publish. */
  drain (): Promise<void>
}

/** Age of the newest linked-up poll, by the time it was sent, from which this replica does not follow any more. */
const FOLLOWING_MS = 3000
/** Some 10 ms of work, during which the process answers nobody. */
const PAGE_ENTRIES = 1000
/** Generations that may change under one poll before it gives up. */
const MAX_STEPS = 20
/** More changes of generation than this in so many milliseconds: a Redis that evicts, and memory alone for as long. */
const MAX_CHANGES = 3
const CHANGES_WITHIN_MS = 10 * 60_000

const TRIM_EVERY_MS = 10_000

type Step = Readonly<{ kind: 'linked' | 'adopted' | 'page' }> | Readonly<{ kind: 'change', from: string }>

/** The log in Redis as one replica follows it: docs/revocation-protocol.md. */
export function createStreamLog (deps: StreamLogDeps): StreamLog {
  const { clock, observer, store, page = PAGE_ENTRIES } = deps
  const ledger = new Ledger({ clock, retentionMs: deps.retentionMs, maxRevocations: deps.maxNames })
  const health = trackHealth(clock, observer)
  const budget = createBudget(clock, deps.limits)
  const publisher = createPublisher(deps, ledger, budget)
  const takeStep = createStep(deps, { ledger, publisher, health, budget })
  const trimWhenDue = createTrimming(deps)

  async function poll (): Promise<void> {
    for (let steps = 0; steps < MAX_STEPS;) {
      const sent = momentOf(clock)
      const snapshot = await store.snapshot(ledger.id, page)
      health.heard(snapshot, sent)
      observer.length(snapshot.length)
      const step = takeStep(snapshot)
      if (step.kind === 'linked') {
        health.linked(snapshot, sent)
        trimWhenDue()
        return await publisher.publish(sent.monotonic)
      }
      if (step.kind === 'change') await change(deps, step.from)
      if (step.kind !== 'page') steps++ // however long the log is
    }
    throw new Error('the revocation log changes faster than it can be read')
  }

  return Object.freeze({
    poll,
    snapshot: () => ledger.snapshot(),
    isFollowing: health.isFollowing,
    isVoid: ledger.isVoid.bind(ledger),
    trusts: ledger.trusts.bind(ledger),
    trustsShared: () => health.isFollowing() && ledger.pendingRepublish.size === 0,
    isUncacheable: ledger.isUncacheable.bind(ledger),
    revoke: publisher.revoke,
    admits: publisher.admits,
    drain: publisher.drain,
    close: () => store.close()
  })
}

/** 128 random bits, never a counter: two replicas that begin one at a time begin different ones. */
async function change ({ store, codec }: StreamLogDeps, from: string): Promise<void> {
  const generation = randomBytes(16).toString('hex')
  const nonce = randomBytes(16).toString('hex')
  await store.change(from, codec.encode(generation, nonce, nonce, undefined))
}

type TakeStep = (snapshot: Snapshot) => Step

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

type StepParts = Readonly<{ ledger: Ledger, publisher: Publisher, health: Health, budget: Budget }>

function createStep (deps: StreamLogDeps, { ledger, publisher, health, budget }: StepParts): TakeStep {
  const { codec, observer, page = PAGE_ENTRIES } = deps
  /** Whether this generation was read to its end before: later entries are news, not history. */
  let caughtUp = false
  function applyAll (entries: readonly ReadEntry[], now: number): void {
    for (const { entry, authentic } of entries) {
      if (!authentic) observer.inauthentic()
      const isNews = caughtUp && !ledger.knows(entry.of)
      ledger.apply(entry)
      const isOwn = entry.revocation !== undefined && publisher.confirm(entry.of, entry.revocation)
      if (isNews && !isOwn && entry.revocation !== undefined) {
        observer.revoked(entry.revocation.origin)
        if (authentic) budget.spend(entry.revocation.origin)
      }
      if (isNews) observer.lag(Math.max(0, now - Number(entry.id.split('-')[0])) / 1000)
    }
  }
  return ({ entries, head, now }) => {
    if (head === undefined) return { kind: 'change', from: '' }
    if (ledger.hasLeft(head.generation)) return { kind: 'change', from: head.generation }
    if (head.generation !== ledger.generation) {
      health.adopted(ledger.generation === '')
      ledger.adopt(head.generation)
      caughtUp = false
      observer.adopted()
      return { kind: 'adopted' }
    }
    const read = entries.map(([id, fields]) => codec.decode(id, fields))
    const isLast = entries.length < page
    if (!linksUp(read, ledger, isLast ? head.nonce : undefined)) return { kind: 'change', from: head.generation }
    applyAll(read, now)
    caughtUp ||= isLast
    return { kind: isLast ? 'linked' : 'page' }
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

type Health = Readonly<{
  heard: (snapshot: Snapshot, sent: Moment) => void
  linked: (snapshot: Snapshot, sent: Moment) => void
  adopted: (isFirst: boolean) => void
  isFollowing: () => boolean
}>

/** Following is decided at each call: a frozen machine wakes up with both clocks ahead, or with one of them. */
function trackHealth (clock: Clock, observer: LogObserver): Health {
  let last: Moment = { monotonic: -Infinity, wall: -Infinity }
  /** Servers that had replicas. */
  const attended = new Set<string>()
  let alone: Readonly<{ server: string, since: number }> | undefined
  let changes: number[] = []
  let suspendedUntil = -Infinity
  return Object.freeze({
    heard ({ replicas, server = '' }: Snapshot, sent: Moment): void {
      if (replicas > 0) attended.add(server)
      const isAlone = replicas === 0 && attended.has(server)
      if (!isAlone) alone = undefined
      else if (alone?.server !== server) alone = { server, since: sent.monotonic }
    },
    linked ({ isMaster }: Snapshot, sent: Moment): void {
      // a deposed master answers as before, but for its role or its replicas
      if (isMaster && (alone === undefined || sent.monotonic - alone.since < FOLLOWING_MS)) last = sent
    },
    adopted (isFirst: boolean): void {
      if (isFirst) return
      const now = clock.monotonic()
      changes = [...changes.filter((at) => now - at < CHANGES_WITHIN_MS), now]
      if (changes.length <= MAX_CHANGES) return
      suspendedUntil = now + CHANGES_WITHIN_MS
      observer.trouble(
        'the revocation log in Redis was lost more than three times in ten minutes: does it evict ' +
          '(maxmemory-policy)? Memory alone is used for ten minutes'
      )
    },
    isFollowing (): boolean {
      return clock.monotonic() >= suspendedUntil && elapsedSince(last, clock) < FOLLOWING_MS
    }
  })
}
