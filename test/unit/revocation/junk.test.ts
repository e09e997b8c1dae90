import t from 'tap'
import { createJunkGuard, JUNK_LEAVE_MS } from '../../../src/base/revocation/junk.ts'

function open () {
  let now = 0
  const lines: string[] = []
  const guard = createJunkGuard({ monotonic: () => now }, { trouble: (what) => { lines.push(what) } })
  return { guard, lines, pass: (ms: number) => { now += ms } }
}

t.test('counts five entries in ten seconds as everything, and skips from the sixth on', async (t) => {
  const { guard, lines } = open()
  t.strictSame(Array.from({ length: 8 }, () => guard.admit()), [true, true, true, true, true, false, false, false])
  t.ok(guard.isSkipping())
  t.equal(lines.length, 1, 'one line')
})

t.test('never skips what comes five times in ten seconds', async (t) => {
  const { guard, pass } = open()
  for (let n = 0; n < 100; n++) {
    t.ok(guard.admit())
    pass(2000)
  }
  t.notOk(guard.isSkipping())
})

t.test('skips what comes four times a second: a slow resolution would never end', async (t) => {
  const { guard, pass } = open()
  const admitted = Array.from({ length: 400 }, () => {
    pass(250)
    return guard.admit()
  })
  t.equal(admitted.lastIndexOf(true), 4)
  t.ok(guard.isSkipping(), 'for as long as it goes on')
})

t.test('skips until 30 s after the last excess, and ends once', async (t) => {
  const { guard, lines, pass } = open()
  const burst = () => { for (let n = 0; n < 6; n++) guard.admit() }
  burst()
  pass(20_000)
  burst()
  pass(JUNK_LEAVE_MS - 1)
  t.notOk(guard.admit(), 'also what comes seldom')
  t.strictSame([guard.ends(), guard.isSkipping()], [false, true])
  pass(1)
  t.ok(guard.isSkipping(), 'until the log was read')
  t.strictSame([guard.ends(), guard.isSkipping(), guard.ends()], [true, false, false])
  t.ok(guard.admit())
  t.equal(lines.length, 1)
})
