import { setTimeout as sleep } from 'node:timers/promises'
import type { LogStore } from './store.ts'
import type { StreamLog } from './stream-log.ts'

/** Milliseconds before a server that failed is asked again. */
const PAUSE = 100
/** Failures in a row that are told: one second, so that a start and a quick reconnection are not. */
const TOLD_AFTER = 10

/**
 * Polls until closed: at once at the start, then whenever something was appended, and once a second.
 * @returns publishes what waits, and stops it
 */
export function follow (log: StreamLog, store: LogStore, trouble: (error: unknown) => void): () => Promise<void> {
  const closing = new AbortController()
  let failures = 0
  const step = async (): Promise<void> => {
    try {
      await log.poll()
      failures = 0
      await store.wait(log.snapshot().stamp.position.id)
    } catch (error) {
      if (closing.signal.aborted) return
      if (++failures === TOLD_AFTER) trouble(error)
      await sleep(PAUSE)
    }
  }
  const run = async (): Promise<void> => { while (!closing.signal.aborted) await step() }
  const ended = run()
  async function stop (): Promise<void> {
    await log.drain() // what waits is published and read back by the loop that still runs
    closing.abort()
    await log.close()
    await ended
  }
  let stopped: Promise<void> | undefined
  return async () => await (stopped ??= stop())
}
