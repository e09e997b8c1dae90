import cluster from 'node:cluster'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createFleet, type Fleet } from '../../src/workers/fleet.ts'
import { createLog } from '../../src/logging/log.ts'
import { NOTHING_READ } from '../../src/workers/whole.ts'
import { manualClock, type ManualClock } from '../helpers/manual-clock.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const REPORT = JSON.stringify({
  kind: 'report',
  report: { state: 'serving', redis: 'up', authgear: 'ok', reading: NOTHING_READ, others: [] }
})
const PURGE = { method: 'POST', path: '/revocations', headers: {}, body: '{}', client: '127.0.0.1' } as const

type World = Readonly<{ fleet: Fleet, clock: ManualClock, lines: readonly string[] }>

/** Two workers, each by this program. */
function begin (t: Test, program: string, execArgv: readonly string[] = []): World {
  const exec = join(tempDir(t, 'worker'), 'worker.cjs')
  writeFileSync(exec, program)
  cluster.setupPrimary({ exec })
  const [clock, lines] = [manualClock(), [] as string[]]
  const log = createLog('silent', { write: () => {} })
  const fleet = createFleet({ count: 2, log, execArgv, line: (text) => lines.push(text), clock })
  t.teardown(() => fleet.end(0))
  return { fleet, clock, lines }
}

/** Two workers that serve by their own word, each by this program. */
async function start (t: Test, program: string): Promise<World> {
  const world = begin(t, `process.send(${REPORT})\n${program}`)
  await world.fleet.serving()
  return world
}

/** Reports once and no more, as one whose event loop stands still. */
const STANDS_STILL = "process.on('message', ({ id }) => process.send({ kind: 'failed', id }))"

t.test('a replica whose workers stand still is not ready, and asks none of them', async (t) => {
  const { fleet, clock } = await start(t, STANDS_STILL)
  t.equal(fleet.state().state, 'serving')
  t.match(await fleet.metrics.render(), /^forward_auth_workers 2$/m)
  clock.advance(10_000)
  t.equal(fleet.state().state, 'starting')
  t.match(await fleet.metrics.render(), /^forward_auth_workers 0$/m)
  await t.rejects(fleet.manage(PURGE), { message: 'no worker serves' })
})

/** The second one is not told from one that takes its time, until it is killed. */
const SECOND_IS_SLOW = (program: string): string => `if (process.env.FORWARD_AUTH_WORKER === '1') ${program}
process.on('message', () => {})`

t.test('a worker that ends at its start ends no replica that another one serves', async (t) => {
  const { fleet } = begin(t, SECOND_IS_SLOW(`process.send(${REPORT})`))
  await until('the first one serves', () => fleet.state().state === 'serving')
  const [, second] = Object.values(cluster.workers ?? {})
  second?.process.kill('SIGKILL')
  await fleet.serving()
  t.equal(fleet.state().state, 'serving')
})

t.test('a worker that ends at its start ends a replica that none serves', async (t) => {
  const { fleet } = begin(t, SECOND_IS_SLOW('{}'))
  const [, second] = Object.values(cluster.workers ?? {})
  second?.process.kill('SIGKILL')
  await t.rejects(fleet.serving(), { message: 'worker 2 ended at its start (SIGKILL)' })
})

t.test('workers that the system does not even begin end the replica', async (t) => {
  const TOO_LONG = [`--title=${'x'.repeat(4_000_000)}`]
  await t.rejects(begin(t, '', TOO_LONG).fleet.serving(), { message: 'worker 1 cannot be started' })
})

/** Answers a purge by the status of its place, or ends. */
const purging = (statuses: readonly number[]): string => `
process.on('message', ({ kind, id }) => {
  if (kind !== 'ask') return
  const status = ${JSON.stringify(statuses)}[process.env.FORWARD_AUTH_WORKER - 1]
  console.log('asked')
  if (status === 0) process.send({ kind: 'failed', id })
  else process.send({ kind: 'answer', id, answer: { status, headers: {}, body: '' } })
})`

t.test('a purge that Redis did not take reaches every worker, as each remembers', async (t) => {
  const rows: ReadonlyArray<readonly [statuses: readonly number[], status: number, asked: number]> = [
    [[200, 200], 200, 1],
    [[401, 200], 401, 1],
    [[503, 503], 503, 2],
    [[503, 200], 200, 2],
    [[0, 200], 200, 2],
    [[0, 503], 503, 2]
  ]
  for (const [statuses, status, asked] of rows) {
    await t.test(statuses.join(' and '), async (t) => {
      const { fleet, lines } = await start(t, purging(statuses))
      t.equal((await fleet.manage(PURGE)).status, status)
      await fleet.end(0)
      t.equal(lines.length, asked)
    })
  }
})
