import type { Clock } from '../clock.ts'
import type { KeyRing } from './key-ring.ts'
import type { Root, RootStore } from './root-store.ts'
import { type KeySource, rotatingSource, type Schedule } from './sources.ts'

/** A lost root is back within it, and a new one has been seen by every replica. */
export const SYNC_INTERVAL_MS = 1000
/** Until there is a root. */
const FIRST_INTERVAL_MS = 100
/**
 * For so long a young root must have stood before it signs: where Redis was emptied, a replica that has an older one
 * reconnects and writes it back within that time.
 */
export const SETTLE_MS = 3000
const YOUNG_MS = 60_000

export type RootSyncEvents = Readonly<{
  /** The first root, or another one in place of it. */
  found: (isFirst: boolean) => void
  /** Once, until it is gone. */
  foreign: () => void
  failed: (error: unknown) => void
}>

export type RootSyncDeps = Readonly<{
  store: RootStore
  ring: Pick<KeyRing, 'want'>
  schedule: Schedule
  clock: Clock
  events: RootSyncEvents
  settleMs?: number | undefined
}>

export type RootSync = Readonly<{
  /** What Redis holds was sealed under another CACHE_SECRET. */
  isForeign: () => boolean
  close: () => void
}>

/** Keeps this replica's root and Redis' the same, for as long as the process lives. */
export function startRootSync (deps: RootSyncDeps): RootSync {
  const { store, ring, schedule, clock, events, settleMs = SETTLE_MS } = deps
  const sources = new Map<string, KeySource>()
  let held: Root | undefined
  let isForeign = false
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const sourceOf = ({ secret }: Root): KeySource => {
    const name = Buffer.from(secret).toString('base64url')
    const source = sources.get(name) ?? rotatingSource(secret, schedule)
    sources.set(name, source)
    return source
  }
  function use (root: Root, other: Root | undefined): void {
    const isFirst = held === undefined
    const isYoung = root.createdAt > clock.wall() - YOUNG_MS
    const isOther = held !== undefined && sourceOf(held) !== sourceOf(root)
    held = root
    ring.want([root, ...other === undefined ? [] : [other]].map(sourceOf), isYoung ? settleMs : 0)
    if (isFirst || isOther) events.found(isFirst)
  }
  async function sync (): Promise<void> {
    try {
      const result = await store.sync(held)
      if (result.kind === 'root') use(result.root, result.other)
      if (result.kind === 'foreign' && !isForeign) events.foreign()
      isForeign = result.kind === 'foreign'
    } catch (error) {
      events.failed(error)
    }
  }
  function poll (): void {
    sync().finally(() => {
      if (!isClosed) timer = setTimeout(poll, held === undefined ? FIRST_INTERVAL_MS : SYNC_INTERVAL_MS)
    })
  }
  poll()
  return Object.freeze({
    isForeign: () => isForeign,
    close () {
      isClosed = true
      clearTimeout(timer)
    }
  })
}
