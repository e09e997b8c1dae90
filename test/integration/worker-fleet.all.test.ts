import cluster from 'node:cluster'
import t from 'tap'
import {
  beginFleet as begin, PURGE, REPORT, startFleet as start, type FleetWorld as World
} from '../helpers/fleet-world.ts'
import { until } from '../helpers/until.ts'

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

const ticks = async ({ tick }: World, count: number): Promise<void> => { for (let n = 0; n < count; n++) await tick() }

/** Reports at each SIGUSR2, and says so by a line. */
const REPORTS_WHEN_TOLD = `
process.on('message', ({ id }) => process.send({ kind: 'failed', id }))
process.on('SIGUSR2', () => process.send(${REPORT}, () => console.log('reported')))
process.send(${REPORT})`

t.test('a worker that stands still for 20 ticks of its primary is killed and replaced', async (t) => {
  const world = begin(t, REPORTS_WHEN_TOLD)
  const { fleet, lines, logged } = world
  await fleet.serving()
  await ticks(world, 1)
  const [stopped, lively] = Object.values(cluster.workers ?? {}).map((worker) => worker?.process)
  stopped?.kill('SIGSTOP')
  await ticks(world, 19)
  lively?.kill('SIGUSR2')
  await until('the lively one has reported', () => lines.length === 1)
  t.equal(logged(), '', 'nobody is killed before')
  await ticks(world, 1)
  t.match(logged(), /"worker":1,"pid":\d+,"silentTicks":20,"msg":"a worker stands still: it is killed"/)
  await until('it is replaced', () => logged().includes('a worker ended: another one takes its place'))
  t.match(logged(), /"worker":1,.*"ended":"SIGKILL"/)
  t.notMatch(logged(), /"worker":2/)
  await until('its successor serves', async () => /^forward_auth_workers 2$/m.test(await fleet.metrics.render()))
  t.match(await fleet.metrics.render(), /^forward_auth_workers_replaced_total 1$/m)
})

t.test('no worker is killed for time in which its primary was frozen too', async (t) => {
  const world = await start(t, STANDS_STILL)
  await ticks(world, 1)
  world.clock.advance(3_600_000)
  await ticks(world, 19)
  t.equal(world.logged(), '')
})

t.test('no worker is killed for starting slowly', async (t) => {
  const world = begin(t, SECOND_IS_SLOW('{}'))
  await ticks(world, 100)
  t.equal(world.logged(), '')
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

t.test('the only worker that serves ends while another starts: the replica goes on', async (t) => {
  const { fleet } = begin(t, SECOND_IS_SLOW(`process.send(${REPORT})`))
  await until('the first one serves', () => fleet.state().state === 'serving')
  const [first] = Object.values(cluster.workers ?? {})
  first?.process.kill('SIGKILL')
  await until('its successor serves', async () => /_replaced_total 1$/m.test(await fleet.metrics.render()) &&
    fleet.state().state === 'serving')
  const [second] = Object.values(cluster.workers ?? {})
  second?.process.kill('SIGKILL')
  await fleet.serving()
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
