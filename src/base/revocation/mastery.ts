import { elapsedSince, momentOf, type Clock, type Moment, NEVER } from '../clock.ts'
import type { MasterVerdict } from '../redis/master-check.ts'
import type { RedisForm } from '../redis/options.ts'
import type { LogStore, Snapshot } from './store.ts'

/** Lifetime of a proof that the server is the master, counted from when it was requested. */
export const PROOF_MS = 3000
/** Between two questions to Sentinels or the Cluster, and where the newest proof is older than that. */
const ASK_INTERVAL_MS = 1500
const ASK_AGAIN_MS = 1000
/** Servers that are known to have had replicas, and offsets that wait to be acknowledged. */
const MAX_SERVERS = 100
const MAX_OFFSETS = 16
/** No Sentinel promotes a Redis replica that was away this long: ten times `down-after-milliseconds`, 30 s. */
const FORGET_AFTER_MS = 15 * 60_000

export type MasterDeps = Pick<LogStore, 'form' | 'confirmMaster'> & Readonly<{
  /** Sentinels or the Cluster have answered. */
  judged?: () => void
}>

type Offset = Readonly<{ value: number, sent: Moment }>

/** The facts about the server that is followed, before it is heard; undefined where none was yet. */
const unheard = (name: string | undefined, movedAt: number) => ({
  name,
  movedAt,
  /** Before the first verdict, or its failure, nobody can know. */
  standing: 'unasked' as 'unasked' | 'accepted' | 'deposed',
  /** The offsets of writes that no Redis replica has acknowledged yet. */
  offsets: [] as readonly Offset[],
  provenAt: NEVER,
  /** When the newest proof was asked for that a Redis replica has all, or that there is nobody who could lack it. */
  safeAt: -Infinity,
  /** Replicas that it lists now, and listed at most; since when it lists fewer. */
  listed: 0,
  most: 0,
  fewerSince: undefined as number | undefined,
  heardAt: NEVER,
  askedAt: -Infinity,
  /** The oldest poll since the newest proof. */
  waitsSince: undefined as Moment | undefined
})
type Followed = ReturnType<typeof unheard>

/**
 * A deposed master that nobody told answers as before. The proof that it is none: its replicas have acknowledged a
 * write of the last 3 s, or Sentinels or the Cluster have named it within them. A server that never had replicas needs
 * none: so looks the one that was just promoted. What Sentinels say against it outweighs all of these.
 */
export function trackMastery (clock: Clock, { form, confirmMaster, judged = () => {} }: MasterDeps) {
  /** Servers that are known to have had replicas. */
  const attended = new Set<string | undefined>()
  let server = unheard(undefined, -Infinity)
  let asking = Promise.resolve()
  const needsProof = (): boolean => server.standing !== 'accepted' || attended.has(server.name)
  /** When the newest proof was asked for; undefined where none is needed, NEVER where it is no master. */
  function provenSince (): Moment | undefined {
    if (server.standing !== 'accepted') return NEVER
    return attended.has(server.name) ? server.provenAt : undefined
  }
  function isProven (): boolean {
    const since = provenSince()
    return since === undefined || elapsedSince(since, clock) < PROOF_MS
  }
  /** A replica that came since the server was last heard was alive then: nothing else could have deposed it before. */
  function attend (): void {
    if (attended.has(server.name)) return
    attended.add(server.name)
    prove(server, server.heardAt)
    const [oldest] = attended
    if (attended.size > MAX_SERVERS) attended.delete(oldest)
  }
  function isDue (): boolean {
    const isUrgent = needsProof() && elapsedSince(server.provenAt, clock) >= ASK_INTERVAL_MS
    return clock.monotonic() - server.askedAt >= (isUrgent ? ASK_AGAIN_MS : ASK_INTERVAL_MS)
  }
  /** Never rejects. */
  async function ask (): Promise<void> {
    const asked = momentOf(clock)
    const about = server.name
    server.askedAt = asked.monotonic
    const verdict = await confirmMaster().catch(() => 'unknown' as const)
    if (about !== server.name) return
    judge(server, form, verdict, asked)
    judged()
  }
  return Object.freeze({
    isProven,
    provenSince,
    /** True if nothing that was read here by then can be lost by a failover. */
    isSafeSince: (monotonic: number): boolean =>
      isProven() && server.movedAt <= monotonic && (!attended.has(server.name) || server.safeAt >= monotonic),
    /** True if no failover loses a write that so many Redis replicas have. */
    isEnough: (copies: number): boolean => copies >= neededOf(server, form),
    /** When this server was first heard, monotonic milliseconds. */
    movedAt: () => server.movedAt,
    /** Asks Sentinels or the Cluster now. Never rejects. */
    askForMaster: (): Promise<void> => (asking = ask()),
    /** Returns with the first verdict about this server. */
    judged: async (): Promise<void> => { if (server.standing === 'unasked') await asking },
    /** Most Sentinels that answered name another server. */
    isDeposed: () => server.standing === 'deposed',
    /** Polls went on for as long as a proof counts, without one: not so where the process was frozen. */
    isOverdue: () => server.waitsSince !== undefined && elapsedSince(server.waitsSince, clock) >= PROOF_MS,
    heard (snapshot: Snapshot, sent: Moment): void {
      const { server: name = '', acknowledged } = snapshot
      if (name !== server.name) server = unheard(name, clock.monotonic())
      count(server, acknowledged.length, clock)
      if (server.listed > 0) attend()
      if (sent.monotonic - server.heardAt.monotonic >= PROOF_MS) server.waitsSince = undefined
      if (needsProof()) server.waitsSince ??= sent
      acknowledge(server, form, snapshot, sent)
      server.heardAt = sent
      if (isDue()) asking = ask()
    }
  })
}

function prove (server: Followed, at: Moment): void {
  if (server.standing === 'accepted') server.waitsSince = undefined
  if (at.monotonic > server.provenAt.monotonic) server.provenAt = at
}

/** A single server cannot tell a replica that is gone from one that took over; a node of a Cluster tells it in time. */
function neededOf ({ listed, most }: Followed, form: RedisForm): number {
  return form === 'one' ? 1 : Math.max(1, form === 'cluster' ? listed : most)
}

function count (server: Followed, replicas: number, clock: Clock): void {
  server.listed = replicas
  server.most = Math.max(server.most, replicas)
  server.fewerSince = replicas < server.most ? server.fewerSince ?? clock.monotonic() : undefined
}

function forget (server: Followed, asked: Moment): void {
  if (server.fewerSince === undefined || asked.monotonic - server.fewerSince < FORGET_AFTER_MS) return
  server.most = server.listed
  server.fewerSince = undefined
}

function judge (server: Followed, form: RedisForm, verdict: MasterVerdict, asked: Moment): void {
  const isNamed = verdict === 'master' || verdict === 'unrefuted'
  if (verdict === 'other') server.standing = 'deposed'
  else if (isNamed || (server.standing === 'unasked' && form !== 'sentinel')) server.standing = 'accepted'
  if (isNamed) prove(server, asked)
  if (verdict === 'master' || (verdict === 'unrefuted' && server.listed === 0)) server.safeAt = asked.monotonic
  if (verdict === 'master') forget(server, asked)
}

function acknowledge (server: Followed, form: RedisForm, { acknowledged, offset }: Snapshot, sent: Moment): void {
  if (offset !== undefined) server.offsets = [...server.offsets, { value: offset, sent }].slice(-MAX_OFFSETS)
  const newest = acknowledged.toSorted((a, b) => b - a)[neededOf(server, form) - 1] ?? -1
  for (const { value, sent: at } of server.offsets) {
    if (value > newest) continue
    prove(server, at)
    server.safeAt = Math.max(server.safeAt, at.monotonic)
  }
  server.offsets = server.offsets.filter(({ value }) => value > newest)
}
