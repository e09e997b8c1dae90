import type { Ledger } from './ledger.ts'
import type { StreamLogDeps, Written } from './store.ts'
import type { Revocation } from './types.ts'

/** A revocation on its way into the log. */
export type Item = Readonly<{ revocation: Revocation, takenAt: number, dueAt: number }> & {
  /** When it was last appended, monotonic milliseconds. */
  attempt: 'none' | 'under way' | number
  /** The Redis replicas that may take over have it, or nobody may ask whether. */
  isReplicated: boolean
}

export type Sender = Readonly<{
  /** Appends all that is due, one slice after the other; at once where none is under way. */
  send: () => void
  /** A poll that was sent at that moment read to the end: what was appended before it and is still here was lost. */
  polled: (sentAt: number) => void
  /** Whether the stream took no entry since the last call. */
  needsChange: () => boolean
  /** Nothing is sent any more. */
  stop: () => void
}>

/** Entries of one round trip: some milliseconds of Redis, and other replicas' appends come between two slices. */
const SLICE_ENTRIES = 100
/** Between two slices of entries that become due one after the other. */
const MIN_INTERVAL_MS = 20

type Queues = () => ReadonlyArray<ReadonlyMap<string, Item>>
type Deps = StreamLogDeps & Readonly<Required<Pick<StreamLogDeps, 'after'>>>

/**
 * Appends entries in slices, each in one round trip; the first queue goes first.
 * @param isEnough whether so many Redis replicas have a write that no failover loses it
 * @param replicated called when that is so of some of them
 */
export function createSender (
  deps: Deps,
  ledger: Ledger,
  queues: Queues,
  isEnough: (copies: number) => boolean,
  replicated: () => void
): Sender {
  const { clock, observer, store, codec, retentionMs, after } = deps
  let isSending = false
  let isUnusable = false
  let isStopped = false
  let polledAt = -Infinity
  let cancelTimer = (): void => {}

  function isDue ({ attempt, dueAt }: Item): boolean {
    if (attempt === 'none') return dueAt <= clock.monotonic()
    return typeof attempt === 'number' && attempt < polledAt
  }

  function dueSlice (): Array<readonly [of: string, item: Item]> {
    return queues().flatMap((queue) => [...queue]).filter(([, item]) => isDue(item)).slice(0, SLICE_ENTRIES)
  }

  async function append (slice: ReturnType<typeof dueSlice>): Promise<Written> {
    if (slice.some(([, { attempt }]) => attempt !== 'none')) store.missed()
    for (const [, item] of slice) item.attempt = 'under way'
    const now = clock.monotonic()
    return await store.append(
      ledger.log, retentionMs, slice.map(([of, item]) => codec.encode(of, withDelay(item, now)))
    )
  }

  function note (slice: ReturnType<typeof dueSlice>): void {
    for (const [, item] of slice) item.isReplicated = true
    replicated()
  }

  /** @returns whether the next slice may go */
  async function sendSlice (slice: ReturnType<typeof dueSlice>): Promise<boolean> {
    try {
      const written = await append(slice)
      isUnusable ||= written.kind === 'unusable'
      if (written.kind !== 'written') return false
      written.replicated?.then((copies) => { if (copies === undefined || isEnough(copies)) note(slice) }, () => {})
      return true
    } catch (error) {
      observer.trouble('a revocation could not be appended, and is kept until it can be', error)
      return false
    } finally {
      for (const [, item] of slice) item.attempt = clock.monotonic()
    }
  }

  /** Entries that are not due yet have their turn by themselves. */
  function sendLater (): void {
    cancelTimer()
    const waiting = queues().flatMap((queue) => [...queue.values()]).filter(({ attempt }) => attempt === 'none')
    if (waiting.length === 0) return
    const dueAt = waiting.reduce((least, item) => Math.min(least, item.dueAt), Infinity)
    cancelTimer = after(Math.max(MIN_INTERVAL_MS, dueAt - clock.monotonic()), send)
  }

  async function sendAll (): Promise<void> {
    isSending = true
    let goesOn = true
    for (let slice = dueSlice(); goesOn && slice.length > 0; slice = dueSlice()) goesOn = await sendSlice(slice)
    isSending = false // in the turn of the last look at what is due, so that nothing new is overlooked
    if (goesOn && !isStopped) sendLater()
  }

  function send (): void {
    if (!isSending && !isStopped) sendAll().catch(() => {}) // sendSlice rejects never
  }

  return Object.freeze({
    send,
    polled: (sentAt: number) => { polledAt = sentAt },
    stop (): void {
      isStopped = true
      cancelTimer()
    },
    needsChange (): boolean {
      const was = isUnusable
      isUnusable = false
      return was
    }
  })
}

/** What waited for Redis ends no token that was issued meanwhile. */
function withDelay ({ revocation, takenAt }: Item, now: number): Revocation {
  const { ends } = revocation
  return ends === undefined || ends > 0 ? revocation : { ...revocation, ends: Math.min(0, Math.round(takenAt - now)) }
}
