import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import { AuditError, type AuditErrorKind } from './audit-error.ts'
import { delayAfter } from './backoff.ts'
import type { Follower } from './follower.ts'
import type { Leadership } from './leadership.ts'
import type { AuditObserver } from './observer.ts'

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
  /** Gives the lease back, so that another replica goes on at once. */
  close: () => Promise<void>
}>

/** Two loops until closed: one keeps the lease, one polls while it is held. A query that hangs does not cost the lease. */
export function runAudit ({ leadership, follower, pollMs, clock, observer }: RunDeps): Running {
  const closing = new AbortController()
  const pause = async (ms: number): Promise<void> => { await sleep(ms, undefined, { signal: closing.signal }).catch(() => {}) }
  const isLeader = (): boolean => leadership.reign() !== undefined
  let succeededAt = clock.monotonic()
  let failures = 0

  async function keepLease (): Promise<void> {
    let wasLeader = false
    while (!closing.signal.aborted) {
      await leadership.tick().catch((error: unknown) => observer.failed(kindOf(error), error))
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
      observer.failed(kindOf(error), error)
      await follower.troubled().catch(() => {}) // Redis: its own failure is told above
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
