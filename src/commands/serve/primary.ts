import type { Config } from '../../config/index.ts'
import type { Log } from '../../logging/log.ts'
import { buildManagement } from '../../management/listener.ts'
import { createFleet, type Fleet } from '../../workers/fleet.ts'
import { bannerOf } from '../banner.ts'
import { onSignal } from './on-signal.ts'
import { aboutOf, GRACE_MS, listen, removeStaleSockets, type State } from './replica.ts'

export type PrimaryDeps = Readonly<{
  version: string
  log: Log
  /** V8's flags for each worker, and the user's own. */
  execArgv: readonly string[]
  /** Takes a worker's line. */
  line: (text: string) => void
  flushed: () => Promise<void>
}>

/** Beyond what a worker may take by its own bounds. */
const END_WITHIN_MS = GRACE_MS + 5000

/**
 * Keeps the workers alive, and has the one management listener.
 * @throws {Error} where that cannot listen, or the first workers end before one serves
 */
export async function startPrimary (config: Config, deps: PrimaryDeps): Promise<void> {
  const { version, log, execArgv, line, flushed } = deps
  await removeStaleSockets(config)
  let ending = false
  const fleet = createFleet({ count: config.workers, log, execArgv, line })
  const state = (): State => ending ? 'draining' : fleet.state().state
  const management = managementOf(config, version, fleet, state)
  // from here on: one worker may serve while another one starts
  const ignoreSignals = onSignal(log, async () => {
    ending = true
    log.info({ delayMs: config.shutdownDelayMs }, 'shutting down')
    await fleet.end(config.shutdownDelayMs + END_WITHIN_MS)
    await management.close()
    log.info('shut down')
    await flushed()
  })
  try {
    await listen(management, config.management, 'MANAGEMENT_LISTEN')
    await fleet.serving()
  } catch (error) {
    ignoreSignals()
    await fleet.end(0)
    await management.close()
    throw error
  }
  if (!ending) log.info({ ...bannerOf(config, version), workers: config.workers }, 'ready')
}

function managementOf (config: Config, version: string, fleet: Fleet, state: () => State) {
  return buildManagement({
    readiness: { state, redis: () => fleet.state().redis, authgear: () => fleet.state().authgear },
    metrics: fleet.metrics,
    version,
    revocations: undefined,
    forwarded: {
      purges: config.managementToken !== undefined,
      keySet: config.assertion !== undefined,
      ask: fleet.manage
    },
    status: { samples: fleet.samples, others: fleet.others, ...aboutOf(config) }
  })
}
