import t from 'tap'
import { createLog } from '../../../src/base/logging/log.ts'
import { pretty, prettyStream } from '../../../src/base/logging/pretty.ts'

const line = (fields: object): string =>
  `${JSON.stringify({ level: 'info', time: '2026-11-25T12:34:56.789Z', msg: 'ready', ...fields })}\n`

t.test('a line for a person: time, level, what happened, and its fields', async t => {
  const rows: ReadonlyArray<readonly [fields: object, printed: string]> = [
    [{}, '12:34:56.789 INFO  ready\n'],
    [{ level: 'warn', msg: 'cannot answer', status: 503, reason: 'authgear_unavailable' },
      '12:34:56.789 WARN  cannot answer  status=503 reason=authgear_unavailable\n'],
    [{ error: { code: 'A', message: 'two words' } },
      '12:34:56.789 INFO  ready  error.code=A error.message="two words"\n'],
    [{ client: '2001:db8::1', empty: '', list: ['a', 1] },
      '12:34:56.789 INFO  ready  client=2001:db8::1 empty="" list=["a",1]\n'],
    [{ policy: 'a=b' }, '12:34:56.789 INFO  ready  policy="a=b"\n']
  ]
  for (const [fields, printed] of rows) t.equal(pretty(line(fields), false), printed)
})

t.test('nothing that is logged commands a terminal', async t => {
  const hostile = '\u001b[2J\u009b31m\u0007\r\n\u202e\u2066\u200f\u007f'
  const printed = pretty(line({ msg: `x${hostile}`, n: hostile, error: { message: hostile } }), false)
  t.notMatch(printed.slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/) // eslint-disable-line no-control-regex -- that is what it looks for
  t.equal(printed.split('\n').length, 2, 'it stays one line')
})

t.test('colours are for a terminal alone', async t => {
  t.match(pretty(line({ level: 'error' }), true), /\u001b\[31mERROR\u001b\[39m ready/) // eslint-disable-line no-control-regex -- that is what it looks for
  t.notMatch(pretty(line({ level: 'error' }), false), /\u001b/) // eslint-disable-line no-control-regex -- that is what it looks for
})

t.test('prints anything but a log line unchanged', async t => {
  for (const text of ['', 'plain text\n', '{"a":1}\n', '[]\n', '{broken\n']) t.equal(pretty(text, false), text)
})

t.test('formats each line that the log writes', async t => {
  const printed: string[] = []
  createLog(
    'info',
    prettyStream(
      {
        write: (text: string) => {
          printed.push(text)
        }
      },
      false
    )
  ).warn({ redis: 'redis:6379' }, 'Redis is unreachable')
  t.match(printed, [/^\d\d:\d\d:\d\d\.\d{3} WARN {2}Redis is unreachable {2}redis=redis:6379\n$/])
})
