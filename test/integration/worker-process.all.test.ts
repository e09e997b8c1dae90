import cluster from 'node:cluster'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { forkWorker, type WorkerProcess } from '../../src/workers/worker-process.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { tempDir } from '../helpers/temp-dir.ts'

/** A worker that needs a while before it hears its primary, as one that loads this service does. */
const SLOW_START = `
setTimeout(() => {
  process.on('message', ({ kind, id }) => {
    if (kind === 'shutdown') process.exit(0)
    process.send({ kind: 'answer', id, answer: [{ name: 'answered' }] })
  })
  process.send({ kind: 'report', report: { state: 'serving' } })
}, 400)
`

type Heard = Partial<Readonly<{ reported: () => void, line: (text: string) => void }>>

function fork (t: Test, script: string, { reported = () => {}, line = () => {} }: Heard = {}): WorkerProcess {
  const exec = join(tempDir(t, 'worker'), 'worker.cjs')
  writeFileSync(exec, script)
  cluster.setupPrimary({ exec })
  const worker = forkWorker(1, { execArgv: [], line, reported, revoked: () => {}, clock: manualClock() })
  t.teardown(() => worker.kill())
  return worker
}

const online = (): Promise<unknown> => new Promise((resolve) => { cluster.once('online', resolve) })

t.test('one that is told to end while it starts ends as soon as it can hear', async (t) => {
  const isOnline = online()
  const worker = fork(t, SLOW_START)
  await isOnline
  worker.shutDown()
  const late = new Promise((resolve) => { setTimeout(resolve, 20_000, 'it lives on').unref() })
  t.equal(await Promise.race([worker.exited, late]), 0)
})

t.test('one that starts has no metrics yet, and nobody waits for them', async (t) => {
  let heard = (): void => {}
  const reported = new Promise<void>((resolve) => { heard = resolve })
  const isOnline = online()
  const worker = fork(t, SLOW_START, { reported: heard })
  await isOnline
  t.strictSame(await worker.metrics(), [])
  t.equal(worker.report(), undefined, 'it still starts')
  await reported
  t.match(await worker.metrics(), [{ name: 'answered' }])
})

t.test('one that the system does not start has ended', async (t) => {
  const { execPath } = process
  t.teardown(() => { process.execPath = execPath })
  process.execPath = '/nowhere/node'
  const worker = fork(t, '')
  t.equal(await worker.exited, 'ENOENT')
})

/** A worker that ends by an error of its own, and is told to end before it has. */
const ENDS_TWICE = `
import(${JSON.stringify(join(import.meta.dirname, '../../src/commands/serve/on-signal.ts'))}).then(({ onPrimary }) => {
  const end = onPrimary({ error: () => {} }, async () => {
    console.log('begins to end')
    setTimeout(end, 10)
    await new Promise((resolve) => { setTimeout(resolve, 200) })
    console.log('has answered all')
  })
  setTimeout(() => { throw new Error('a defect') })
})`

t.test('one that already ends is not hurried by its primary', async (t) => {
  const lines: string[] = []
  const worker = fork(t, ENDS_TWICE, { line: (text) => lines.push(text) })
  await worker.exited
  t.strictSame(lines, ['begins to end', 'has answered all'])
})
