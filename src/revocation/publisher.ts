import { randomBytes } from 'node:crypto'
import type { Ledger } from './ledger.ts'
import { nameOf, type Revocation } from './revocation.ts'
import type { RevokeOutcome } from './log.ts'
import type { StreamLogDeps } from './stream-log-deps.ts'

export type Publisher = Readonly<{
  revoke: (revocation: Revocation) => Promise<RevokeOutcome>
  /** An entry of this name was read; @returns whether it is one that was taken here */
  readBack: (of: string, revocation: Revocation) => boolean
  /** Appends what a linked-up poll, sent at that moment, did not show. */
  publish: (sentAt: number) => Promise<void>
}>

/** Milliseconds until a revocation that is not read back counts as pending. */
const PATIENCE = 1000
/** More that wait than this are one `everything`. */
const MAX_PENDING = 1000

type Pending = { readonly revocation: Revocation, attempt: 'none' | 'under way' | number, readonly done: () => void }

/** What was taken here is in the log when this replica's own follower has read it back, and appended again until then. */
export function createPublisher (deps: StreamLogDeps, ledger: Ledger): Publisher {
  const pending = new Map<string, Pending>()
  const carried = new Map<string, Pending>()
  const { after = callAfter } = deps

  /** @returns whether the server could be asked */
  async function append (of: string, item: Pending): Promise<boolean> {
    item.attempt = 'under way'
    const fields = deps.codec.encode(ledger.generation, randomBytes(16).toString('hex'), of, item.revocation)
    try {
      await deps.store.append(ledger.generation, deps.retentionMs, fields)
      return true
    } catch (error) {
      deps.observer.trouble('a revocation could not be appended, and is kept until it can be', error)
      return false
    } finally {
      item.attempt = deps.clock.monotonic()
    }
  }

  return Object.freeze({
    async revoke (revocation: Revocation): Promise<RevokeOutcome> {
      const isTooMany = pending.size >= MAX_PENDING
      const taken: Revocation = isTooMany ? { ...revocation, target: { kind: 'everything' } } : revocation
      if (isTooMany) pending.clear()
      const of = randomBytes(16).toString('hex')
      ledger.take(taken, of)
      deps.observer.revoked(revocation.origin)
      return await new Promise<RevokeOutcome>((resolve) => {
        const cancel = after(PATIENCE, () => resolve('pending'))
        const item: Pending = { revocation: taken, attempt: 'none', done: () => { cancel(); resolve('logged') } }
        pending.set(of, item)
        append(of, item).catch(() => {})
      })
    },
    readBack (of: string, revocation: Revocation): boolean {
      if (isThat(carried.get(of), revocation)) carried.delete(of)
      const item = pending.get(of)
      if (!isThat(item, revocation)) return false
      pending.delete(of)
      item.done()
      return true
    },
    async publish (sentAt: number): Promise<void> {
      for (const [of, revocation] of ledger.carry) if (!carried.has(of)) carried.set(of, { revocation, attempt: 'none', done: () => {} })
      for (const [of, item] of [...pending, ...carried]) {
        const isDue = item.attempt === 'none' || (typeof item.attempt === 'number' && item.attempt < sentAt)
        if (isDue && !await append(of, item)) return // nor could the others be
      }
    }
  })
}

/** Anybody who writes to the stream may use an old name for something else: then it was not read back. */
function isThat (item: Pending | undefined, { target }: Revocation): item is Pending {
  return item !== undefined && nameOf(item.revocation.target) === nameOf(target)
}

function callAfter (ms: number, callBack: () => void): () => void {
  const timer = setTimeout(callBack, ms)
  return () => clearTimeout(timer)
}
