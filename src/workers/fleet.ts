import { type Clock, type Repeat, systemClock, systemRepeat } from '../clock.ts'
import { describe, type Log } from '../logging/log.ts'
import type { ManagementRequest, ManagementResponse } from '../management/forwarded.ts'
import { createHistory, STEP_MS, type Sample } from '../management/status/history.ts'
import type { MetricJson, Reading } from '../metrics/metrics.ts'
import { createWholeMetrics } from '../metrics/whole.ts'
import type { Seen } from '../revocation/presence.ts'
import type { Revocation } from '../revocation/types.ts'
import type { Report } from './messages.ts'
import { supervise } from './supervisor.ts'
import { createWatchdog, TICK_MS } from './watchdog.ts'
import { NOTHING_READ, wholeFleet, wholeReading, wholeState } from './whole.ts'
import { forkWorker, type ForkSettings, type WorkerProcess } from './worker-process.ts'

/** All workers of this replica as one. */
export type Fleet = Readonly<{
  /** Resolves when all serve, or one does and another one ended. @throws {Error} where one ends before any serves */
  serving: () => Promise<void>
  state: () => Pick<Report, 'state' | 'redis' | 'authgear'>
  metrics: Readonly<{ contentType: string, render: () => Promise<string> }>
  samples: () => readonly Sample[]
  others: () => readonly Seen[]
  /** By one worker that serves, by all where Redis fails. @throws {Error} where none answers */
  manage: (request: ManagementRequest) => Promise<ManagementResponse>
  /** Asks all to end, and kills those that have not after that time. */
  end: (withinMs: number) => Promise<void>
}>

type FleetDeps = Readonly<{ count: number, log: Log, clock?: Clock, repeat?: Repeat }>
  & Pick<ForkSettings, 'execArgv' | 'line'>

const later = (ms: number, act: () => void): () => void => {
  const timer = setTimeout(act, ms)
  return () => clearTimeout(timer)
}

/** Settled once: later calls change nothing. */
function createStart (): Readonly<{ promise: Promise<void>, done: () => void, fail: (error: Error) => void }> {
  let [done, fail] = [(): void => {}, (_error: Error): void => {}]
  const promise = new Promise<void>((resolve, reject) => { [done, fail] = [resolve, reject] })
  promise.catch(() => {}) // a start that nobody waits for any more
  return { promise, done, fail }
}

/** What Redis did not take (503) holds in the worker that was asked, and so all are asked. */
async function askUntilTaken (
  workers: readonly WorkerProcess[],
  request: ManagementRequest
): Promise<ManagementResponse> {
  const ask = (worker: WorkerProcess): Promise<ManagementResponse | undefined> =>
    worker.ask('manage', request).catch(() => undefined)
  const isTaken = (answer: ManagementResponse | undefined): boolean => answer !== undefined && answer.status !== 503
  const [first, ...others] = workers
  if (first === undefined) throw new Error('no worker serves')
  const answers = [await ask(first)]
  if (!isTaken(answers[0])) answers.push(...await Promise.all(others.map(ask)))
  const answer = answers.find(isTaken) ?? answers.find((one) => one !== undefined)
  if (answer === undefined) throw new Error('no worker answered')
  return answer
}

const isServing = (worker: WorkerProcess): boolean => worker.isHeard() && worker.report()?.state === 'serving'

export function createFleet (deps: FleetDeps): Fleet {
  const { count, log, execArgv, line, clock = systemClock, repeat = systemRepeat } = deps
  const ended = { reading: NOTHING_READ, metrics: Promise.resolve<readonly MetricJson[]>([]) }
  const start = createStart()
  const metrics = createWholeMetrics(count, () => serving().length)
  const serving = (): readonly WorkerProcess[] => supervisor.children().filter(isServing)
  const reported = (): void => { if (serving().length === count) start.done() }
  /** One that did not start: the replica goes on with those that serve. */
  const unstarted = (error: Error): void => serving().length > 0 ? start.done() : start.fail(error)
  const reportsOf = (workers: readonly WorkerProcess[]): readonly Report[] =>
    workers.flatMap((worker) => worker.report() ?? [])
  const revoked = (by: number, revocation: Revocation): void => {
    for (const worker of supervisor.children()) if (worker.place !== by) worker.revoke(revocation)
  }
  const reports = (): readonly Report[] => reportsOf(supervisor.children())
  const read = (): Reading => wholeReading([ended.reading], reports().map(({ reading }) => reading))

  const remember = (worker: WorkerProcess): void => {
    const { reading } = worker.report() ?? {}
    if (reading !== undefined) ended.reading = wholeReading([ended.reading, reading], [])
    ended.metrics = ended.metrics.then((before) => metrics.keep(before, worker.lastMetrics()))
  }
  const supervisor = supervise<WorkerProcess>({
    count,
    fork: (place) => forkWorker(place, { execArgv, line, reported, revoked, clock }),
    clock,
    later,
    ended: (worker, how, waitMs) => {
      remember(worker)
      if (waitMs === undefined) return
      // one that served has shown that a worker can start: its successor will
      const hasServed = worker.report()?.state === 'serving'
      if (!hasServed) unstarted(new Error(`worker ${worker.place} ended at its start (${how})`))
      metrics.replaced()
      const what = { worker: worker.place, pid: worker.pid, ended: how, waitMs }
      log.error(what, 'a worker ended: another one takes its place')
    },
    unforked: (place, error, waitMs) => {
      // the first ones are begun before there is a supervisor to ask
      queueMicrotask(() => unstarted(new Error(`worker ${place} cannot be started`, { cause: error })))
      log.error({ worker: place, error: describe(error), waitMs }, 'a worker cannot be started: it is tried again')
    }
  })
  const history = createHistory({ read, clock })
  const samples = setInterval(history.sample, STEP_MS)
  const unwatch = repeat(TICK_MS, createWatchdog(supervisor.children, (worker, silentTicks) => {
    log.error({ worker: worker.place, pid: worker.pid, silentTicks }, 'a worker stands still: it is killed')
    worker.kill()
  }))
  return Object.freeze({
    serving: () => start.promise,
    state: () => wholeState(reportsOf(supervisor.children().filter((worker) => worker.isHeard()))),
    metrics: {
      contentType: metrics.contentType,
      render: async () => await metrics.render(
        await Promise.all(supervisor.children().map((worker) => worker.metrics())), await ended.metrics
      )
    },
    samples: history.window,
    others: () => wholeFleet(reports()),
    manage: (request: ManagementRequest) => askUntilTaken(serving(), request),
    async end (withinMs: number) {
      clearInterval(samples)
      unwatch()
      const all = supervisor.ended()
      for (const worker of supervisor.children()) worker.shutDown()
      const timer = setTimeout(() => { for (const worker of supervisor.children()) worker.kill() }, withinMs)
      await all
      clearTimeout(timer)
    }
  })
}
