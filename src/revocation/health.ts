import { elapsedSince, momentOf, type Clock, type Moment } from '../clock.ts'
import type { MasterVerdict } from '../redis/master-check.ts'
import type { Snapshot } from './store.ts'
import type { LogObserver } from './types.ts'

/** From this age of the newest linked-up poll, counted from when it was sent, this replica does not follow any more. */
const FOLLOWING_MS = 3000
/** Age of the newest proof that the server is master, from which Sentinels or the Cluster are asked as well. */
const ASK_AFTER_MS = 1500
const ASK_INTERVAL_MS = 1000
/** Servers that are known to have had replicas, and offsets that wait to be acknowledged. */
const MAX_SERVERS = 100
const MAX_OFFSETS = 16

const NEVER: Moment = { monotonic: -Infinity, wall: -Infinity }

export type Health = Readonly<{
  heard: (snapshot: Snapshot, sent: Moment) => void
  linked: (snapshot: Snapshot, sent: Moment) => void
  isFollowing: () => boolean
}>

export type HealthDeps = Readonly<{
  clock: Clock
  observer: LogObserver
  confirmMaster: () => Promise<MasterVerdict>
}>

/** Following is decided at each call: a frozen machine wakes up with both clocks ahead, or with one of them. */
export function trackHealth ({ clock, observer, confirmMaster }: HealthDeps): Health {
  const mastery = trackMastery(clock, confirmMaster)
  let last = NEVER
  let isDoubted = false
  function report (): void {
    if (mastery.isProven() ? !isDoubted : isDoubted || !mastery.isOverdue()) return
    isDoubted = !isDoubted
    observer.doubted(isDoubted)
    if (!isDoubted) return
    observer.trouble(
      'no Redis replica acknowledges what the Redis master writes, and neither Sentinels nor a Cluster can say that ' +
        'it is still the master: Redis is not used until one of them does'
    )
  }
  return Object.freeze({
    heard (snapshot: Snapshot, sent: Moment): void {
      if (!snapshot.isMaster) return
      mastery.heard(snapshot, sent)
      report()
    },
    linked ({ isMaster }: Snapshot, sent: Moment): void {
      if (isMaster) last = sent
    },
    isFollowing: () => elapsedSince(last, clock) < FOLLOWING_MS && mastery.isProven()
  })
}

type Mastery = Readonly<{
  heard: (snapshot: Snapshot, sent: Moment) => void
  isProven: () => boolean
  /** A write was not acknowledged in time: a process that was frozen is not proven either, but has no such write. */
  isOverdue: () => boolean
}>
type Offset = Readonly<{ value: number, sent: Moment }>

/**
 * A deposed master that nobody told answers as before. The proof that it is none: one of its replicas has acknowledged
 * a write of the last 3 s, or Sentinels or the Cluster have named it within them. A server that never had replicas
 * needs none: so looks the one that was just promoted.
 */
function trackMastery (clock: Clock, confirmMaster: () => Promise<MasterVerdict>): Mastery {
  const attended = new Set<string>()
  let server = ''
  let offsets: Offset[] = []
  let provenAt = NEVER
  let heardAt = NEVER
  let askedAt = -Infinity
  const isProven = (): boolean => !attended.has(server) || elapsedSince(provenAt, clock) < FOLLOWING_MS
  function prove (at: Moment): void {
    if (at.monotonic > provenAt.monotonic) provenAt = at
  }
  function moveTo (next: string): void {
    if (next === server) return
    server = next
    offsets = []
    provenAt = NEVER
    heardAt = NEVER
  }
  /** A replica that came since the server was last heard was alive then: nothing else could have deposed it before. */
  function attend (): void {
    if (attended.has(server)) return
    attended.add(server)
    prove(heardAt)
    const [oldest] = attended
    if (attended.size > MAX_SERVERS && oldest !== undefined) attended.delete(oldest)
  }
  async function ask (): Promise<void> {
    const asked = momentOf(clock)
    const [about, sinceMs] = [server, asked.monotonic - askedAt]
    if (sinceMs < ASK_INTERVAL_MS) return
    askedAt = asked.monotonic
    const verdict = await confirmMaster()
    if (verdict === 'master' && about === server) prove(asked)
  }
  return Object.freeze({
    isProven,
    isOverdue: () => offsets[0] !== undefined && elapsedSince(offsets[0].sent, clock) >= FOLLOWING_MS,
    heard ({ server: next = '', acknowledged, offset }: Snapshot, sent: Moment): void {
      moveTo(next)
      if (acknowledged.length > 0) attend()
      if (offset !== undefined) offsets = [...offsets, { value: offset, sent }].slice(-MAX_OFFSETS)
      const newest = Math.max(-1, ...acknowledged)
      for (const { value, sent: at } of offsets) if (value <= newest) prove(at)
      offsets = offsets.filter(({ value }) => value > newest)
      heardAt = sent
      if (attended.has(server) && elapsedSince(provenAt, clock) >= ASK_AFTER_MS) ask().catch(() => {})
    }
  })
}
