import cluster from 'node:cluster'
import { isatty } from 'node:tty'
import { loadConfig } from '../config/index.ts'
import { machineMemory } from '../config/machine-memory.ts'
import { createLog, describe, openLogOutput } from '../logging/log.ts'
import { prettyStream } from '../logging/pretty.ts'
import { PLACE } from '../workers/worker-process.ts'
import { fitHeap, flagsOfWorkers } from './fit-heap.ts'
import type { Out } from './out.ts'
import { startPrimary } from './serve/primary.ts'
import { startSingle } from './serve/single.ts'
import { startWorker } from './serve/worker.ts'
import { tracerOf } from './tracing.ts'

/**
 * Runs until a signal: in this process, or as the primary of WORKERS, or as one of them.
 * @returns the exit code where it does not even start; else undefined, and the process lives on
 */
export async function serve (env: NodeJS.ProcessEnv, version: string, err: Out): Promise<1 | undefined> {
  const loaded = loadConfig(env)
  if (loaded.kind === 'errors') {
    for (const error of loaded.errors) err.write(`error: ${error}\n`)
    return 1
  }
  const { config, warnings } = loaded
  const place = cluster.isWorker ? Number(env[PLACE]) : undefined
  if (place === undefined && config.workers === 1) fitHeap(process, machineMemory())
  const output = openLogOutput(1)
  // a worker writes for its primary, which makes it pretty
  const isPretty = config.logFormat === 'pretty' && place === undefined
  const stream = isPretty ? prettyStream(output, isatty(1)) : output
  const log = createLog(config.logLevel, stream, place === undefined ? null : { worker: place })
  const { flushed } = output
  if (place === undefined) for (const warning of warnings) log.warn(warning)
  try {
    if (place === undefined && config.workers > 1) {
      const execArgv = flagsOfWorkers(process, machineMemory(), config.workers)
      await startPrimary(config, { version, log, execArgv, line: (text) => stream.write(`${text}\n`), flushed })
      return undefined
    }
    const running = { version, log, tracer: await tracerOf(env, version, log), flushed }
    await (place === undefined ? startSingle(config, running) : startWorker(config, running, place))
    return undefined
  } catch (error) {
    log.error({ error: describe(error) }, 'cannot start')
    await flushed()
    if (place !== undefined) process.exit(1) // its channel to the primary would keep it alive
    return 1
  }
}
