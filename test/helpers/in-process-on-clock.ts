import type { Test } from 'tap'
import { startInProcess, type InProcess, type InProcessOptions } from './in-process.ts'
import { manualClock } from './manual-clock.ts'
import { ask, type Answer } from './request.ts'
import { startSimulator } from './simulator.ts'

export const verify = ({ port }: Pick<InProcess, 'port'>, token: string, query = ''): Promise<Answer> =>
  ask(port, { path: `/verify${query}`, headers: [['Authorization', `Bearer ${token}`]] })

/** In one word: the status, and where it came from, or why not. */
export const sourceOf = ({ status, headers }: Answer): string =>
  `${status} ${headers['x-forward-auth-source'] ?? headers['x-forward-auth-reason']}`

/** Value of one line of the metrics; a series begins with its first count. */
export async function metricOf ({ service }: Pick<InProcess, 'service'>, line: string): Promise<number> {
  const found = (await service.metrics.render()).split('\n').find((one) => one.startsWith(`${line} `))
  return Number(found?.slice(line.length) ?? 0)
}

/** The same line of several replicas, added up. */
export async function sumOf (replicas: ReadonlyArray<Pick<InProcess, 'service'>>, line: string): Promise<number> {
  return (await Promise.all(replicas.map((replica) => metricOf(replica, line)))).reduce((all, one) => all + one, 0)
}

/** One replica without Redis, on a clock that stands still. */
export async function startInProcessOnClock (t: Test, options: Partial<InProcessOptions> = {}) {
  const simulator = await startSimulator(t)
  const clock = manualClock()
  const adapter = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, clock, ...options })
  return {
    simulator,
    clock,
    adapter,
    /** Requests that wait for another's answer. */
    waiting: () => metricOf(adapter, 'forward_auth_coalesced_total{scope="process"}'),
    calls: () => simulator.counters.resolutions
  }
}
