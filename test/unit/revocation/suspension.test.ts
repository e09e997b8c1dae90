import t from 'tap'
import { createSuspension } from '../../../src/base/revocation/suspension.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const INTERVAL_MS = 10_000
const TEN_MINUTES_MS = 600_000

/** After that many adoptions at once. */
function open (adoptions: number) {
  const clock = manualClock()
  const lines: string[] = []
  const suspension = createSuspension(clock, { trouble: (what) => { lines.push(what) } })
  for (let n = 0; n < adoptions; n++) suspension.adopted(false)
  return { suspension, clock, lines }
}

t.test('three changes in ten minutes suspend nothing', async (t) => {
  const { suspension, lines } = open(3)
  t.strictSame([suspension.isActive(), suspension.mayAdopt(), suspension.mayChange()], [false, true, true])
  t.strictSame(lines, [])
})

t.test('the first generation of a process is no change', async (t) => {
  const { suspension } = open(3)
  suspension.adopted(true)
  t.notOk(suspension.isActive())
})

t.test('the fourth change suspends for ten minutes, told once however many follow', async (t) => {
  const { suspension, clock, lines } = open(4)
  t.ok(suspension.isActive())
  for (let n = 0; n < 5; n++) {
    clock.advance(INTERVAL_MS)
    suspension.adopted(false)
  }
  t.equal(lines.length, 1)
  clock.advance(TEN_MINUTES_MS - 1)
  t.ok(suspension.isActive())
  clock.advance(1)
  t.strictSame([suspension.isActive(), suspension.mayAdopt(), suspension.mayChange()], [false, true, true])
  suspension.adopted(false)
  t.notOk(suspension.isActive(), 'and counts from the beginning')
})

t.test('while it lasts, one generation in ten seconds is adopted', async (t) => {
  const { suspension, clock } = open(4)
  clock.advance(INTERVAL_MS - 1)
  t.notOk(suspension.mayAdopt())
  clock.advance(1)
  t.ok(suspension.mayAdopt())
  suspension.adopted(false)
  t.notOk(suspension.mayAdopt())
})

t.test('while it lasts, only what has stood for ten seconds is changed, once', async (t) => {
  const { suspension, clock } = open(4)
  suspension.saw('a')
  clock.advance(INTERVAL_MS)
  suspension.saw('b')
  t.notOk(suspension.mayChange(), 'another replica has just changed it')
  clock.advance(INTERVAL_MS)
  suspension.saw('b')
  t.ok(suspension.mayChange())
  t.notOk(suspension.mayChange(), 'nor twice where the change is lost')
})
