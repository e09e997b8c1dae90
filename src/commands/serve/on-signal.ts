import closeWithGrace from 'close-with-grace'
import { describe, type Log } from '../../logging/log.ts'

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const

const loggerOf = (log: Log) =>
  ({ error: (message: unknown) => log.error({ error: describe(message) }, 'ends') })

const closing = (log: Log, close: () => Promise<void>) => async ({ err }: { err?: Error }): Promise<void> => {
  if (err !== undefined) {
    log.error({ error: describe(err) }, 'unexpected error: this replica ends; please report it')
  }
  await close()
}

/**
 * A second signal ends the process at once with 1, as the library does.
 * @returns lets signals alone again, for a process that ends by itself
 */
export function onSignal (log: Log, close: () => Promise<void>): () => void {
  return closeWithGrace({ delay: false, logger: loggerOf(log) }, closing(log, close)).uninstall
}

/**
 * For a worker, which its primary ends: a terminal and systemd send their signals to all processes of a group, and a
 * request must not meet a worker that ended on its own.
 * @returns ends it, unless it already ends by an error of its own: a second end would not wait for the first
 */
export function onPrimary (log: Log, close: () => Promise<void>): () => void {
  for (const signal of SIGNALS) process.on(signal, () => {})
  let isEnding = false
  const end = closing(log, async () => { isEnding = true; await close() })
  const grace = closeWithGrace({ delay: false, logger: loggerOf(log), skip: [...SIGNALS] }, end)
  return () => { if (!isEnding) grace.close() }
}
