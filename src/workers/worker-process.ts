import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Clock } from '../clock.ts'
import type { MetricJson } from '../metrics/metrics.ts'
import type { Revocation } from '../revocation/types.ts'
import { createAsker, type Asker } from './asker.ts'
import type { FromWorker, Report, ToWorker } from './messages.ts'
import type { Child } from './supervisor.ts'

/** A worker as its primary knows it. */
export type WorkerProcess = Child & Readonly<{
  place: number
  pid: number | undefined
  ask: Asker['ask']
  /** The last one; undefined before the first. */
  report: () => Report | undefined
  /** Whether that one is of late; a worker whose event loop stands still is alive and silent. */
  isHeard: () => boolean
  /** Its metrics, or what it said last where it does not answer in time. */
  metrics: () => Promise<readonly MetricJson[]>
  lastMetrics: () => readonly MetricJson[]
  /** Asks it to end, as soon as what is under way is answered. */
  shutDown: () => void
  /** Has it take what another worker took. */
  revoke: (revocation: Revocation) => void
  kill: () => void
}>

/** By this variable a worker knows its place, from 1. */
export const PLACE = 'FORWARD_AUTH_WORKER'
const ANSWER_WITHIN_MS = 5000
/** Ten reports that did not come. */
const SILENT_MS = 10_000

export type ForkSettings = Readonly<{
  execArgv: readonly string[]
  /** Takes each line that a worker prints: two writers of one pipe would tear each other's lines. */
  line: (text: string) => void
  reported: () => void
  /** It took a revocation that Redis did not. */
  revoked: (place: number, revocation: Revocation) => void
  clock: Pick<Clock, 'monotonic'>
}>

/** Starts the worker of that place, as this program was started. */
export function forkWorker (place: number, { execArgv, line, reported, revoked, clock }: ForkSettings): WorkerProcess {
  // each takes connections by itself: a primary that hands them out loses those that a worker died with, for ever
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({
    execArgv: [...execArgv], stdio: ['ignore', 'pipe', 'inherit', 'ipc'], serialization: 'advanced'
  })
  const worker = cluster.fork({ [PLACE]: String(place) })
  const send = (message: ToWorker): void => {
    if (worker.isConnected()) worker.send(message, (error) => { if (error !== null) worker.process.disconnect() })
  }
  const asker = createAsker(send, ANSWER_WITHIN_MS)
  let report: Report | undefined
  let reportedAt = -Infinity
  const isHeard = (): boolean => clock.monotonic() - reportedAt < SILENT_MS
  let metrics: readonly MetricJson[] = []
  let isEnding = false
  // what is sent to one that has not reported yet is lost: Node's own listener takes it, before there is ours
  const shutDown = (): void => { if (report !== undefined) send({ kind: 'shutdown' }) }
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'answer') asker.answered(message.id, message.answer)
    else if (message.kind === 'failed') asker.failed(message.id)
    else if (message.kind === 'revoked') revoked(place, message.revocation)
    else {
      const isFirst = report === undefined
      report = message.report
      reportedAt = clock.monotonic()
      if (isFirst && isEnding) shutDown()
      reported()
    }
  })
  return Object.freeze({
    place,
    pid: worker.process.pid,
    exited: endOf(worker, line).finally(asker.lost),
    ask: asker.ask,
    report: () => report,
    isHeard,
    async metrics () {
      if (!isHeard()) return metrics
      try {
        metrics = await asker.ask('metrics', undefined)
      } catch {
        // what it counted stays counted: a figure that falls looks like a new start
      }
      return metrics
    },
    lastMetrics: () => metrics,
    revoke: (revocation: Revocation) => send({ kind: 'revoke', revocation }),
    shutDown: () => { isEnding = true; shutDown() },
    kill: () => { worker.process.kill('SIGKILL') }
  })
}

/** Once its last line has been read. */
async function endOf (worker: Worker, line: (text: string) => void): Promise<number | string> {
  const { stdout } = worker.process
  const lines = stdout === null ? undefined : createInterface({ input: stdout }).on('line', line)
  const read = lines === undefined ? undefined : once(lines, 'close')
  const how = await exitOf(worker)
  if (worker.process.pid !== undefined) await read
  return how
}

/** One that the system does not start (no process is left, no memory) has no exit: its error is its end. */
async function exitOf (worker: Worker): Promise<number | string> {
  return await new Promise((resolve) => {
    worker.once('exit', (code: number | null, signal: string | null) => resolve(signal ?? code ?? 'unknown'))
    worker.on('error', (error: NodeJS.ErrnoException) => {
      if (worker.process.pid === undefined) resolve(error.code ?? 'unknown')
    })
  })
}
