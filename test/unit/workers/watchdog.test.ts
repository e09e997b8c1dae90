import t from 'tap'
import { createWatchdog } from '../../../src/workers/watchdog.ts'

function watch () {
  const worker = { last: undefined as object | undefined, report: () => worker.last }
  const killed: number[] = []
  const look = createWatchdog(() => [worker], (_worker, ticks) => { killed.push(ticks) })
  const pass = (ticks: number): void => { for (let tick = 0; tick < ticks; tick++) look() }
  return { worker, killed, pass }
}

t.test('a worker is told of once, after twenty ticks with the same report', async (t) => {
  const { worker, killed, pass } = watch()
  worker.last = {}
  pass(20)
  t.strictSame(killed, [])
  pass(100)
  t.strictSame(killed, [20])
})

t.test('one that reports is never told of', async (t) => {
  const { worker, killed, pass } = watch()
  for (let round = 0; round < 100; round++) {
    worker.last = {}
    pass(19)
  }
  t.strictSame(killed, [])
})

t.test('one that never reports has five minutes for its start', async (t) => {
  const { killed, pass } = watch()
  pass(300)
  t.strictSame(killed, [])
  pass(100)
  t.strictSame(killed, [300])
})

t.test('a start that took long counts for nothing once it reports', async (t) => {
  const { worker, killed, pass } = watch()
  pass(299)
  worker.last = {}
  pass(20)
  t.strictSame(killed, [])
})
