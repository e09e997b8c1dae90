import { momentOf } from '../../base/clock.ts'
import { type ClientName, namesOfClient } from '../../base/core/client-name.ts'
import type { Mark } from '../../base/revocation/block-mark.ts'
import { type BlockList, merged, NO_BLOCKS, withDeletion, withoutBlock } from './block-list.ts'
import type { ClientStanding } from '../../base/parts/feature.ts'
import { createReading, type ReadingDeps } from './reading.ts'
import type { BlockStore, Change } from './store.ts'
import { createUndatedBlocks } from './undated-blocks.ts'

/**
 * `pending`: it holds here, and is written as soon as Redis takes it. `given_up`, `changed`: nothing was done, by what
 * the terms say.
 */
export type BlockOutcome = 'kept' | 'pending' | 'full' | 'given_up' | 'changed'

/** Judged last, with nothing between them and the word. */
export type Terms = Readonly<{
  /** False if the client gave up: the word may be older than one that it said elsewhere. */
  isWaiting?: () => Promise<boolean>
  /** The time of the last word about the name, as the client knows it. Of two that follow the same one, one is made. */
  expectedAt?: number | undefined
}>

/** @param now Redis' time, where it is known */
type Word = (list: BlockList, now: number | undefined) => BlockList | 'full'

export type BlocksDeps = ReadingDeps & Readonly<{
  store: BlockStore
  /** False if nobody can tell this replica to block: until a block is seen, one reading is enough. */
  mayChange: boolean
  /** Called once, until the foreign list is gone. */
  foreign: () => void
  failed: (error: unknown) => void
  /** The time between two reads. */
  everyMs?: number
}>

export type Blocks = ReturnType<typeof openBlocks>

/** `now`: Redis' time before it was read. `isWritten`: it has all that is held here. */
type Look = Readonly<{ now: number | undefined, isWritten: boolean }>
const UNWRITTEN: Look = { now: undefined, isWritten: false }

const SYNC_INTERVAL_MS = 1000
/** The time between two reads while nobody can be judged. */
const UNREAD_INTERVAL_MS = 100

/** Keeps the list of this replica and that in Redis the same. */
export function openBlocks (deps: BlocksDeps) {
  const { store, clock, mayChange, foreign, failed, everyMs = SYNC_INTERVAL_MS } = deps
  let held = NO_BLOCKS
  let blocked: ReadonlySet<ClientName> = new Set()
  const reading = createReading(deps)
  let isForeign = false
  const undated = createUndatedBlocks(clock)
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  function hold (list: BlockList): void {
    if (list === held) return
    held = list
    blocked = new Set([...list].flatMap(([name, { isBlocked }]) => isBlocked ? [name] : []))
  }
  const isLasting = (): boolean => !mayChange && held.size === 0
  const isKnown = (): boolean => reading.isFresh() || (isLasting() && reading.isRead())
  /** Rejects where it cannot be read. */
  async function sync (change?: Change): Promise<Look> {
    const sent = momentOf(clock)
    // what is acknowledged elsewhere after the reading is later, however long this process stops
    const [now, result] = await Promise.all([store.now().catch(() => undefined), store.sync(held, change)])
    if (now !== undefined) undated.dated(now, sent)
    if (result === 'foreign' && !isForeign) foreign()
    isForeign = result === 'foreign'
    if (result === 'foreign') { reading.failed(); return UNWRITTEN }
    hold(undated.over(merged(held, result.list))) // another change may have come meanwhile
    if (reading.succeeded(sent, now, isLasting())) undated.forget()
    if (result.failure !== undefined) failed(result.failure)
    return { now, isWritten: result.failure === undefined }
  }
  const unwritten = (error: unknown): Look => { reading.failed(); failed(error); return UNWRITTEN }
  const trySync = joined(() => sync().catch(unwritten))
  async function change (name: ClientName, to: Word, { isWaiting, expectedAt }: Terms = {}): Promise<BlockOutcome> {
    const look = await trySync()
    const now = look.isWritten ? look.now : undefined
    if (await isWaiting?.() === false) return 'given_up'
    if (expectedAt !== undefined) return await follow((last) => last.get(name)?.at === expectedAt, to, now)
    const next = to(held, now)
    if (next === 'full') return 'full'
    hold(next)
    return now !== undefined && (await trySync()).isWritten ? 'kept' : 'pending'
  }
  const follow = createFollowing({ sync: (change) => sync(change).catch(unwritten), held: () => held, hold })
  /** Redis may have lost it. */
  const refresh = (): void => { if (!isClosed) trySync().catch(() => {}) } // it never rejects
  function poll (): void {
    refresh()
    timer = setTimeout(poll, isKnown() ? everyMs : Math.min(UNREAD_INTERVAL_MS, everyMs))
  }
  poll()
  return Object.freeze({
    standingOf (clientId: string): ClientStanding {
      if (blocked.size > 0 && namesOfClient(clientId).some((name) => blocked.has(name))) return 'blocked'
      return isKnown() ? 'free' : 'unread'
    },
    isRead: reading.isRead,
    isForeign: () => isForeign,
    list: (): BlockList => held,
    block: (name: ClientName, terms?: Terms) => change(name, (list, now) => undated.block(list, name, now), terms),
    /** @param at when it was deleted */
    blockDeleted: (name: ClientName, at: number) => change(name, (list) => withDeletion(list, name, at)),
    async lift (name: ClientName, terms?: Terms): Promise<BlockOutcome | 'not_blocked'> {
      let wasBlocked = false
      const lifted = (list: BlockList, now: number | undefined): BlockList => {
        wasBlocked = list.get(name)?.isBlocked === true
        if (wasBlocked) undated.drop(name) // a lift that is not made leaves it
        return withoutBlock(list, name, now)
      }
      const outcome = await change(name, lifted, terms)
      return outcome === 'kept' && !wasBlocked ? 'not_blocked' : outcome
    },
    /** Takes what another replica said in the revocation log. */
    take: (name: ClientName, mark: Mark): void => hold(undated.over(merged(held, new Map([[name, mark]])))),
    /** @param since when this log began, by Redis' clock. A new one is read as a whole. */
    begins (since: number): void {
      reading.begins(since)
      refresh()
    },
    close (): void {
      isClosed = true
      clearTimeout(timer)
    }
  })
}

type FollowingDeps = Readonly<{
  sync: (change: Change) => Promise<Look>
  held: () => BlockList
  hold: (list: BlockList) => void
}>

/**
 * Changes that name the word which they follow, one at a time. It is compared where it is written: of the replicas that
 * follow the same one, one is the first.
 */
function createFollowing ({ sync, held, hold }: FollowingDeps) {
  let last: Promise<unknown> = Promise.resolve()
  async function follow (
    isLast: (list: BlockList) => boolean,
    to: Word,
    now: number | undefined
  ): Promise<BlockOutcome> {
    const next = (list: BlockList, by: number | undefined): ReturnType<Word> | 'changed' =>
      isLast(list) ? to(list, by) : 'changed'
    const there: { refusal?: 'full' | 'changed' | undefined } = {}
    const written = now !== undefined && await sync((list) => {
      const result = next(list, now)
      there.refusal = typeof result === 'string' ? result : undefined
      return typeof result === 'string' ? list : result
    })
    if (there.refusal !== undefined || (written !== false && written.isWritten)) return there.refusal ?? 'kept'
    // without Redis: a lift acknowledged elsewhere is later
    const here = next(held(), undefined)
    if (typeof here === 'string') return here
    hold(here)
    return 'pending'
  }
  return (...all: Parameters<typeof follow>): Promise<BlockOutcome> => {
    const outcome = last.then(() => follow(...all))
    last = outcome.catch(() => {})
    return outcome
  }
}

/** A call while one is under way joins the next one: this one may have looked before. */
function joined<T> (act: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  let next: Promise<T> | undefined
  async function run (): Promise<T> {
    try {
      return await act()
    } finally {
      running = undefined
    }
  }
  const ask = (): Promise<T> => {
    if (running === undefined) return (running = run())
    return (next ??= running.then(() => { next = undefined; return ask() }))
  }
  return ask
}
