import cluster from 'node:cluster'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createFleet, type Fleet } from '../../src/workers/fleet.ts'
import { createLog } from '../../src/logging/log.ts'
import { NOTHING_READ } from '../../src/workers/whole.ts'
import { manualClock, type ManualClock } from '../helpers/manual-clock.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const REPORT = JSON.stringify({
  kind: 'report',
  report: { state: 'serving', redis: 'up', authgear: 'ok', reading: NOTHING_READ, others: [] }
})
const PURGE = { method: 'POST', path: '/revocations', headers: {}, body: '{}', client: '127.0.0.1' } as const

/** Two workers that serve by their own word, each by this program. */
async function start (
  t: Test,
  program: string
): Promise<Readonly<{ fleet: Fleet, clock: ManualClock, lines: readonly string[] }>> {
  const exec = join(tempDir(t, 'worker'), 'worker.cjs')
  writeFileSync(exec, `process.send(${REPORT})\n${program}`)
  cluster.setupPrimary({ exec })
  const [clock, lines] = [manualClock(), [] as string[]]
  const log = createLog('silent', { write: () => {} })
  const fleet = createFleet({ count: 2, log, execArgv: [], line: (text) => lines.push(text), clock })
  t.teardown(() => fleet.end(0))
  await fleet.serving()
  return { fleet, clock, lines }
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
