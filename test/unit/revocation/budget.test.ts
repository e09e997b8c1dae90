import t from 'tap'
import { createBudget, ENTRIES_PER_MINUTE, maxEntries } from '../../../src/base/revocation/budget.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const LIMITS = { webhook: 3, management: 2, audit: 2, logout: 1 }

t.test('an origin has room for its limit within any minute, and for no more', async (t) => {
  const clock = manualClock()
  const budget = createBudget(clock, LIMITS)
  const room: boolean[] = []
  for (let second = 0; second < 180; second++) {
    const isFree = budget.hasRoom('webhook')
    room.push(isFree)
    if (isFree) budget.spend('webhook')
    clock.advance(1000)
  }
  for (let from = 0; from + 60 <= room.length; from++) {
    t.equal(room.slice(from, from + 60).filter(Boolean).length, 3, `from second ${from}`)
  }
})

t.test('each origin has a budget of its own', async (t) => {
  const budget = createBudget(manualClock(), LIMITS)
  budget.spend('logout')
  t.strictSame((['logout', 'webhook', 'management', 'audit'] as const).map(budget.hasRoom), [false, true, true, true])
})

t.test('what others wrote beyond a limit counts for a minute from the last', async (t) => {
  const clock = manualClock()
  const budget = createBudget(clock, LIMITS)
  for (let n = 0; n < 10; n++) {
    budget.spend('logout')
    clock.advance(10_000)
  }
  t.notOk(budget.hasRoom('logout'))
  clock.advance(50_000)
  t.ok(budget.hasRoom('logout'))
})

t.test('all budgets spent over the longest retention stay well below 128 MB', async (t) => {
  const longestMs = 15 * 60_000 + 2000
  t.ok(maxEntries(longestMs) * 300 < 80e6, `${maxEntries(longestMs)} entries`)
  t.equal(maxEntries(60_000), Object.values(ENTRIES_PER_MINUTE).reduce((a, b) => a + b) + 2000)
})
