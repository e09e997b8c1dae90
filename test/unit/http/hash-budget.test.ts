import t from 'tap'
import { createHashBudget } from '../../../src/base/http/webhook.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const [SMALL, USUAL, LARGE] = [16 * 1024, 64 * 1024, 2 ** 20]

t.test('a flood of large bodies leaves the usual ones a budget, and small ones have none', (t) => {
  const clock = manualClock()
  const { mayHash, trust } = createHashBudget(clock)
  const taken = (bytes: number, of = 100): number =>
    Array.from({ length: of }, (_, i) => mayHash(`sender ${i}`, bytes)).filter(Boolean).length
  t.equal(taken(LARGE), 2)
  t.equal(taken(USUAL), 32, 'usual ones')
  t.equal(taken(SMALL), 100, 'small ones')
  t.equal(mayHash('genuine', LARGE), false)
  trust('genuine')
  t.equal(mayHash('genuine', LARGE), true, 'who signed rightly')
  clock.advance(500)
  t.equal(taken(LARGE), 1, 'half a second later')
  t.end()
})
