import type { Clock } from '../clock.ts'
import type { KeyRing } from './key-ring.ts'
import type { RootStore } from './root-store.ts'
import { nameOf, type Root } from './roots.ts'
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
  /** The first root, or another one beside it. */
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
  let sources: ReadonlyMap<string, KeySource> = new Map()
  let held: readonly Root[] = []
  let isForeign = false
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  function use (roots: readonly Root[]): void {
    const isFirst = held.length === 0
    const isNew = roots.some((root) => !sources.has(nameOf(root)))
    sources = new Map(roots.map((root) => {
      const name = nameOf(root)
      return [name, sources.get(name) ?? rotatingSource(root.secret, schedule)]
    }))
    held = roots
    const isYoung = (roots[0]?.createdAt ?? 0) > clock.wall() - YOUNG_MS
    ring.want([...sources.values()], isYoung ? settleMs : 0)
    if (isNew) events.found(isFirst)
  }
  async function sync (): Promise<void> {
    try {
      const result = await store.sync(held)
      if (result.kind === 'roots') use(result.roots)
      if (result.kind === 'foreign' && !isForeign) events.foreign()
      isForeign = result.kind === 'foreign'
    } catch (error) {
      events.failed(error)
    }
  }
  function poll (): void {
    sync().finally(() => {
      if (!isClosed) timer = setTimeout(poll, held.length === 0 ? FIRST_INTERVAL_MS : SYNC_INTERVAL_MS)
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
