import { randomBytes } from 'node:crypto'
import { createAcknowledgements, type MasterHealth, type Taken } from './acknowledgements.ts'
import { type Budget, createFlood } from './budget.ts'
import type { Ledger } from './ledger.ts'
import { createSender, type Item } from './sender.ts'
import { isCopy, type Origin, type Revocation, type RevokeOutcome } from './types.ts'
import type { StreamLogDeps } from './store.ts'

export type Publisher = ReturnType<typeof createPublisher>

/** A revocation that the follower has not read back by then counts as pending. */
export const CONFIRM_WITHIN_MS = 1000
/** Deadline for a stopping replica to publish its pending revocations. */
const DRAIN_MS = 3000
/** More pending revocations than this are one `everything`. */
const MAX_PENDING = 1000
/** Pending sign-outs, after which further ones are refused: any user could otherwise cause an `everything`. */
const MAX_PENDING_SIGN_OUTS = 500
/** All replicas republish after a change of generation: most copies are read back before a second one is sent. */
const REPUBLISH_WITHIN_MS = 1000

/**
 * Writes this replica's revocations into the log, and writes each again until the replica's own follower has read it.
 */
export function createPublisher (deps: StreamLogDeps, ledger: Ledger, budget: Budget, health: MasterHealth) {
  const { clock, observer, after = callAfter, newName = randomName } = deps
  const pending = new Map<string, Taken>()
  const republished = new Map<string, Item>()
  const queues = () => [pending, republished] as const
  const sender = createSender({ ...deps, after }, ledger, queues, health.isEnough, () => acknowledgements.settle())
  /** Called when nothing is pending any more. */
  let onDrained = (): void => {}
  const isDrained = (): boolean => pending.size === 0 && acknowledgements.isEmpty()
  const settled = (): void => { if (isDrained()) onDrained() }
  const acknowledgements = createAcknowledgements({ clock, after, ledger, health, max: MAX_PENDING, settled })
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

  /** @returns `everything` instead of the pending revocations, where they are too many; sign-outs wait on */
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

  /** @returns whether one more of this origin would get its own entry; one that would not is counted */
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

  async function drained (): Promise<void> {
    if (isDrained()) return
    await new Promise<void>((resolve) => {
      const cancel = after(DRAIN_MS, resolve)
      onDrained = () => { cancel(); resolve() }
    })
  }

  /** Publishes everything that waits; returns when the follower has read it back, or after DRAIN_MS. */
  async function drain (): Promise<void> {
    isDraining = true
    flood.publishNow()
    forgetOld()
    await drained()
    sender.stop()
    if (isDrained()) return
    const lost = [...pending.values(), ...acknowledgements.waiting()]
    observer.trouble(
      `this replica is stopping, and Redis did not accept ${lost.length} of its revocations ` +
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
    /** The follower has read an entry of this name. @returns whether this replica took that revocation */
    confirm (of: string, revocation: Revocation): boolean {
      if (isThat(republished.get(of), revocation)) republished.delete(of)
      const item = pending.get(of)
      if (!isThat(item, revocation)) return false
      pending.delete(of)
      acknowledgements.readBack(of, item)
      settled()
      return true
    },
    drain,
    /** True if the stream takes no entry any more, since the last call. */
    needsChange: sender.needsChange,
    /** Appends the revocations that a linked-up poll, sent at that moment, did not show; no poll waits for it. */
    publish (sentAt: number): void {
      acknowledgements.polled()
      flood.publishDue()
      const now = clock.monotonic()
      for (const [of, revocation] of ledger.pendingRepublish) {
        const dueAt = now + Math.random() * REPUBLISH_WITHIN_MS
        if (republished.has(of)) continue
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
