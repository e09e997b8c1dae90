import type { Budget } from './budget.ts'
import type { ReadEntry } from './codec.ts'
import type { JunkGuard } from './junk.ts'
import type { Ledger } from './ledger.ts'
import type { Publisher } from './publisher.ts'
import type { Head, Snapshot, StreamLogDeps } from './store.ts'
import type { Suspension } from './suspension.ts'
import { FIRST_ID, millisecondsOf } from './types.ts'

/** Some 10 ms of work, during which the process answers nobody. */
export const PAGE_ENTRIES = 1000
/** An id so far ahead of the server's clock would keep entries from being trimmed for as long. */
const MAX_ID_AHEAD_MS = 60_000

/** The outcome of one look at the log. */
type Step =
  | Readonly<{ kind: 'linked' | 'adopted' | 'page' | 'suspended' }>
  | Readonly<{ kind: 'change', from: string }>

/** @param began the newest generation that this replica itself began */
type TakeStep = (snapshot: Snapshot, began: string | undefined) => Step

type StepParts = Readonly<{
  ledger: Ledger
  publisher: Publisher
  suspension: Suspension
  budget: Budget
  junk: JunkGuard
}>

export function createStep (deps: StreamLogDeps, parts: StepParts): TakeStep {
  const { ledger, publisher, suspension } = parts
  const { codec, observer, page = PAGE_ENTRIES } = deps
  const applyAll = createApplying(deps, parts)
  /** True if this generation was read to its end before: later entries are news, not history. */
  let caughtUp = false
  /** True if any generation was. */
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
  function readOn ({ entries, now }: Snapshot, head: Head): Step {
    const read = entries.map(([id, fields]) => codec.decode(id, fields))
    const isLast = entries.length < page
    if (!linksUp(read, ledger, isLast ? head.nonce : undefined)) return unlinked(read, head)
    const [first] = read
    if (first !== undefined) {
      const since = coverageOf(first, head, now)
      deps.tokens?.covers(since)
      if (ledger.id === FIRST_ID) observer.reader?.begins(head.generation, since)
    }
    applyAll(read, now, caughtUp)
    caughtUp ||= isLast
    hasFollowed ||= isLast
    return { kind: isLast ? 'linked' : 'page' }
  }
  function unlinked (read: readonly ReadEntry[], { generation }: Head): Step {
    const step = change(generation)
    const isForged = read.some(({ entry }) => entry.nonce === '') // or rewritten
    if (step.kind === 'change' && isForged) observer.inauthentic()
    return step
  }
  return (snapshot, began) => {
    const { head } = snapshot
    suspension.saw(head?.generation ?? '')
    if (head === undefined) return change('')
    const { generation } = head
    if (ledger.hasLeft(generation) || isBroken(snapshot) || publisher.needsChange()) return change(generation)
    const isRead = generation === ledger.generation && caughtUp
    if (!isRead && generation !== began && mayLack(snapshot, hasFollowed)) return change(generation)
    return generation === ledger.generation ? readOn(snapshot, head) : adopt(generation)
  }
}

/** Nobody can read the stream, the head names no entry, or ids so far in the future that nothing would be trimmed. */
function isBroken ({ head, isReadable, now }: Snapshot): boolean {
  return !isReadable || head?.nonce === '' || millisecondsOf(head?.id ?? '') > now + MAX_ID_AHEAD_MS
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
  if (entry.previous === '') return millisecondsOf(entry.id)
  return entry.id === first ? since : now // else its beginning was lost, and not trimmed
}

type Applying = (entries: readonly ReadEntry[], now: number, isCaughtUp: boolean) => void

function createApplying (
  { observer, retentionMs, tokens }: StreamLogDeps,
  { ledger, publisher, budget, junk }: StepParts
): Applying {
  const timeOf = ({ entry }: ReadEntry): number => millisecondsOf(entry.id)
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
    observer.reader?.read({ id, of, revocation }, timeOf(read))
    const isOwn = publisher.confirm(of, revocation)
    if (!isNews || isOwn) return
    observer.revoked(revocation.origin)
    if (provenance === 'authentic') budget.spend(revocation.origin)
  }
  function pass ({ entry }: ReadEntry): void {
    ledger.pass(entry)
    observer.reader?.passed(entry.id)
  }
  function apply (read: ReadEntry, now: number, isCaughtUp: boolean): void {
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
  return (entries, now, isCaughtUp) => {
    for (const read of entries) apply(read, now, isCaughtUp)
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
