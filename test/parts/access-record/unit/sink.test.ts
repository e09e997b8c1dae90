import { spawnSync } from 'node:child_process'
import {
  chmodSync, closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync
} from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createFileSink, createStdoutSink } from '../../../../src/parts/access-record/sink.ts'
import { tempDir } from '../../../helpers/temp-dir.ts'
import { until } from '../../../helpers/until.ts'

function start (t: Test, file: string) {
  const seen: string[] = []
  let lost = 0
  let written = 0
  const sink = createFileSink(file, {
    written: (lines) => { written += lines },
    lost: (lines) => { lost += lines },
    failing: (error) => { seen.push(error?.code ?? 'again') }
  })
  t.teardown(() => sink.close(1000))
  return { sink, seen, lost: () => lost, written: () => written }
}

const linesOf = (file: string): readonly string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1)

t.test('lines go out whole and in their order, appended to what is there', async (t) => {
  const file = join(tempDir(t, 'record'), 'access.jsonl')
  writeFileSync(file, 'before\n')
  const { sink } = start(t, file)
  const lines = Array.from({ length: 5000 }, (_, n) => `line ${n} ${'x'.repeat(n % 300)}`)
  t.ok(lines.every((line) => sink.write(line)), 'all are taken')
  await sink.close(60_000)
  t.strictSame(linesOf(file), ['before', ...lines])
})

t.test('a line that a killed process left unfinished does not spoil the next one', async (t) => {
  const file = join(tempDir(t, 'record'), 'access.jsonl')
  writeFileSync(file, '{"seq":1}\n{"se')
  const { sink } = start(t, file)
  sink.write('{"seq":1}')
  sink.write('{"seq":2}')
  await sink.close(10_000)
  t.strictSame(linesOf(file), ['{"seq":1}', '{"se', '{"seq":1}', '{"seq":2}'])
})

t.test('counts a line when it is out, not when it waits', async (t) => {
  const file = '/dev/full'
  const { sink, lost, written, seen } = start(t, file)
  sink.write('one')
  await until('the disk refused it', () => seen.length > 0)
  t.strictSame([written(), lost()], [0, 0])
  await sink.close(0)
  t.strictSame([written(), lost()], [0, 1])
})

t.test('a file is for its owner and its group', async (t) => {
  const file = join(tempDir(t, 'record'), 'access.jsonl')
  start(t, file)
  t.equal(statSync(file).mode & 0o007, 0)
})

t.test('a file that cannot be opened is named', async (t) => {
  const file = join(tempDir(t, 'record'), 'missing', 'access.jsonl')
  t.throws(() => createFileSink(file, { written () {}, lost () {}, failing () {} }), { message: /^ACCESS_RECORD: .*cannot be opened/ })
})

for (const [what, notice] of [['a signal', 'reopen'], ['a look', 'look']] as const) {
  t.test(`a file that was moved is opened again after ${what}`, async (t) => {
    const file = join(tempDir(t, 'record'), 'access.jsonl')
    const { sink } = start(t, file)
    sink.write('one')
    await until('it is written', () => linesOf(file).length === 1)
    renameSync(file, `${file}.1`)
    sink.write('two')
    await until('the old file is still in use', () => linesOf(`${file}.1`).length === 2)
    sink[notice]()
    await until('there is a new one', () => { try { return statSync(file).size === 0 } catch { return false } })
    sink.write('three')
    await until('it is written', () => linesOf(file).length === 1)
    t.strictSame([linesOf(`${file}.1`), linesOf(file)], [['one', 'two'], ['three']])
  })
}

t.test('where the file was deleted and cannot be made again nothing is taken for written', async (t) => {
  const folder = join(tempDir(t, 'record'), 'logs')
  mkdirSync(folder)
  const file = join(folder, 'access.jsonl')
  const { sink, seen, lost } = start(t, file)
  sink.write('one')
  await until('it is written', () => linesOf(file).length === 1)
  rmSync(folder, { recursive: true })
  await until('it is known', () => { sink.look(); return !sink.isWritable() })
  sink.write('two')
  sink.look()
  t.strictSame([seen, lost()], [['ACCESS_RECORD'], 0], 'told once, and kept')
  mkdirSync(folder)
  await until('there is a new one', () => { sink.look(); return sink.isWritable() })
  await until('what waited is in it', () => linesOf(file).length === 1)
  t.strictSame([linesOf(file), seen], [['two'], ['ACCESS_RECORD', 'again']])
})

t.test('a file that was made read-only is written to the end of this process', async (t) => {
  const file = join(tempDir(t, 'record'), 'access.jsonl')
  const { sink, seen, lost } = start(t, file)
  chmodSync(file, 0o440)
  sink.write('one')
  sink.look()
  await sink.close(10_000)
  t.strictSame([linesOf(file), seen, lost()], [['one'], [], 0])
})

t.test('where no new file can be opened the one that was moved stays in use', async (t) => {
  const file = join(tempDir(t, 'record'), 'access.jsonl')
  const { sink, seen, lost } = start(t, file)
  renameSync(file, `${file}.1`)
  mkdirSync(file)
  for (const line of ['one', 'two']) {
    sink.reopen()
    sink.write(line)
  }
  await until('both are written', () => linesOf(`${file}.1`).length === 2)
  t.ok(sink.isWritable())
  t.strictSame([linesOf(`${file}.1`), seen, lost()], [['one', 'two'], ['ACCESS_RECORD'], 0])
})

t.test('a look that is under way at the end opens nothing, and throws nothing', async (t) => {
  for (let n = 0; n < 50; n++) {
    const file = join(tempDir(t, 'record'), 'access.jsonl')
    const { sink, seen } = start(t, file)
    renameSync(file, `${file}.1`)
    sink.look()
    await sink.close(1000)
    mkdirSync(file)
    await stat(file)
    t.strictSame(seen, [])
  }
})

t.test('takes no line once it is closed: its file descriptor may be another file by then', async (t) => {
  const folder = tempDir(t, 'record')
  const { sink, seen, lost } = start(t, join(folder, 'access.jsonl'))
  await sink.close(1000)
  await stat(folder) // what was begun before is done
  const other = openSync(join(folder, 'other'), 'w')
  t.teardown(() => closeSync(other))
  t.notOk(sink.write('late'))
  sink.look()
  await stat(folder)
  t.strictSame([readFileSync(join(folder, 'other'), 'utf8'), seen, lost()], ['', [], 0])
})

t.test('with a full disk 4 MiB of lines wait, no more are taken, and nobody waits', async (t) => {
  const { sink, seen } = start(t, '/dev/full')
  let taken = 0
  t.ok(sink.isWritable())
  for (let n = 0; n < 10_000; n++) taken += Number(sink.write('x'.repeat(1023)))
  t.equal(taken, 4096)
  await until('it is known', () => seen.length > 0)
  t.strictSame(seen, ['ENOSPC'])
  t.notOk(sink.isWritable())
  sink.look()
  t.notOk(sink.isWritable(), 'as long as nothing was written')
})

t.test('a pipe that nobody reads stops nobody, and one that was closed loses what it had', async (t) => {
  // in a process of its own: standard output is a pipe whose reader sleeps, then ends
  const script = `
    import { createStdoutSink } from '${new URL('../../../../src/parts/access-record/sink.ts', import.meta.url).href}'
    let lost = 0
    const sink = createStdoutSink({ written () {}, lost: (lines) => { lost += lines }, failing (error) { failed(error) } })
    const ended = new Promise((resolve) => { globalThis.failed = (error) => { if (error) resolve(error.code) } })
    let taken = 0
    for (let n = 0; n < 1000; n++) taken += Number(sink.write('x'.repeat(1023)))
    process.stderr.write(JSON.stringify({ taken, failure: await ended, lost: lost > 0 && lost <= 1000 }))
    await sink.close(100)
  `
  const piped = '"$0" --input-type=module -e "$1" | sleep 0.5'
  const { stderr } = spawnSync('bash', ['-c', piped, process.execPath, script], { encoding: 'utf8' })
  t.strictSame(JSON.parse(stderr.split('\n').at(-1) ?? ''), { taken: 1000, failure: 'EPIPE', lost: true })
})

t.test('with a reader that stands still 4 MiB wait, and the end waits for its time alone', async (t) => {
  let lost = 0
  const written: Buffer[] = []
  const sink = createStdoutSink(
    { written () {}, lost: (lines) => { lost += lines }, failing: () => t.fail('nothing has failed') },
    (piece) => { written.push(Buffer.from(piece)) }
  )
  let taken = 0
  let writable = 0
  for (let n = 0; n < 10_000; n++) {
    writable += Number(sink.isWritable())
    taken += Number(sink.write('x'.repeat(1023)))
  }
  t.strictSame([taken, writable], [4096, 2049], 'half of it where the record is required')
  t.strictSame(written.map(({ length }) => length), [1024], 'one piece at a time')
  sink.look()
  await sink.close(1)
  t.equal(lost, taken, 'what nobody took is counted')
})

t.test('of a pipe of the log each piece is whole lines, in their order', async (t) => {
  const written: string[] = []
  const sink = createStdoutSink({ written () {}, lost: () => t.fail(), failing: () => t.fail() }, (piece, done) => {
    written.push(Buffer.from(piece).toString())
    setImmediate(done, null, piece.length)
  })
  const lines = Array.from({ length: 1000 }, (_, n) => `line ${n} ${'x'.repeat(n)}`)
  for (const line of lines) sink.write(line)
  await sink.close(10_000)
  t.equal(written.join(''), lines.map((line) => `${line}\n`).join(''))
  for (const piece of written) t.ok(piece.endsWith('\n') && piece.length <= 65_536)
})

t.test('of a pipe of the log whose reader is gone nothing is kept', async (t) => {
  let lost = 0
  const seen: string[] = []
  const sink = createStdoutSink(
    { written () {}, lost: (lines) => { lost += lines }, failing: (error) => { seen.push(error?.code ?? 'again') } },
    (_, done) => done(Object.assign(new Error('gone'), { code: 'ERR_STREAM_DESTROYED' }), 0)
  )
  for (const line of ['one', 'two']) { sink.write(line); sink.look() }
  t.strictSame([lost, seen], [2, ['ERR_STREAM_DESTROYED']])
  t.notOk(sink.isWritable())
})
