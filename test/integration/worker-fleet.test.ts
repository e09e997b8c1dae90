import cluster from 'node:cluster'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createFleet } from '../../src/workers/fleet.ts'
import { createLog } from '../../src/logging/log.ts'
import { NOTHING_READ } from '../../src/workers/whole.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { tempDir } from '../helpers/temp-dir.ts'

/** Reports once and no more, as one whose event loop stands still. */
const STANDS_STILL = `
process.send({
  kind: 'report',
  report: { state: 'serving', redis: 'up', authgear: 'ok', reading: ${JSON.stringify(NOTHING_READ)}, others: [] }
})
process.on('message', ({ id }) => process.send({ kind: 'failed', id }))
`

t.test('a replica whose workers stand still is not ready, and asks none of them', async (t) => {
  const exec = join(tempDir(t, 'worker'), 'worker.cjs')
  writeFileSync(exec, STANDS_STILL)
  cluster.setupPrimary({ exec })
  const clock = manualClock()
  const log = createLog('silent', { write: () => {} })
  const fleet = createFleet({ count: 2, log, execArgv: [], line: () => {}, clock })
  t.teardown(() => fleet.end(0))
  await fleet.serving()
  t.equal(fleet.state().state, 'serving')
  t.match(await fleet.metrics.render(), /^forward_auth_workers 2$/m)
  clock.advance(10_000)
  t.equal(fleet.state().state, 'starting')
  t.match(await fleet.metrics.render(), /^forward_auth_workers 0$/m)
  const request = { method: 'POST', path: '/revocations', headers: {}, body: '{}', client: '127.0.0.1' } as const
  await t.rejects(fleet.manage(request), { message: 'no worker serves' })
})
