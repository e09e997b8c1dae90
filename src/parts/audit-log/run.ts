import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import { AuditError, type AuditErrorKind } from './errors.ts'
import type { Follower } from './follower.ts'
import type { AuditObserver } from './observer.ts'
import type { Leadership } from './store.ts'

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
  /** Seconds since this replica's last poll that succeeded, or since its start. */
  behindSeconds: () => number
  unread: () => number
  /** Gives the lease back, so that another replica goes on at once. */
  close: () => Promise<void>
}>

/**
 * Runs two loops until it is closed: one keeps the lease, one polls while it is held. A query that hangs does not cost
 * the lease.
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
      await leadership.resign().catch(() => {}) // it expires
    }
  })
}

function kindOf (error: unknown): AuditErrorKind {
  return error instanceof AuditError ? error.kind : 'unforeseen'
}
