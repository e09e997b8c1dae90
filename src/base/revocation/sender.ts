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

/** Entries of one round trip: some milliseconds of Redis, and other replicas' appends come between two slices. */
const SLICE_ENTRIES = 100
/** Round trips for one slice, each lost to another replica's append; then it waits for the next poll. */
const MAX_CONFLICTS = 20
/** Between two slices of entries that become due one after the other. */
const MIN_INTERVAL_MS = 20

type Queues = () => ReadonlyArray<ReadonlyMap<string, Item>>
type Deps = StreamLogDeps & Readonly<Required<Pick<StreamLogDeps, 'after'>>>

/**
 * Appends entries in slices, each in one round trip that names the entry before it; the first queue goes first.
 * @param isEnough whether so many Redis replicas have a write that no failover loses it
 * @param replicated called when that is so of some of them
 */
export function createSender (
  deps: Deps,
  ledger: Ledger,
  queues: Queues,
  isEnough: (copies: number) => boolean,
  replicated: () => void
) {
  const { clock, observer, store, codec, retentionMs, after } = deps
  let isSending = false
  let isUnusable = false
  let isStopped = false
  let polledAt = -Infinity
  let tail: Readonly<{ generation: string, nonce: string, at: number }> | undefined
  let cancelTimer = (): void => {}

  function isDue ({ attempt, dueAt }: Item): boolean {
    if (attempt === 'none') return dueAt <= clock.monotonic()
    return typeof attempt === 'number' && attempt < polledAt
  }

  function dueSlice (): Array<readonly [of: string, item: Item]> {
    return queues().flatMap((queue) => [...queue]).filter(([, item]) => isDue(item)).slice(0, SLICE_ENTRIES)
  }

  /** The newest of what a poll has read, and of what was written since it was sent. */
  function lastNonce (): string {
    if (tail !== undefined && tail.generation === ledger.generation && tail.at > polledAt) return tail.nonce
    return ledger.nonce
  }

  async function append (slice: ReturnType<typeof dueSlice>): Promise<Written> {
    const generation = ledger.generation
    for (let previous = lastNonce(), conflicts = 0; ; conflicts++) {
      let nonce = previous
      const entries = slice.map(([of, item]) => {
        const fields = codec.encode(generation, nonce, of, withDelay(item, clock.monotonic()))
        nonce = fields.nonce
        return fields
      })
      const written = await store.append(generation, previous, retentionMs, entries)
      if (written.kind === 'written') tail = { generation, nonce, at: clock.monotonic() }
      if (written.kind !== 'conflict' || conflicts === MAX_CONFLICTS) return written
      previous = written.nonce
    }
  }

  function note (slice: ReturnType<typeof dueSlice>): void {
    for (const [, item] of slice) item.isReplicated = true
    replicated()
  }

  /** @returns whether the next slice may go */
  async function sendSlice (slice: ReturnType<typeof dueSlice>): Promise<boolean> {
    for (const [, item] of slice) item.attempt = 'under way'
    try {
      const written = await append(slice)
      isUnusable ||= written.kind === 'unusable'
      if (written.kind !== 'written') return false
      written.replicated?.then((copies) => { if (copies === undefined || isEnough(copies)) note(slice) }, () => {})
      return true
    } catch (error) {
      observer.trouble('a revocation could not be written to Redis: it is kept and retried', error)
      return false
    } finally {
      for (const [, item] of slice) item.attempt = clock.monotonic()
    }
  }

  /** Entries that are not due yet are sent by a timer. */
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

  /** Appends all that is due, one slice after the other; at once where none is under way. */
  function send (): void {
    if (!isSending && !isStopped) sendAll().catch(() => {}) // sendSlice rejects never
  }

  return Object.freeze({
    send,
    /** A poll that was sent at that moment linked up: what was appended before it and is still here was lost. */
    polled: (sentAt: number) => { polledAt = sentAt },
    /** Nothing is sent any more. */
    stop (): void {
      isStopped = true
      cancelTimer()
    },
    /** True if the stream took no entry since the last call. */
    needsChange (): boolean {
      const was = isUnusable
      isUnusable = false
      return was
    }
  })
}

/** A revocation that waited for Redis ends no token that was issued meanwhile. */
function withDelay ({ revocation, takenAt }: Item, now: number): Revocation {
  const { ends } = revocation
  return ends === undefined || ends > 0 ? revocation : { ...revocation, ends: Math.min(0, Math.round(takenAt - now)) }
}
