import { elapsedSince, momentOf, type Clock, type Moment, NEVER } from '../../clock.ts'
import type { MasterVerdict } from '../redis/master-check.ts'
import type { LogStore, Snapshot } from './store.ts'

/** A proof that the server is the master counts for so long, from when it was asked for. */
export const PROOF_MS = 3000
/** Between two questions to Sentinels or the Cluster, and where the newest proof is older than that. */
const ASK_INTERVAL_MS = 1500
const ASK_AGAIN_MS = 1000
/** Servers that are known to have had replicas, and offsets that wait to be acknowledged. */
const MAX_SERVERS = 100
const MAX_OFFSETS = 16
/** No Sentinel promotes a Redis replica that was away for so long: ten times `down-after-milliseconds`, 30 s. */
const FORGET_AFTER_MS = 15 * 60_000

export type MasterDeps = Pick<LogStore, 'form' | 'confirmMaster'> & Readonly<{
  /** Sentinels or the Cluster have answered. */
  judged?: () => void
}>

export type Mastery = Readonly<{
  heard: (snapshot: Snapshot, sent: Moment) => void
  isProven: () => boolean
  /** When the newest proof was asked for; undefined where none is needed, NEVER where it is no master. */
  provenSince: () => Moment | undefined
  /** Whether nothing that was read here by then can be lost by a failover. */
  isSafeSince: (monotonic: number) => boolean
  /** Whether no failover loses a write that so many Redis replicas have. */
  isEnough: (copies: number) => boolean
  /** When this server was first heard, monotonic milliseconds. */
  movedAt: () => number
  /** Asks Sentinels or the Cluster now. Never rejects. */
  ask: () => Promise<void>
  /** Returns with the first verdict about this server. */
  judged: () => Promise<void>
  /** Most Sentinels that answered name another server. */
  isDeposed: () => boolean
  /** Polls went on for as long as a proof counts, without one: not so where the process was frozen. */
  isOverdue: () => boolean
}>
type Offset = Readonly<{ value: number, sent: Moment }>

/**
 * A deposed master that nobody told answers as before. The proof that it is none: its replicas have acknowledged a
 * write of the last 3 s, or Sentinels or the Cluster have named it within them. A server that never had replicas needs
 * none: so looks the one that was just promoted. What Sentinels say against it outweighs all of these.
 */
export function trackMastery (clock: Clock, { form, confirmMaster, judged = () => {} }: MasterDeps): Mastery {
  const attended = new Set<string>()
  let server: string | undefined
  /** Before the first verdict, or its failure, nobody can know. */
  let standing: 'unasked' | 'accepted' | 'deposed' = 'unasked'
  let offsets: Offset[] = []
  let provenAt = NEVER
  /** When the newest proof was asked for that a Redis replica has all, or that there is nobody who could lack it. */
  let safeAt = -Infinity
  let movedAt = -Infinity
  /** Replicas that it lists now, and listed at most; since when it lists fewer. */
  let listed = 0
  let most = 0
  let fewerSince: number | undefined
  let heardAt = NEVER
  let askedAt = -Infinity
  let asking = Promise.resolve()
  /** The oldest poll since the newest proof. */
  let waitsSince: Moment | undefined
  const needsProof = (): boolean => standing !== 'accepted' || attended.has(server ?? '')
  function provenSince (): Moment | undefined {
    if (standing !== 'accepted') return NEVER
    return attended.has(server ?? '') ? provenAt : undefined
  }
  function isProven (): boolean {
    const since = provenSince()
    return since === undefined || elapsedSince(since, clock) < PROOF_MS
  }
  function prove (at: Moment): void {
    if (standing === 'accepted') waitsSince = undefined
    if (at.monotonic > provenAt.monotonic) provenAt = at
  }
  function moveTo (next: string): void {
    if (next === server) return
    server = next
    movedAt = clock.monotonic()
    standing = 'unasked'
    offsets = []
    provenAt = NEVER
    safeAt = -Infinity
    heardAt = NEVER
    askedAt = -Infinity
    waitsSince = undefined
    most = 0
    fewerSince = undefined
  }
  /** By itself nobody can tell a replica that is gone from one that took over; a node of a Cluster tells it in time. */
  const needed = (): number => form === 'one' ? 1 : Math.max(1, form === 'cluster' ? listed : most)
  function count (replicas: number): void {
    listed = replicas
    most = Math.max(most, listed)
    fewerSince = listed < most ? fewerSince ?? clock.monotonic() : undefined
  }
  function forget (asked: Moment): void {
    if (fewerSince === undefined || asked.monotonic - fewerSince < FORGET_AFTER_MS) return
    most = listed
    fewerSince = undefined
  }
  /** A replica that came since the server was last heard was alive then: nothing else could have deposed it before. */
  function attend (next: string): void {
    if (attended.has(next)) return
    attended.add(next)
    prove(heardAt)
    const [oldest] = attended
    if (attended.size > MAX_SERVERS && oldest !== undefined) attended.delete(oldest)
  }
  function judge (verdict: MasterVerdict, asked: Moment): void {
    const isNamed = verdict === 'master' || verdict === 'unrefuted'
    if (verdict === 'other') standing = 'deposed'
    else if (isNamed || (standing === 'unasked' && form !== 'sentinel')) standing = 'accepted'
    if (isNamed) prove(asked)
    if (verdict === 'master' || (verdict === 'unrefuted' && listed === 0)) safeAt = asked.monotonic
    if (verdict === 'master') forget(asked)
  }
  function isDue (): boolean {
    const isUrgent = needsProof() && elapsedSince(provenAt, clock) >= ASK_INTERVAL_MS
    return clock.monotonic() - askedAt >= (isUrgent ? ASK_AGAIN_MS : ASK_INTERVAL_MS)
  }
  /** Never rejects. */
  async function ask (): Promise<void> {
    const asked = momentOf(clock)
    const about = server
    askedAt = asked.monotonic
    const verdict = await confirmMaster().catch(() => 'unknown' as const)
    if (about !== server) return
    judge(verdict, asked)
    judged()
  }
  function acknowledge ({ acknowledged, offset }: Snapshot, sent: Moment): void {
    if (offset !== undefined) offsets = [...offsets, { value: offset, sent }].slice(-MAX_OFFSETS)
    const newest = [...acknowledged].sort((a, b) => b - a)[needed() - 1] ?? -1
    for (const { value, sent: at } of offsets) {
      if (value > newest) continue
      prove(at)
      safeAt = Math.max(safeAt, at.monotonic)
    }
    offsets = offsets.filter(({ value }) => value > newest)
  }
  return Object.freeze({
    isProven,
    provenSince,
    isSafeSince: (monotonic) =>
      isProven() && movedAt <= monotonic && (!attended.has(server ?? '') || safeAt >= monotonic),
    isEnough: (copies) => copies >= needed(),
    movedAt: () => movedAt,
    ask: () => (asking = ask()),
    judged: async () => { if (standing === 'unasked') await asking },
    isDeposed: () => standing === 'deposed',
    isOverdue: () => waitsSince !== undefined && elapsedSince(waitsSince, clock) >= PROOF_MS,
    heard (snapshot: Snapshot, sent: Moment): void {
      const { server: next = '', acknowledged } = snapshot
      moveTo(next)
      count(acknowledged.length)
      if (listed > 0) attend(next)
      if (sent.monotonic - heardAt.monotonic >= PROOF_MS) waitsSince = undefined
      if (needsProof()) waitsSince ??= sent
      acknowledge(snapshot, sent)
      heardAt = sent
      if (isDue()) asking = ask()
    }
  })
}
