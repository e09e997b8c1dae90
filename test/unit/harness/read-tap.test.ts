import { Readable } from 'node:stream'
import t from 'tap'
import { readTap } from '../../run/read-tap.ts'

const read = async (...lines: readonly string[]) => await readTap(Readable.from([Buffer.from(`${lines.join('\n')}\n`)]))

const FAILED = [
  'TAP version 14', 'not ok 1 - it is so', '  ---', '  at:', '    fileName: test/a.test.ts', '    lineNumber: 7'
]

t.test('a failure says which assertion, where, and what differs', async (t) => {
  const outcome = await read(...FAILED, '  diff: "-1"', '  ...', 'ok 2 - it is', '1..2')
  t.strictSame(outcome, {
    passed: 1, skipped: [], failures: [{ test: 'it is so', at: 'test/a.test.ts:7', detail: ['diff: -1'] }]
  })
})

t.test('an error that refers to itself is shown all the same', async (t) => {
  const error = ['  error: &e', '    code: EPIPE', '    cause: *e', '  ...', '1..1']
  const { failures: [failure] } = await read(...FAILED, ...error)
  t.match(failure?.detail.join('\n'), /code: 'EPIPE'[^]*Circular/)
})

t.test('a test that ends too soon has failed, and so has one that gives up', async (t) => {
  t.match(await read('TAP version 14', 'ok 1 - it is'), { failures: [{ test: 'it did not end as TAP does' }] })
  t.match(await read('TAP version 14', 'Bail out! no port'), { failures: [{ test: 'it gave up: no port' }] })
})
