import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../operate/logging/log.ts'
import type { RedisCommands } from '../../shared/redis/commands.ts'
import type { RevocationLog } from '../../shared/revocation/types.ts'
import { type AdminKey, createTokens } from '../admin-api/token.ts'
import { createAuditClient } from './client.ts'
import { AuditError, type AuditErrorKind } from './errors.ts'
import type { BlockDeleted } from './apply.ts'
import { createFollower, type Follower } from './follower.ts'
import { type AuditStore, createLeadership, createMemoryStore, createRedisStore, type Leadership } from './store.ts'
import { type AuditObserver, tell } from './observer.ts'
import type { SessionDigest } from './revocations.ts'

const MAX_DELAY_MS = 60_000
/** A query that hangs goes on in Authgear and holds a connection of its main database, of which a process has three. */
const AFTER_TIMEOUT_MS = 10_000

/**
 * Milliseconds before the next poll.
 * @param failures in a row
 * @param random from 0 to 1
 */
export function delayAfter (kind: AuditErrorKind, failures: number, pollMs: number, random: number): number {
  const first = kind === 'timeout' ? Math.max(pollMs, AFTER_TIMEOUT_MS) : pollMs
  return Math.min(first * 2 ** Math.min(failures - 1, 10), Math.max(MAX_DELAY_MS, pollMs)) * (0.75 + random / 2)
}

export type RunDeps = Readonly<{
  leadership: Leadership
  follower: Follower
  pollMs: number
  clock: Clock
  observer: AuditObserver
}>

export type Running = Readonly<{
  isLeader: () => boolean
  /** Since this replica's last poll that was one, or since its start. */
  behindSeconds: () => number
  /** See `Follower`. */
  unread: () => number
  /** Gives the lease back, so that another replica goes on at once. */
  close: () => Promise<void>
}>

/**
 * Two loops until closed: one keeps the lease, one polls while it is held. A query that hangs does not cost the lease.
 */
export function runAudit ({ leadership, follower, pollMs, clock, observer }: RunDeps): Running {
  const closing = new AbortController()
  const pause = async (ms: number): Promise<void> => {
    await sleep(ms, undefined, { signal: closing.signal }).catch(() => {})
  }
  const isLeader = (): boolean => leadership.leaderTerm() !== undefined
  let succeededAt = clock.monotonic()
  let failures = 0

  function failed (error: unknown): void {
    observer.failed(kindOf(error), error)
    if (kindOf(error) === 'redis') follower.redisFailed()
  }

  async function keepLease (): Promise<void> {
    let wasLeader = false
    while (!closing.signal.aborted) {
      await leadership.tick().catch(failed)
      if (isLeader() !== wasLeader) observer.leading(wasLeader = !wasLeader)
      await pause(pollMs / 2)
    }
  }

  /** @returns milliseconds until the next poll */
  async function step (): Promise<number> {
    const began = clock.monotonic()
    try {
      const outcome = await follower.poll()
      observer.polled(outcome)
      if (outcome === 'ok') succeededAt = clock.monotonic()
      failures = 0
      return Math.max(0, pollMs - (clock.monotonic() - began))
    } catch (error) {
      if (closing.signal.aborted) return 0
      observer.polled('error')
      failed(error)
      // a Redis that does not answer loses nothing: the position and the audit log are where they were
      if (kindOf(error) !== 'redis') await follower.troubled().catch(() => {})
      return delayAfter(kindOf(error), ++failures, pollMs, Math.random())
    }
  }

  async function poll (): Promise<void> {
    while (!closing.signal.aborted) {
      if (!isLeader()) { await pause(pollMs / 4); continue }
      const next = clock.monotonic() + await step()
      for (let left = next - clock.monotonic(); left > 0 && !closing.signal.aborted; left = next - clock.monotonic()) {
        await pause(Math.min(left, follower.dueMs() ?? left))
        await follower.flush()
      }
    }
  }

  const ended = Promise.all([keepLease(), poll()])
  return Object.freeze({
    isLeader,
    behindSeconds: () => (clock.monotonic() - succeededAt) / 1000,
    unread: follower.unread,
    async close () {
      closing.abort()
      await ended
      await leadership.resign().catch(() => {}) // it ends by itself
    }
  })
}

function kindOf (error: unknown): AuditErrorKind {
  return error instanceof AuditError ? error.kind : 'unforeseen'
}

export type AuditSettings = Readonly<{
  url: string
  key: AdminKey
  appId: string
  pollMs: number
  /** See `AuditClientSettings`. */
  deadlineMs?: number
}>

export type AuditDeps = Readonly<{
  endpoint: Readonly<{ host: string, scheme: 'http' | 'https' }>
  ca: string | undefined
  /** Undefined without Redis: the only replica leads. */
  shared: Readonly<{ commands: RedisCommands, keyPrefix: string }> | undefined
  revocations: RevocationLog
  blockDeleted?: BlockDeleted | undefined
  sessionDigest: SessionDigest
  /** Milliseconds for which anything is remembered. */
  lifetimeMs: number
  clock: Clock
  metrics: AuditObserver
  log: Log
}>

const MIN_OVERLAP_MS = 10_000
/** Polls: a lease lives for two, so that another replica polls within three. */
const LEASE_POLLS = 2
/** A busy machine stands still for half a second: a lease that ends meanwhile would end each poll, whoever leads. */
const MIN_LEASE_MS = 2000
const OVERLAP_POLLS = 3

/** Follows Authgear's audit log in the background; nothing being down stops it. */
export function openAudit (
  { url, key, appId, pollMs, deadlineMs }: AuditSettings,
  { endpoint, ca, shared, clock, metrics, log, ...rest }: AuditDeps
): Running {
  const observer = tell(log, metrics)
  const leaseMs = Math.max(MIN_LEASE_MS, LEASE_POLLS * pollMs)
  const store = withOwnErrors(
    shared === undefined ? createMemoryStore(clock) : createRedisStore({ ...shared, leaseMs })
  )
  const leadership = createLeadership(store, leaseMs, clock)
  const client = createAuditClient({ url, endpoint, ca, token: createTokens(key, appId, clock), clock, deadlineMs })
  const follower = createFollower({
    ...rest,
    client,
    store,
    leaderTerm: leadership.leaderTerm,
    clock,
    observer,
    overlapMs: Math.max(MIN_OVERLAP_MS, OVERLAP_POLLS * pollMs)
  })
  const running = runAudit({ leadership, follower, pollMs, clock, observer })
  return Object.freeze({ ...running, close: async () => { await Promise.all([running.close(), client.close()]) } })
}

function withOwnErrors (store: AuditStore): AuditStore {
  const own = (cause: unknown): never => { throw new AuditError('redis', cause) }
  return Object.freeze({
    hold: () => store.hold().catch(own),
    release: () => store.release().catch(own),
    load: () => store.load().catch(own),
    save: (position, ageMs) => store.save(position, ageMs).catch(own),
    claimGap: () => store.claimGap().catch(own)
  } satisfies AuditStore)
}
