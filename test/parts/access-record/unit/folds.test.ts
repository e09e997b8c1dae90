import t from 'tap'
import { createFolds, type Counted, type Same } from '../../../../src/parts/access-record/folds.ts'
import type { Decided } from '../../../../src/parts/access-record/line.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const decided = (user: string): Decided => ({
  verdict: 'allowed',
  reason: 'allowed',
  kind: 'person',
  user,
  endpoint: 'verify',
  method: 'GET',
  source: 'memory',
  request: 'r'
})

const SAME: Omit<Same, 'user'> = {
  verdict: 'allowed',
  reason: 'allowed',
  endpoint: 'verify',
  host: 'a',
  method: 'GET',
  path: '/',
  call: '',
  policy: ''
}

function start ({ windowMs = 60_000, maxBytes = 1_000_000 } = {}) {
  const clock = manualClock(0)
  const written: Counted[] = []
  const folds = createFolds({ windowMs, maxBytes, clock }, (one) => { written.push(one) })
  const shown = (): readonly string[] =>
    written.splice(0).map(({ decided: { user }, count, first, last }) => `${user} ${count} ${first}-${last}`)
  const add = (user: string, more: Partial<Same> = {}): void =>
    folds.add('owner', { ...SAME, user, ...more }, () => decided(user))
  return { clock, folds, shown, add }
}

t.test('the first of a window is written at once, its repeats when it ends', async (t) => {
  const { clock, folds, shown, add } = start()
  add('alice')
  t.strictSame(shown(), ['alice 1 0-0'])
  for (let n = 0; n < 3; n++) { clock.advance(10_000); add('alice') }
  add('bob')
  t.strictSame(shown(), ['bob 1 30000-30000'])
  clock.advance(29_999)
  folds.sweep()
  t.strictSame(shown(), [], 'not before its end')
  clock.advance(1)
  folds.sweep()
  t.strictSame(shown(), ['alice 3 10000-30000'])
  add('alice')
  t.strictSame(shown(), ['alice 1 60000-60000'], 'another window')
})

t.test('a window that nobody swept ends with the next of its kind', async (t) => {
  const { clock, shown, add } = start()
  add('alice')
  add('alice')
  clock.advance(60_000)
  add('alice')
  t.strictSame(shown(), ['alice 1 0-0', 'alice 1 0-0', 'alice 1 60000-60000'])
})

t.test('without a window each request has its own line', async (t) => {
  const { shown, add } = start({ windowMs: 0 })
  add('alice')
  add('alice')
  t.strictSame(shown(), ['alice 1 0-0', 'alice 1 0-0'])
})

t.test('beyond its bytes the oldest is written early, and nothing is dropped', async (t) => {
  const { folds, shown, add } = start({ maxBytes: 5000 })
  t.notOk(folds.isCrowded())
  for (let n = 0; n < 1000; n++) add('', { isStranger: true, host: `${n}.example` })
  t.ok(folds.isCrowded())
  shown()
  for (let n = 0; n < 1000; n++) { add(`user ${n}`); add(`user ${n}`) }
  t.notOk(folds.isCrowded(), 'people are no crowd of strangers')
  t.ok(shown().length > 1980, 'all but a few are written')
  add('user 999')
  folds.flush()
  t.strictSame(shown().at(-1), 'user 999 2 0-0')
  t.notOk(folds.isCrowded())
})

t.test('what differs in anything is another line', async (t) => {
  const { shown, add } = start()
  const others: ReadonlyArray<Partial<Same>> = [
    {}, { verdict: 'refused' }, { reason: 'forbidden' }, { endpoint: 'resource' }, { host: 'b' }, { method: 'POST' },
    { policy: 'role=admin' }, { user: 'bob' }
  ]
  for (const other of others) { add('alice', other); add('alice', other) }
  t.equal(shown().length, others.length)
})

t.test('one session makes a bounded number of lines, whatever its client writes', async (t) => {
  const { folds, shown, add } = start()
  for (let n = 0; n < 500; n++) add('alice', { method: `M${n}` })
  for (let n = 0; n < 500; n++) add('alice', { verdict: 'refused', reason: 'forbidden', policy: `role=${n}` })
  t.ok(shown().length < 70, 'within a window')
  folds.flush()
  t.strictSame(shown(), ['alice 435 0-0', 'alice 499 0-0'], 'and none is dropped')
})
