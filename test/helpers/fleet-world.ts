import cluster from 'node:cluster'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Repeat } from '../../src/clock.ts'
import { createLog } from '../../src/logging/log.ts'
import { createFleet, type Fleet } from '../../src/workers/fleet.ts'
import { NOTHING_READ } from '../../src/workers/whole.ts'
import { manualClock, type ManualClock } from './manual-clock.ts'
import { tempDir } from './temp-dir.ts'

/** That it serves, as the text of a worker's program. */
export const REPORT = JSON.stringify({
  kind: 'report', report: { state: 'serving', redis: 'up', authgear: 'ok', reading: NOTHING_READ, others: [] }
})
export const PURGE = { method: 'POST', path: '/revocations', headers: {}, body: '{}', client: '127.0.0.1' } as const

export type FleetWorld = Readonly<{
  fleet: Fleet
  clock: ManualClock
  lines: readonly string[]
  logged: () => string
  /** A second of the primary's own life, whatever else goes by; it has read what the workers sent by then. */
  tick: () => Promise<void>
}>

/** Two workers, each by this program. */
export function beginFleet (t: Test, program: string, execArgv: readonly string[] = []): FleetWorld {
  const exec = join(tempDir(t, 'worker'), 'worker.cjs')
  writeFileSync(exec, program)
  cluster.setupPrimary({ exec })
  const [clock, lines, texts] = [manualClock(), [] as string[], [] as string[]]
  const log = createLog('info', { write: (text: string) => texts.push(text) })
  let act = (): void => {}
  const repeat: Repeat = (ms, once) => {
    t.equal(ms, 1000)
    act = once
    return () => { act = () => {} }
  }
  const fleet = createFleet({ count: 2, log, execArgv, line: (text) => lines.push(text), clock, repeat })
  t.teardown(() => fleet.end(0))
  const tick = async (): Promise<void> => {
    await new Promise((resolve) => { setImmediate(resolve) })
    act()
  }
  return { fleet, clock, lines, logged: () => texts.join(''), tick }
}

/** Two workers that serve by their own word, each by this program. */
export async function startFleet (t: Test, program: string): Promise<FleetWorld> {
  const world = beginFleet(t, `process.send(${REPORT})\n${program}`)
  await world.fleet.serving()
  return world
}
