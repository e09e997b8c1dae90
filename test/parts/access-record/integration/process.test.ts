import { createReadStream, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { recordedIn, recordFile, type RecordLine } from '../helpers.ts'
import { startChild } from '../../../helpers/child.ts'
import { startOnClosedPipe, startOnPipe } from '../../../helpers/on-pipe.ts'
import { startProcess } from '../../../helpers/process.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { ask } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'

const signedIn = (path = '/'): Parameters<typeof ask>[1] => ({
  path: '/verify',
  headers: [['Authorization', `Bearer ${demo.alice.accessToken}`], ['X-Forwarded-Uri', path]]
})
const countOf = (lines: readonly RecordLine[]): number => lines.reduce((sum, { count }) => sum + Number(count), 0)

t.test('a standard output that nobody reads holds up neither answers nor the end', async (t) => {
  const simulator = await startSimulator(t)
  const { port, signal, ended } = await startOnPipe(t, {
    AUTHGEAR_ENDPOINT: simulator.url, ACCESS_RECORD: 'stdout', ACCESS_RECORD_WINDOW: '0'
  })
  // far more than a pipe holds
  for (let n = 0; n < 600; n++) t.equal((await ask(port, signedIn())).status, 200)
  signal('SIGTERM')
  t.equal(await ended, 0, 'by itself')
})

for (const [required, status] of [['off', 200], ['on', 503]] as const) {
  t.test(`a standard output that is closed ends nothing; required ${required}: ${status}`, async (t) => {
    const simulator = await startSimulator(t)
    const { port, signal, ended } = await startOnClosedPipe(t, {
      AUTHGEAR_ENDPOINT: simulator.url, ACCESS_RECORD: 'stdout', ACCESS_RECORD_REQUIRED: required
    })
    // the first one may be let in before the pipe has said no
    await until('it answers so', async () => (await ask(port, signedIn())).status === status)
    for (let n = 0; n < 20; n++) t.equal((await ask(port, signedIn(`/${n}`))).status, status)
    signal('SIGTERM')
    t.equal(await ended, 0)
  })
}

t.test('with a reader that is slow each line of log and record comes whole', async (t) => {
  const simulator = await startSimulator(t)
  const { port, pipe, signal, ended } = await startOnPipe(t, {
    AUTHGEAR_ENDPOINT: simulator.url, ACCESS_RECORD: 'stdout', ACCESS_RECORD_WINDOW: '0', LOG_LEVEL: 'trace'
  })
  let asked = 0
  const request = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await ask(port, signedIn(`/${++asked}`))
  }
  await request(800)
  const text = readSlowly(pipe)
  await request(800)
  signal('SIGTERM')
  t.equal(await ended, 0)
  const lines = (await text).split('\n').slice(0, -1)
  const torn = lines.filter((line) => !isJson(line))
  t.strictSame(torn.slice(0, 3), [])
  const all = lines.filter(isJson).map((line) => JSON.parse(line) as RecordLine)
  const record = all.filter((one) => one['record'] === 'access')
  t.strictSame(record.map(({ path }) => path), Array.from({ length: asked }, (_, index) => `/${index + 1}`))
})

/** A page at a time, until nobody writes any more. */
async function readSlowly (pipe: string): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of createReadStream(pipe, { highWaterMark: 4096 })) {
    pieces.push(piece as Buffer)
    await turn()
  }
  return Buffer.concat(pieces).toString()
}

function isJson (line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object'
  } catch {
    return false
  }
}

t.test('a replica that is told to end writes first what it counted; another goes on', async (t) => {
  const simulator = await startSimulator(t)
  const { file, ACCESS_RECORD } = recordFile(t)
  const env = { AUTHGEAR_ENDPOINT: simulator.url, AUTHGEAR_TIMEOUT: '60s', ACCESS_RECORD, ACCESS_RECORD_WINDOW: '1h' }
  const first = await startProcess(t, env)
  for (let n = 0; n < 50; n++) t.equal((await ask(first.port, signedIn())).status, 200)
  await until('the first of them is written', () => recordedIn(file).length === 1)
  const hold = simulator.controls.hold('before')
  const pending = ask(first.port, { path: '/verify', headers: [['Cookie', `session=${demo.bob.cookie}`]] })
  await hold.arrived(1)
  process.kill(first.pid, 'SIGTERM')
  await until('the others are written', () => countOf(recordedIn(file)) === 50)
  t.equal(await Promise.race([pending, 'under way']), 'under way', 'before the end')
  hold.release()
  t.equal((await pending).status, 200)
  t.equal(await first.ended, 0)
  t.equal(countOf(recordedIn(file)), 51)
  const second = await startProcess(t, env)
  for (let n = 0; n < 50; n++) await ask(second.port, signedIn())
  await second.stop()
  const lines = recordedIn(file)
  t.equal(countOf(lines), 101)
  const runs = [...new Set(lines.map(({ run }) => run))]
  t.equal(runs.length, 2, 'each process has a name of its own')
  for (const run of runs) {
    const numbers = lines.filter((line) => line['run'] === run).map(({ seq }) => seq)
    t.strictSame(numbers, numbers.map((_, index) => index + 1), 'and its numbers begin with 1')
  }
})

t.test('SIGHUP: a file that was moved is opened again, and the process lives on', async (t) => {
  const simulator = await startSimulator(t)
  const { file, ACCESS_RECORD } = recordFile(t)
  const service = await startProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ACCESS_RECORD, ACCESS_RECORD_WINDOW: '0' })
  await ask(service.port, signedIn('/one'))
  await until('it is written', () => recordedIn(file).length === 1)
  renameSync(file, `${file}.1`)
  process.kill(service.pid, 'SIGHUP')
  await until('there is a new one', () => { try { return readFileSync(file).length === 0 } catch { return false } })
  await ask(service.port, signedIn('/two'))
  await until('it is written', () => recordedIn(file).length === 1)
  // a folder stands in its place: the file that is open stays in use
  renameSync(file, `${file}.2`)
  mkdirSync(file)
  process.kill(service.pid, 'SIGHUP')
  await until('it says so', () => service.logs().includes('the access record cannot be written'))
  t.equal((await ask(service.port, signedIn('/three'))).status, 200)
  await service.stop()
  t.equal(await service.ended, 0)
  const pathsIn = (name: string): readonly unknown[] => recordedIn(name).map(({ path }) => path)
  t.strictSame([`${file}.1`, `${file}.2`].map(pathsIn), [['/one'], ['/two', '/three']])
})

t.test('a file that cannot be opened ends the start with 1, beside Redis and blocks, too', async (t) => {
  const redis = await startRedis(t)
  const { ended, output } = await startChild(t, {
    name: 'forward-auth',
    command: process.execPath,
    args: ['dist/main.js'],
    env: {
      AUTHGEAR_ENDPOINT: 'http://127.0.0.1:9',
      LISTEN: '127.0.0.1:0',
      MANAGEMENT_LISTEN: 'off',
      CACHE_MAX_MEMORY: '64m',
      REDIS_URL: redis.url,
      CACHE_SECRET: 'a secret of the tests, 32 bytes!',
      RESOURCES: 'https://api.example.com#read',
      ACCESS_RECORD: 'file:/nowhere/access.jsonl'
    },
    ready: (output) => output.includes('cannot start')
  })
  t.equal(await ended, 1)
  t.match(output(), 'ACCESS_RECORD')
})
