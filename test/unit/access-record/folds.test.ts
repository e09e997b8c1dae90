import t from 'tap'
import { createFolds, type Counted } from '../../../src/access-record/folds.ts'
import type { Decided } from '../../../src/access-record/line.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

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

function start ({ windowMs = 60_000, maxBytes = 1_000_000 } = {}) {
  const clock = manualClock(0)
  const written: Counted[] = []
  const folds = createFolds({ windowMs, maxBytes, clock }, (one) => { written.push(one) })
  const shown = (): readonly string[] =>
    written.splice(0).map(({ decided: { user }, count, first, last }) => `${user} ${count} ${first}-${last}`)
  return { clock, folds, shown, add: (user: string) => folds.add(user, () => decided(user)) }
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

t.test('without a window each is written by itself', async (t) => {
  const { shown, add, folds } = start({ windowMs: 0 })
  add('alice')
  add('alice')
  t.strictSame(shown(), ['alice 1 0-0', 'alice 1 0-0'])
  t.equal(folds.size(), 0)
})

t.test('beyond its bytes the oldest is written early, and nothing is dropped', async (t) => {
  const { folds, shown, add } = start({ maxBytes: 5000 })
  for (let n = 0; n < 1000; n++) { add(`user ${n}`); add(`user ${n}`) }
  t.ok(folds.size() < 12, `${folds.size()} folds`)
  folds.flush()
  const counts = shown().map((line) => Number(line.split(' ')[2]))
  t.equal(counts.reduce((sum, count) => sum + count, 0), 2000)
  t.equal(folds.size(), 0)
})
