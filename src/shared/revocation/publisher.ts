import { randomBytes } from 'node:crypto'
import { BoundedMap } from './bounded-map.ts'
import { type Budget, createFlood } from './budget.ts'
import type { Health } from './health.ts'
import type { Ledger } from './ledger.ts'
import { createSender, type Item } from './sender.ts'
import { isCopy, type Origin, type Revocation, type RevokeOutcome } from './types.ts'
import type { StreamLogDeps } from './store.ts'

export type Publisher = Readonly<{
  revoke: (revocation: Revocation) => Promise<RevokeOutcome>
  /** @returns whether one more of this origin would be written by itself; one that would not is counted */
  admits: (origin: Origin) => boolean
  /** The follower has read an entry of this name. @returns whether this replica took that revocation */
  confirm: (of: string, revocation: Revocation) => boolean
  /** Appends the revocations that a poll, sent at that moment, did not show; no poll waits for it. */
  publish: (sentAt: number) => void
  /** Publishes everything that waits; returns when the follower has read it back, or after DRAIN_MS. */
  drain: () => Promise<void>
  /** Whether the stream takes no entry any more, since the last call. */
  needsChange: () => boolean
}>

/** A revocation that the follower has not read back by then counts as pending. */
export const CONFIRM_WITHIN_MS = 1000
/** How long a replica that stops tries to publish its pending revocations. */
const DRAIN_MS = 3000
/** More pending revocations than this are one `everything`. */
const MAX_PENDING = 1000
/** Pending sign-outs, after which further ones are refused: any user could otherwise cause an `everything`. */
const MAX_PENDING_SIGN_OUTS = 500
/** All replicas republish in a new log: most copies are read back before a second one is sent. */
const REPUBLISH_WITHIN_MS = 1000
/** What was read so lately may be news to a replica that has not polled since. */
const RECENT_MS = 3000
/** A Redis replica has an entry sooner than this, or else Sentinels and the Cluster are asked who is master. */
const ASK_AFTER_MS = 250

type Pending = Item & Readonly<{ done: () => void }>
/** `readAt`: when the follower read it back, monotonic milliseconds. */
type Doubted = Readonly<{ item: Pending, readAt: number }>

/** What is known of the server that is followed. */
export type MasterHealth = Pick<Health, 'isMasterProven' | 'isSafeSince' | 'isEnough' | 'movedAt' | 'askForMaster'>

/**
 * Writes this replica's revocations into the log, and writes each again until the replica's own follower has read it.
 */
export function createPublisher (
  deps: StreamLogDeps,
  ledger: Ledger,
  budget: Budget,
  health: MasterHealth
): Publisher {
  const { clock, observer, after = callAfter, newName = randomName } = deps
  const pending = new Map<string, Pending>()
  /** Read back, but a failover may lose them: not acknowledged yet. */
  const doubted = new BoundedMap<Doubted>(MAX_PENDING)
  const republished = new Map<string, Item>()
  const queues = () => [pending, republished] as const
  const sender = createSender({ ...deps, after }, ledger, queues, health.isEnough, () => settleDoubted())
  /** Called when nothing is pending any more. */
  let onDrained = (): void => {}
  let isDraining = false
  const flood = createFlood({ clock, publish: (revocation, done) => put(revocation, newName(), done) })

  /** The revocation holds here at once; it is appended now, and again until it is read back. */
  function put (revocation: Revocation, of: string, done: () => void): void {
    ledger.take(revocation, of)
    const takenAt = clock.monotonic()
    pending.set(of, { revocation, takenAt, dueAt: -Infinity, attempt: 'none', isReplicated: false, done })
    sender.send()
  }

  /** Drops revocations older than the retention: no entry is left that they could void. */
  function forgetOld (): void {
    const since = clock.monotonic() - deps.retentionMs
    for (const [of, { revocation, takenAt }] of pending) {
      if (takenAt >= since) return
      pending.delete(of)
      ledger.release(revocation, of)
    }
  }

  /** @returns `everything` in place of the pending revocations, where they are too many; sign-outs wait on */
  function bounded (revocation: Revocation): Revocation {
    if (revocation.origin === 'logout') return revocation // of those only so many may wait
    if (pending.size >= MAX_PENDING) forgetOld()
    if (pending.size < MAX_PENDING) return revocation
    let ends = revocation.ends
    for (const [of, item] of pending) {
      if (item.revocation.origin === 'logout') continue
      ends ??= item.revocation.ends
      pending.delete(of)
    }
    return { ...revocation, target: { kind: 'everything' }, ends }
  }

  function mayWait (origin: Origin): boolean {
    if (origin !== 'logout' || pending.size < MAX_PENDING_SIGN_OUTS) return true
    forgetOld()
    const signOuts = [...pending.values()].filter(({ revocation }) => revocation.origin === 'logout')
    return signOuts.length < MAX_PENDING_SIGN_OUTS
  }

  function admits (origin: Origin): boolean {
    if (budget.hasRoom(origin) && mayWait(origin)) return true
    observer.capped(origin)
    return false
  }

  function take (revocation: Revocation, done: () => void): void {
    const of = newName()
    if (admits(revocation.origin)) {
      budget.spend(revocation.origin)
      put(bounded(revocation), of, done)
    } else {
      ledger.take(flood.join(revocation, done), of)
      if (isDraining) flood.publishNow()
      else flood.publishDue()
    }
  }

  const isDrained = (): boolean => pending.size + doubted.size === 0

  /**
   * A master that was cut off a moment ago looks as before, and loses what it took since: the Redis replicas that may
   * take over must have it, or others must have named this master after it was read.
   */
  const isSafe = ({ item, readAt }: Doubted): boolean =>
    health.isMasterProven() && (item.isReplicated || health.isSafeSince(readAt))

  /** What a new log lacks has to be read back there first. */
  function settleDoubted (): void {
    if (doubted.size === 0 || ledger.pendingRepublish.size > 0) return
    for (const [of, one] of [...doubted.entries()]) {
      if (!isSafe(one)) continue
      doubted.delete(of)
      one.item.done()
    }
    if (isDrained()) onDrained()
  }

  /** Another server's log holds what was read before by now. */
  function readAgain (): void {
    if (ledger.pendingRepublish.size > 0) return
    const readAt = clock.monotonic()
    for (const [of, one] of [...doubted.entries()]) {
      if (one.readAt < health.movedAt()) doubted.set(of, { ...one, readAt })
    }
  }

  function acknowledge (of: string, item: Pending): void {
    const one: Doubted = { item, readAt: clock.monotonic() }
    if (isSafe(one)) return item.done()
    doubted.set(of, one)
    askLater()
  }

  let isTimed = false
  function askLater (): void {
    if (isTimed) return
    isTimed = true
    after(ASK_AFTER_MS, () => { isTimed = false; askWhereDue() })
  }

  /** Also before each wait for news, which holds up a node of a Cluster that is asked about itself. */
  function askWhereDue (): void {
    const oldest = doubted.oldest()
    if (oldest === undefined || clock.monotonic() - oldest[1].readAt < ASK_AFTER_MS) return
    health.askForMaster().then(settleDoubted, () => {})
  }

  async function drained (): Promise<void> {
    if (isDrained()) return
    await new Promise<void>((resolve) => {
      const cancel = after(DRAIN_MS, resolve)
      onDrained = () => { cancel(); resolve() }
    })
  }

  async function drain (): Promise<void> {
    isDraining = true
    flood.publishNow()
    forgetOld()
    await drained()
    sender.stop()
    if (isDrained()) return
    const lost = [...pending.values(), ...[...doubted.entries()].map(([, { item }]) => item)]
    observer.trouble(
      `this replica stops, and Redis did not take ${lost.length} of its entries for the revocation log ` +
        `(${kindsOf(lost)}): other replicas do not know of them`
    )
  }

  return Object.freeze({
    admits,
    async revoke (revocation: Revocation): Promise<RevokeOutcome> {
      observer.revoked(revocation.origin)
      return await new Promise<RevokeOutcome>((resolve) => {
        const cancel = after(CONFIRM_WITHIN_MS, () => resolve('pending'))
        take(revocation, () => { cancel(); resolve('logged') })
      })
    },
    confirm (of: string, revocation: Revocation): boolean {
      if (isThat(republished.get(of), revocation)) republished.delete(of)
      const item = pending.get(of)
      if (!isThat(item, revocation)) return false
      pending.delete(of)
      acknowledge(of, item)
      if (isDrained()) onDrained()
      return true
    },
    drain,
    needsChange: sender.needsChange,
    publish (sentAt: number): void {
      readAgain()
      settleDoubted()
      askWhereDue()
      flood.publishDue()
      const now = clock.monotonic()
      for (const [of, revocation] of ledger.pendingRepublish) {
        if (republished.has(of)) continue
        // one that was just acknowledged, and that others may not have read, goes first
        const isRecent = now - (ledger.readAt(of) ?? -Infinity) < RECENT_MS
        const dueAt = isRecent ? now : now + Math.random() * REPUBLISH_WITHIN_MS
        republished.set(of, { revocation, takenAt: sentAt, dueAt, attempt: 'none', isReplicated: false })
      }
      sender.polled(sentAt)
      sender.send()
    }
  })
}

function isThat<T extends Item> (item: T | undefined, read: Revocation): item is T {
  return item !== undefined && isCopy(read, item.revocation)
}

/** The name of a revocation, which all copies of its entry share. */
const randomName = (): string => randomBytes(16).toString('hex')

/** Such as `2 user, 1 credential`: names are nobody's business in a log. */
function kindsOf (items: Iterable<Item>): string {
  const counts = new Map<string, number>()
  for (const { revocation: { target: { kind } } } of items) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')
}

function callAfter (ms: number, callBack: () => void): () => void {
  const timer = setTimeout(callBack, ms)
  return () => clearTimeout(timer)
}
