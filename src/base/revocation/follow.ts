import { setTimeout as sleep } from 'node:timers/promises'
import type { LogStore } from './store.ts'
import { LogSuspended, type StreamLog } from './stream-log.ts'

/** Before the next poll, after one that failed. */
const PAUSE_MS = 100
/** Before the next poll, while the log is left as it is: each reads the same entries again. */
const SUSPENDED_PAUSE_MS = 1000
/** Failures in a row before the log says so: one second, so that a start and a quick reconnection do not count. */
const REPORTED_AFTER_FAILURES = 10

/**
 * Polls until closed: at once at the start, then whenever something was appended, and once a second.
 * @returns stops it, after the pending revocations are published
 */
export function follow (log: StreamLog, store: LogStore, trouble: (error: unknown) => void): () => Promise<void> {
  const closing = new AbortController()
  let failures = 0
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal: closing.signal }).catch(() => {})
  const step = async (): Promise<void> => {
    try {
      await log.poll()
      failures = 0
      await store.wait(log.snapshot().stamp.position.id)
    } catch (error) {
      if (closing.signal.aborted) return
      const isSuspended = error instanceof LogSuspended
      if (!isSuspended && ++failures === REPORTED_AFTER_FAILURES) trouble(error)
      await pause(isSuspended ? SUSPENDED_PAUSE_MS : PAUSE_MS)
    }
  }
  const run = async (): Promise<void> => { while (!closing.signal.aborted) await step() }
  const ended = run()
  async function stop (): Promise<void> {
    await log.drain() // the loop still runs, and reads back what is published
    closing.abort()
    await log.close()
    await ended
  }
  let stopped: Promise<void> | undefined
  return async () => await (stopped ??= stop())
}
