import { type Clock, type Moment, NEVER } from '../clock.ts'
import { type MasterDeps, PROOF_MS, trackMastery } from './mastery.ts'
import type { Snapshot } from './store.ts'
import type { LogObserver } from './types.ts'

/** From this age of the newest linked-up poll, counted from when it was sent, this replica does not follow any more. */
export const FOLLOWING_MS = PROOF_MS

const DEPOSED =
  'most Sentinels name another Redis master than the connected one: Redis is not used until they agree'
const DOUBTED =
  'too few Redis replicas acknowledge what the Redis master writes, and neither Sentinels nor a Cluster can say that ' +
    'it is still the master: Redis is not used until one of them does'

export type Health = ReturnType<typeof trackHealth>

export type HealthDeps = MasterDeps & Readonly<{ clock: Clock, observer: LogObserver }>

export function trackHealth ({ clock, observer, ...master }: HealthDeps) {
  const mastery = trackMastery(clock, master)
  const { isEnough, movedAt, askForMaster, judged } = mastery
  let last = NEVER
  let isOnMaster = false
  let isDoubted = false
  function report (): void {
    if (mastery.isProven() ? !isDoubted : isDoubted || !mastery.isOverdue()) return
    isDoubted = !isDoubted
    observer.doubted(isDoubted)
    if (isDoubted) observer.trouble(mastery.isDeposed() ? DEPOSED : DOUBTED)
  }
  return Object.freeze({
    heard (snapshot: Snapshot, sent: Moment): void {
      isOnMaster = snapshot.isMaster
      if (!isOnMaster) return
      mastery.heard(snapshot, sent)
      report()
    },
    linked ({ isMaster }: Snapshot, sent: Moment): void {
      if (isMaster) last = sent
    },
    /** True if what this server holds may be acknowledged: one that is doubted may lose it. */
    isMasterProven: () => isOnMaster && mastery.isProven(),
    /** True if it may be acknowledged although no Redis replica is known to have it; `monotonic`: when it was read. */
    isSafeSince: (monotonic: number) => isOnMaster && mastery.isSafeSince(monotonic),
    isEnough,
    movedAt,
    askForMaster,
    judged,
    /** The older of the newest linked-up poll and the proof that its server is the master. */
    followedSince: () => olderOf(last, mastery.provenSince() ?? last)
  })
}

/** By each clock: a frozen machine wakes up with both ahead, or with one of them. */
function olderOf (one: Moment, other: Moment): Moment {
  return { monotonic: Math.min(one.monotonic, other.monotonic), wall: Math.min(one.wall, other.wall) }
}
